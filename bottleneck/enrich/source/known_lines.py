"""Lines that hold much of the run, and which known slow pattern they are an instance of, found when a run has ended.

A pattern is recognised by the line's syntax tree and by the frames that were sampled below it. Detectors read no files:
what is found here goes to the facts.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np

from ... import signals
from ...artifacts import Artifacts, Missing
from ...artifacts.run.frames import LOADING, through
from ...artifacts.run.host import Host
from ...artifacts.run.user_lines import UserLine, UserLines
from ...artifacts.run.ways import Way
from ...artifacts.training.steps import Steps
from ...patterns import Failures, Frame, Pattern, Sighting, Source, recognise
from ...patterns.syntax import last_name
from ...recording.facts import KnownLine
from ...recording.model import Recording, Site
from .. import why
from ._code import MAX_FILES, source_of

_MIN_MATCH = 0.5  # of a line's time: less, and the line is slow for another reason
_IN_STEPS = 0.8  # of a line's samples: it belongs to the steps
_GROWS = 1.5  # the last third of the steps over the first
_STEPS_TO_GROW = 9
_MAX_CALLERS = 8
_MAX_WAYS = 16  # of a line that are asked: a call of recognise() takes about a millisecond


def enrich(run_dir: Path, recording: Recording) -> list[str]:
    """Add a ``KnownLine`` for each line of ``UserLines`` whose source can be read. Reads source files.

    What cannot be judged costs itself alone: a pattern is missed, or a line.
    """
    artifacts = Artifacts(recording)
    try:
        found = artifacts.get(UserLines)
    except Missing:
        return []
    try:
        steps: Steps | None = artifacts.get(Steps)
    except Missing:
        steps = None
    known = {(fact.file, fact.line, fact.function) for _, fact in recording.facts.of(KnownLine)}
    files: set[str] = set()
    failures: Failures = {}
    for line in found.lines:
        files.add(line.file)
        source = source_of(line.file) if len(files) <= MAX_FILES else None
        if source is None or (line.file, line.line, line.function) in known:
            continue
        try:
            seen = replace(
                _seen(source, line, recording, steps),
                share=found.share(line),
                looped=_looped(line, found.lines),
                body_per_item=_body(source, line, found.lines),
            )
            recording.facts.add(0, _judge(source, line, seen, failures))
        except Exception as error:
            failures[f"line {line.line} of {Path(line.file).name}"] = error
    return [f"Known slow patterns: {what} was not judged ({why(error)})." for what, error in failures.items()]


def _judge(source: Source, line: UserLine, seen: Sighting, failures: Failures) -> KnownLine:
    """The pattern that most of the line's time is spent in, if it is one that we know."""
    found: dict[str, tuple[Pattern, set[Way]]] = {}
    asked = list(line.ways)[:_MAX_WAYS]
    for way in asked:
        pattern = recognise(_with(seen, way), failures)
        if pattern is not None:
            found.setdefault(pattern.id, (pattern, set()))[1].add(way)
    node = next(iter(seen.nodes), None)
    loops = 0 if node is None else len(source.loops(node))
    # The ways that were not asked, many and rare, are taken to be as the others are.
    whole = max(line.share_of(set(asked)), 1e-9)
    shares = {name: line.share_of(ways) / whole for name, (_, ways) in found.items()}
    best = max(shares, key=lambda name: shares[name], default="")
    if not best or shares[best] < _MIN_MATCH:
        return KnownLine(line.file, line.line, line.function, "", 0.0, _called(seen), loops)
    pattern, ways = found[best]
    cause = pattern.line(_with(seen, next(iter(ways))))
    if cause <= 0:  # in another cell of the notebook
        cause = line.line
    share, stage = min(1.0, shares[best]), _stage(pattern, line, seen)
    return KnownLine(
        line.file,
        line.line,
        line.function,
        best,
        share,
        _called(seen),
        loops,
        stage,
        cause,
        _function_at(source, cause) == _function_at(source, line.line),
    )


def _function_at(source: Source, line: int) -> int:
    """Where the function around a line begins; 0 outside of functions."""
    node = next(iter(source.by_line.get(line, [])), None)
    return getattr(None if node is None else source.function(node), "lineno", 0)


def _seen(source: Source, line: UserLine, recording: Recording, steps: Steps | None) -> Sighting:
    """What is known of the line, whichever way it spends its time."""
    within = _within(line, steps)
    inside = steps is not None and within.mean() >= _IN_STEPS
    site = None if steps is None else recording.facts.loop_site(steps.process, steps.loader)
    phases = line.rows["flags"] & 0xFF
    return Sighting(
        source,
        line.line,
        line.function.rpartition(".")[2],
        step=inside,
        evaluating=bool((phases == signals.EVAL).mean() > 0.5),
        passes=steps.all_count if steps is not None and inside else None,
        growing=_growing(line, steps) if steps is not None and inside and _once_a_step(source, line, site) else None,
        to_forward=_to_forward(line, steps) if inside else None,
        off_cpu=line.blocked_share > 0.5,
        cores=_cores(line, recording),
        device=None if recording.gpu or recording.run.get("gpus") else "cpu",
        body=line.share_where(lambda way: way.own),
        versions={name: _version(str(text)) for name, text in recording.run.get("versions", {}).items()},
    )


def _with(seen: Sighting, way: Way) -> Sighting:
    below, above = (
        tuple(Frame(called.function.rpartition(".")[2], called.file) for called in frames)
        for frames in (way.below, way.above)
    )
    return replace(seen, below=below, above=above, loading=way.loading, handler=way.handler, event_loop=way.event_loop)


def _within(line: UserLine, steps: Steps | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of the line's samples end within a step."""
    if steps is None or not steps.all_count:
        return np.zeros(len(line.rows), bool)
    starts, ends = steps.rows["t0"], steps.rows["t1"]  # warm-up included
    at = np.searchsorted(starts, line.rows["t1"], side="left") - 1
    mine = line.rows["process"] == steps.process
    return np.asarray(mine & (at >= 0) & (line.rows["t1"] <= ends[np.maximum(at, 0)]))


def _to_forward(line: UserLine, steps: Steps | None) -> float | None:
    """The line's time over that of the forward passes; None where none was recorded."""
    forward = 0.0 if steps is None else float(steps.rows["forward"].sum()) / 1e6
    return line.seconds / forward if forward > 0 else None


def _once_a_step(source: Source, line: UserLine, site: Site | None) -> bool:
    """Whether no loop of its own runs the line several times a step."""
    node = next(iter(source.by_line.get(line.line, [])), None)
    loops = source.loops(node) if node is not None else []
    return not loops or (site is not None and getattr(loops[0], "lineno", 0) == site.line)


def _looped(line: UserLine, lines: tuple[UserLine, ...]) -> bool:
    """Whether what called the line's function, or that in turn, stands in a loop."""
    callers = {(each.file, each.line, each.function): each.caller for each in lines}
    caller = line.caller
    for _ in range(_MAX_CALLERS):
        if caller is None:
            break
        source = source_of(caller[0])
        nodes = [] if source is None else source.by_line.get(caller[1], [])
        if source is not None and any(source.loops(node) for node in nodes):
            return True
        caller = callers.get(caller)
    return False


def _growing(line: UserLine, steps: Steps) -> bool | None:
    """Whether the line's time in a step grows; None where there are too few steps or samples to tell."""
    if steps.count < _STEPS_TO_GROW or not line.sampled:
        return None
    at = np.searchsorted(steps.start_ns, line.rows["t1"], side="left") - 1
    spent = np.bincount(
        np.clip(at, 0, steps.count - 1), weights=line.rows["t1"] - line.rows["t0"], minlength=steps.count
    )
    first, _, last = (float(part.mean()) for part in np.array_split(spent, 3))
    return last >= _GROWS * first


def _cores(line: UserLine, recording: Recording) -> float | None:
    """How many threads of the program run, or wait for a core, at a time while the line runs; None on one core."""
    if (recording.run.get("machine", {}).get("cores") or 1) < 2 or not len(recording.host.get("time_ns", ())):
        return None
    host = Host(recording.host)
    begins, ends = int(line.rows["t0"].min()), int(line.rows["t1"].max())
    ran, waited = (host.rise(name, begins, ends) for name in ("cpu_ns_total", "run_delay_ns_total"))
    return None if ran is None or waited is None else (ran + waited) / max(ends - begins, 1)


def _body(source: Source, line: UserLine, lines: tuple[UserLine, ...]) -> float | None:
    """Seconds in the body of the loop that begins on the line, for each in which it gets its next item."""
    loops = [each for each in source.by_line.get(line.line, []) if isinstance(each, ast.For)]
    if not loops or line.seconds <= 0:
        return None
    begins, ends = loops[0].body[0].lineno, loops[0].body[-1].end_lineno or 0
    inside = [each for each in lines if (each.file, each.function) == (line.file, line.function)]
    return sum(each.seconds for each in inside if begins <= each.line <= ends) / line.seconds


def _called(seen: Sighting) -> str:
    """What the line calls, as it is written; "" where it calls nothing or several things."""
    calls = [node for node in seen.nodes if isinstance(node, ast.Call)]
    named = [call for call in calls if call in seen.rivals] or calls
    return last_name(named[0].func) if len(named) == 1 or len({last_name(call.func) for call in named}) == 1 else ""


def _stage(pattern: Pattern, line: UserLine, seen: Sighting) -> str:
    """The stage that the line belongs to in this run, of those that the pattern is known in."""
    fetching = line.share_where(lambda way: through(way.below, LOADING))
    if line.share_where(lambda way: way.loading) > 0.5 or fetching > 0.5:
        return "data loading"
    if line.share_where(lambda way: way.handler) > 0.5:
        return "serving"
    if seen.step:
        return "training"
    return {"loading": "data loading"}.get(pattern.stages[0], pattern.stages[0])


def _version(text: str) -> tuple[int, ...]:
    parts = []
    for part in text.split("+")[0].split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)
