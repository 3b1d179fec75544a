"""The verdict of a run, and the one-sentence headline of its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import signals
from ..artifacts.etl.reads import TEXT_FORMATS, Reads
from ..artifacts.run.breakdown import Breakdown
from ..artifacts.run.crowding import Crowding
from ..artifacts.run.gaps import importing
from ..artifacts.run.host import Host
from ..artifacts.run.user_lines import UserLine, UserLines
from ..artifacts.serving.requests import Requests
from ..artifacts.training.steps import MIN_STEPS, Steps
from ..recording.facts import KnownLine
from ..recording.model import Recording
from .findings import Finding, Gain, Location
from .model import Ranked
from .phases import phase_words
from .ranking import GUESS
from .spark import Part

_UNEXPLAINED_SHARE = 0.3  # of the run in one line or function that no detector judges: the run is not "fine"
_UNJUDGED_SHARE = 0.5  # of the run in code outside every recorded phase, on any lines
_AROUND = ("startup", "import", "shutdown")  # breakdown rows before and after the program's own work
_WORK_SECONDS = 1.0  # enough to judge
_MOSTLY_WORK, _LITTLE_WORK = 0.5, 0.2  # of the run
_ONE_CORE = 0.75  # cores: from here on one is busy; up to its reciprocal, only one
_MOSTLY_NATIVE = 0.6  # of the running time of a line
_ALL_CORES = 0.8  # of the cores that the program may use
_CROWD = 2.0  # requests inside the server for each that is seen in a handler
_MINOR = 0.3  # of the place's time: fixes that save less at best are not what the run is about
_NO_WAY = "no faster way is known for it"
_PART = 0.5  # of a function's time: below this, name the function and not the line
_UNJUDGED = ("other", "python", "setup", "etl.transform", "etl.write")  # breakdown rows without a phase detector
_JUDGED = (*TEXT_FORMATS, "parquet", "feather", "orc")  # formats that are read
_UNJUDGED_PHASES = (signals.NONE, signals.TRANSFORM, signals.WRITE)
_NO_PHASES = ("other", "python", "setup", "serve.", "etl.transform", "etl.write")  # less informative than a line


@dataclass(frozen=True)
class Place:
    """The line with most of the run's time. ``share``: of the run; ``unjudged_share``: the part outside all phases.

    ``waits``: what it does if it mostly waits: "waits", "sleeps", "waits for a lock"; otherwise "".
    ``server``: the line with most time in the program's own server, if this line waits for that. ``busy_cores``: cores
    that the program used while in it; None if not measured. ``native``: it is mostly in native calls of some length.
    """

    file: str
    line: int
    function: str
    call: str
    share: float
    unjudged_share: float
    waits: str
    server: Place | None = None
    busy_cores: float | None = None
    native: bool = False

    def __str__(self) -> str:
        share, here = _percent(self.share), Location(self.file, self.line)
        if self.server is not None:
            return f"{self.server}, in the program's own server, for which {share} of the run waits at {here}"
        what = f"{self.call}()" if self.call else self.function.rpartition(".")[2].replace("<module>", "top-level code")
        verb = f"{self.waits} in" if self.waits else "is"
        return f"{share} of the run {verb} {what} at {here}"


def largest_place(
    recording: Recording, lines: UserLines | None, process: int, host: Host | None = None, reads: Reads | None = None
) -> Place | None:
    """The user's line that takes most of a process's time, not counting imports."""
    known = {(fact.file, fact.line, fact.function): fact for _, fact in recording.facts.of(KnownLine)}
    events = {key for key, fact in known.items() if fact.events}
    line = None if lines is None else lines.largest(process, events)
    if lines is None or line is None or _imports(line):
        return None
    # Passes without gradients are the steps of a program that only infers; beside a training, no detector judges them.
    trains = bool((recording.stacks["flags"] & 0xFF == signals.BACKWARD).any())
    phases = [
        *_UNJUDGED_PHASES,
        *([signals.EVAL] if trains else []),
        *([] if _is_judged(line, reads) else [signals.READ]),
    ]
    found = _place(lines, line, known.get(line.key), host, phases)
    if not lines.asks_own_server(line):
        return found
    server = lines.server()
    if server is None:
        return replace(found, waits="waits for the program's own server")
    return replace(found, server=_place(lines, server, known.get(server.key)))


def _is_judged(line: UserLine, reads: Reads | None) -> bool:
    """Whether a detector judges what the line reads: files of a format with a better one, or with columns."""
    sites = [each.site for each in (() if reads is None else reads.reads) if each.format in _JUDGED]
    return any(site is not None and (site.file, site.line) == (line.file, line.line) for site in sites)


def _place(
    lines: UserLines,
    line: UserLine,
    fact: KnownLine | None,
    host: Host | None = None,
    phases: Sequence[int] = _UNJUDGED_PHASES,
) -> Place:
    unjudged = float(np.isin(line.rows["flags"] & 0xFF, phases).mean())
    share = min(1.0, lines.share(line) * line.own_share)
    waits = ""
    if line.blocked_share > 0.5:
        waits = "waits" if line.waits_for is None else line.waits_for.verb
    call = fact.call if fact is not None else ""
    native = (line.native_share or 0.0) >= _MOSTLY_NATIVE
    return Place(
        line.file, line.line, line.function, call, share, share * unjudged, waits, None, line.busy_cores(host), native
    )


def verdict_of(
    recording: Recording,
    ranked: list[Ranked],
    short: bool,
    answered: bool,
    breakdown: Breakdown | None,
    place: Place | None,
    suspect: str = "",
    queued: bool = False,
    stages: bool = False,
    repeated: str = "",
    device_unseen: bool = False,
) -> str:
    """``answered``: at least one detector had data to judge. ``short``: the run has too few steps for that.

    ``suspect``: what a detector saw too few samples of to name it. ``queued``: requests wait for each other.
    ``stages``: much of the run is in those of Spark, or beside them. ``repeated``: what its processes do again.
    ``device_unseen``: of a device, only the borders of the phases were timed, and between them it may idle.
    """
    if ranked:
        return "findings"
    if recording.is_empty:
        return "nothing recorded"
    if short:
        return "too short to judge"
    if suspect or repeated:
        return "unexplained"
    if not answered:
        return "nothing to judge"
    times = _times_of_work(breakdown)
    if stages or _unexplained(place, times) or times * _largest_function(breakdown) >= _UNEXPLAINED_SHARE:
        return "unexplained"
    # Without call stacks nobody knows what the handlers do.
    unseen = queued or not len(recording.stacks)
    if unseen and breakdown is not None and breakdown.share("serve.handler") >= _UNJUDGED_SHARE:
        return "unexplained"
    unjudged = times * _unjudged_share(breakdown) >= _UNJUDGED_SHARE
    return "unexplained" if unjudged or device_unseen else "fine"


def _times_of_work(breakdown: Breakdown | None) -> float:
    """How many times longer the run is than its work, if that is the smaller part: a short run that mostly imports."""
    if breakdown is None or breakdown.wall_seconds <= 0.0:
        return 1.0
    work = 1.0 - breakdown.share(*_AROUND)
    mostly = work >= _MOSTLY_WORK or work * breakdown.wall_seconds < _WORK_SECONDS
    return 1.0 if mostly else 1.0 / max(work, _LITTLE_WORK)


def wait_for_each_other(lines: UserLines | None, requests: Requests | None) -> bool:
    """Whether far fewer requests are at work in the handlers' lines, or wait there, than are inside the server."""
    if lines is None or requests is None or not requests.count:
        return False
    inside = [max(line.tasks, line.threads) for line in lines.lines if line.handles]
    return bool(inside) and requests.concurrency >= _CROWD * max(inside)


def _is_minor(finding: Finding, place: Place) -> bool:
    """Whether the fix leaves most of the place's time as it is."""
    at = finding.location
    if at is not None and (at.file, at.line) == (place.file, place.line):
        return False
    return _saves_less(finding, _MINOR * place.share)


def _saves_less(finding: Finding, share: float) -> bool:
    """Whether the fix saves at best a smaller share of the run."""
    return finding.gain is not None and finding.gain.basis == "run" and finding.gain.high < share


def _busy(place: Place, cores: float) -> str:
    """How many cores the program used there, where that is more than one line of Python on the only core."""
    used = place.busy_cores
    if used is None or place.waits or place.server is not None or cores < 2 or used < _ONE_CORE:
        return ""
    code = ", in native code" if place.native else ","
    if used >= _ALL_CORES * cores:
        return f"{code} with both cores busy" if cores == 2 else f"{code} with all {cores:g} cores busy"
    one = used < 1.0 / _ONE_CORE
    return f"{code} on one of {cores:g} cores" if one else f"{code} with {used:.1f} of {cores:g} cores busy"


def _unexplained(place: Place | None, times: float = 1.0) -> bool:
    """``times``: the run in times of its work."""
    return place is not None and times * place.unjudged_share >= _UNEXPLAINED_SHARE


def _unjudged_share(breakdown: Breakdown | None) -> float:
    if breakdown is None:
        return 0.0
    beside = ("eval",) if "backward" in breakdown.seconds else ()
    return breakdown.share(*(n for n in breakdown.seconds if n.startswith((*_UNJUDGED, *beside))))


def _largest_function(breakdown: Breakdown | None) -> float:
    """Share of the run in one function outside all phases, none of whose lines may have enough samples."""
    if breakdown is None:
        return 0.0
    functions = (name for name in breakdown.seconds if name.startswith(("python:", "setup:")))
    return max((breakdown.share(name) for name in functions), default=0.0)


def headline_of(
    verdict: str,
    ranked: list[Ranked],
    breakdown: Breakdown | None,
    steps: Steps | None,
    requests: Requests | None,
    place: Place | None,
    lines: UserLines | None = None,
    suspect: str = "",
    cores: float = 1.0,
    crowding: Crowding | None = None,
    device: str = "",
    part: Part | None = None,
    unserved: str = "",
    repeated: str = "",
) -> str:
    """The headline: one sentence that is always true. ``cores``: that the program may use. ``device``: what an imported
    trace's device does most of the time. ``part``: what holds most of a Spark application. ``unserved``: why nothing
    could be judged of a server or a load test. ``repeated``: what the program's processes do again and again."""
    times = _times_of_work(breakdown)
    if verdict == "findings":
        first = _finding(ranked[0])
        if part is not None and all(_saves_less(each.finding, _MINOR * part.share) for each in ranked):
            return f"{part}; {_NO_WAY}. {first}" if part.stage else f"{first} {part}."
        if (
            place is None
            or not _unexplained(place, times)
            or not all(_is_minor(each.finding, place) for each in ranked)
        ):
            return first
        return f"{place}{_busy(place, cores)}; {_NO_WAY}. {first}"
    if verdict == "nothing recorded":
        return "Nothing was recorded."
    if verdict == "unexplained" and suspect:
        return f"{suspect}; too few samples to be sure, so record a longer run."
    if verdict == "unexplained" and repeated:
        return f"{repeated}."
    if verdict == "unexplained" and place is not None and _unexplained(place, times):
        return f"{place}{_busy(place, cores)}; {_NO_WAY}."
    texts = {
        "unexplained": "No known cause of slowness was found",
        "too short to judge": _short(steps),
        "nothing to judge": f"Nothing to judge: {unserved}" if unserved else _unjudged(steps, requests, lines),
    }
    text = texts.get(verdict, "Nothing worth fixing was found")
    if verdict == "fine" and crowding is not None and crowding.crowded:
        return f"{text} in the program; {crowding}."
    where = device or str(part or "") or _where(verdict, breakdown, place)
    return f"{text}; {where}." if where else f"{text}."


def _finding(ranked: Ranked) -> str:
    first = ranked.finding
    where = f" ({first.location or _read(first)})" if first.location or _read(first) else ""
    return f"{first.title}{where}." if first.gain is None else f"{first.title}{where}; fixing it {_effect(first.gain)}."


def _read(finding: Finding) -> str:
    """The library's call and the file that it reads, for a finding without a line of the user's."""
    said = {evidence.label: str(evidence.value) for evidence in finding.evidence}
    file = said.get("first file", "").replace("\\", "/").rpartition("/")[2]
    return f"{said['reader']} of {file}" if file and "reader" in said else ""


def _short(steps: Steps | None) -> str:
    count = 0 if steps is None else steps.all_count
    return f"Too short to judge: {count} steps were recorded, {MIN_STEPS} are needed"


def _unjudged(steps: Steps | None, requests: Requests | None, lines: UserLines | None) -> str:
    seen = "no steps, reads or requests recorded"
    if steps is not None:
        seen = "steps were recorded, but no signal the checks need"
    elif requests is not None and requests.count:
        seen = f"{requests.count} requests were recorded, but no signal the checks need"
    elif lines is not None and lines.serves:
        seen = "the program runs a server whose requests are not recorded one by one"
    return f"Nothing to judge: {seen}"


def _where(verdict: str, breakdown: Breakdown | None, place: Place | None) -> str:
    """Where most of the time goes: the phase if that is informative, else the line."""
    largest = next(iter(breakdown.seconds), "") if breakdown is not None else ""
    if place is not None and (breakdown is None or not _says_more(breakdown, largest, place)):
        return str(place)
    if breakdown is None or not largest:
        return ""
    # "Most of the time is other" would not help the reader.
    where = "is not attributed" if largest == "other" else f"goes to {phase_words(largest)}"
    return f"most time {where} ({_percent(breakdown.share(largest))})"


def _says_more(breakdown: Breakdown, largest: str, place: Place) -> bool:
    """Whether the largest row says more than the line: a phase, or a function of which the line is a small part."""
    if place.server is not None:
        return False
    if not largest.startswith(_NO_PHASES):
        return bool(largest)
    return ":" in largest and place.share < _PART * breakdown.share(largest)


def _effect(gain: Gain) -> str:
    if gain.basis == "capacity":
        what = f"the {gain.whose}'s capacity"
        if gain.confidence <= GUESS:
            return f"may free up to {_percent(gain.high)} of {what}; measure it before relying on it"
        return f"frees about {_percent(gain.share)} of {what}"
    if gain.basis == "p99":
        return f"cuts p99 latency by about {_percent(gain.share)}"
    if gain.ceiling:
        return f"saves up to {_percent(gain.high)} of the {gain.basis}"
    return f"saves about {_percent(gain.share)} of the {gain.basis}"


def _imports(line: UserLine) -> bool:
    return line.share_where(lambda way: importing(way.below)) > 0.5


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
