"""Diagnoses of real recordings, as they were made and with every name in them an attack."""

from __future__ import annotations

from copy import deepcopy

from artifacts.recorded import golden
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.recording.model import Site
from msgspec.structs import replace

from .samples import ATTACK


def training() -> Diagnosis:
    return diagnose(golden("sync-checkpoint/fires"))


def serving() -> Diagnosis:
    return diagnose(golden("synchronous-serving/fires"))


def healthy() -> Diagnosis:
    return diagnose(golden("workers-zero/silent"))


def too_short() -> Diagnosis:
    return diagnose(golden("unused-columns/silent"))


def attacked() -> Diagnosis:
    """The program chose its files, functions, routes and columns so that they break out of a page."""
    recording = deepcopy(golden("synchronous-serving/fires"))
    facts = recording.facts
    facts.strings = {key: text + ATTACK for key, text in facts.strings.items()}
    facts.sites = {key: Site(f"{s.file}{ATTACK}.py", s.line, ATTACK + s.function) for key, s in facts.sites.items()}
    facts.stacks = {
        key: tuple(replace(f, function=f.function + ATTACK, file=f.file + ATTACK) for f in frames)
        for key, frames in facts.stacks.items()
    }
    recording.run["command"] = ATTACK
    return diagnose(recording)


ALL = {
    "recorded training": training,
    "recorded serving": serving,
    "recorded healthy": healthy,
    "recorded too short": too_short,
    "recorded attack": attacked,
}
