"""Lines that hold much of the run, and the known slow patterns they match, found after a run has ended.

A pattern is recognised by the line's syntax tree and by the frames sampled below it. Detectors read no files, so the
lines become facts.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import msgspec

from ...artifacts import Artifacts, Missing
from ...artifacts.run.frames import LOADING, through
from ...artifacts.run.user_lines import UserLine, UserLines
from ...artifacts.run.ways import Way
from ...patterns import Failures, Frame, Pattern, Sighting, Source, recognise
from ...patterns.independence import waits_for_events
from ...patterns.places import handlers
from ...patterns.syntax import Loop, last_name
from ...recording.facts import KnownLine
from ...recording.model import Recording
from .. import why
from ._callers import Callers
from ._code import MAX_FILES, source_of
from ._crew import crew_of
from ._sighting import Run

_MIN_MATCH = 0.5  # of a line's time: with less, the line is slow for another reason
_MAX_WAYS = 16  # ways of a line that are checked: a call of recognise() takes about a millisecond


def enrich(run_dir: Path, recording: Recording) -> list[str]:
    """Add a ``KnownLine`` for each line of ``UserLines`` whose source can be read. Reads source files.

    A failure costs only the pattern or the line that it occurs in.
    """
    artifacts = Artifacts(recording)
    try:
        found = artifacts.get(UserLines)
    except Missing:
        return []
    run = artifacts.call(Run.of)
    known = {(fact.file, fact.line, fact.function) for _, fact in recording.facts.of(KnownLine)}
    crew, callers = crew_of(recording), Callers(found.lines)
    files: set[str] = set()
    failures: Failures = {}
    for line in found.lines:
        files.add(line.file)
        source = source_of(line.file) if len(files) <= MAX_FILES else None
        if source is None or line.key in known:
            continue
        try:
            seen = run.sighting(source, line)
            seen = replace(
                seen,
                step=seen.step or (run.steps is None and callers.steps(line, source)),
                share=found.share(line),
                crew=crew,
                looped=callers.looped(line),
                callers=callers.places(line),
                given=callers.given(line),
            )
            recording.facts.add(0, _judge(source, line, seen, failures))
        except Exception as error:
            failures[f"line {line.line} of {Path(line.file).name}"] = error
    for line in found.unclaimed:
        if line.key in known:
            continue
        try:
            for fact in _of_a_server(line, found, run, failures):
                recording.facts.add(0, fact)
        except Exception as error:
            failures["the server's own work"] = error
    return [f"Known slow patterns: {what} was not judged ({why(error)})." for what, error in failures.items()]


def _of_a_server(line: UserLine, found: UserLines, run: Run, failures: Failures) -> list[KnownLine]:
    """A pattern in what a server does beside the user's code, if some file tells which request handler it is for."""
    ran = {(each.file, each.function.rpartition(".")[2]) for each in found.lines}
    # A handler that only hands over what it has in memory may be seen too seldom to be one of these lines.
    here = (frames for (process, _), frames in run.recording.facts.stacks.items() if process in line.processes)
    also = {(each.file, each.function.rpartition(".")[2]) for frames in here for each in frames if each.user}
    files = list(dict.fromkeys([line.file, *(each.file for each in found.lines), *sorted(file for file, _ in also)]))
    for file in files[:MAX_FILES]:
        source = source_of(file)
        if source is None:
            continue
        names = frozenset(function for where, function in ran | also if where == file) | _asked_most(run, source)
        seen = replace(run.sighting(source, line), share=found.share(line), ran=names)
        fact = _judge(source, line, seen, failures)
        if fact.cause:
            return [msgspec.structs.replace(fact, cause_file="" if file == line.file else file)]
    return []


def _asked_most(run: Run, source: Source) -> frozenset[str]:
    """The handler of the route whose requests took most time, if its decorator in this file names that route."""
    routes = () if run.requests is None else run.requests.routes
    path = routes[0].name.split(" ")[1] if routes and " " in routes[0].name else ""
    return frozenset(
        function.name
        for function in handlers(source)
        for each in function.decorator_list
        if path and isinstance(each, ast.Call) and any(getattr(given, "value", "") == path for given in each.args[:1])
    )


def _judge(source: Source, line: UserLine, seen: Sighting, failures: Failures) -> KnownLine:
    """The known pattern that takes most of the line's time, if there is one."""
    found: dict[str, tuple[Pattern, set[Way]]] = {}
    asked = list(line.ways)[:_MAX_WAYS]
    for way in asked:
        pattern = recognise(_with(seen, way), failures)
        if pattern is not None:
            found.setdefault(pattern.id, (pattern, set()))[1].add(way)
    node = next(iter(seen.nodes), None)
    loops = 0 if node is None else len(source.loops(node))
    # The unchecked ways, many and rare, are assumed to be like the checked ones.
    whole = max(line.share_of(set(asked)), 1e-9)
    shares = {name: line.share_of(ways) / whole for name, (_, ways) in found.items()}
    best = max(shares, key=lambda name: shares[name], default="")
    if not best or (shares[best] < _MIN_MATCH and line.line):
        inside = _of_what_it_calls(source, line, seen, failures)
        if inside is not None:
            return inside
        events = line.tasks > 0 and waits_for_events(source, line.line)
        return KnownLine(line.file, line.line, line.function, "", 0.0, _called(seen), loops, events=events)
    pattern, ways = found[best]
    cause = pattern.line(_with(seen, next(iter(ways))))
    if cause <= 0:  # in another cell of the notebook
        cause = line.line
    share, stage = 1.0 if pattern.whole_line else min(1.0, shares[best]), _stage(pattern, line, seen)
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
        loop=_loop(source, node) if pattern.whole_loop and node is not None else (0, 0),
    )


def _of_what_it_calls(source: Source, line: UserLine, seen: Sighting, failures: Failures) -> KnownLine | None:
    """A pattern in a function that the line calls, to explain time of the line with no frame sampled below it.

    The interpreter checks for signals at the end of a call or a loop pass. A function that does neither after its
    expensive operator has returned by then, so its time goes to the caller.
    """
    bare = next((way for way in line.ways if not way.below), None)
    share = 0.0 if bare is None else line.share_of({bare})
    if bare is None or share < _MIN_MATCH:
        return None
    named = {last_name(node.func) for node in seen.nodes if isinstance(node, ast.Call)}
    for called in (source.functions[name][0] for name in named if len(source.functions.get(name, ())) == 1):
        if any(isinstance(each, Loop) for each in ast.walk(called)):
            continue
        for at in range(called.body[0].lineno, (called.end_lineno or 0) + 1):
            if at not in source.by_line:
                continue
            pattern = recognise(replace(_with(seen, bare), line=at, function=called.name, looped=True), failures)
            if pattern is not None:
                stage = _stage(pattern, line, seen)
                return KnownLine(
                    line.file, line.line, line.function, pattern.id, share, called.name, 0, stage, at, False
                )
    return None


def _loop(source: Source, node: ast.AST) -> tuple[int, int]:
    """First and last line of the innermost loop around a node, or (0, 0)."""
    loop = next((each for each in source.loops(node) if isinstance(each, Loop)), None)
    return (0, 0) if loop is None else (loop.lineno, loop.end_lineno or loop.lineno)


def _function_at(source: Source, line: int) -> int:
    """First line of the function around a line; 0 outside functions."""
    node = next(iter(source.by_line.get(line, [])), None)
    return getattr(None if node is None else source.function(node), "lineno", 0)


def _with(seen: Sighting, way: Way) -> Sighting:
    below, above = (
        tuple(Frame(called.function.rpartition(".")[2], called.file) for called in frames)
        for frames in (way.below, way.above)
    )
    handler = way.handler or (seen.serves and way.pooled)
    return replace(seen, below=below, above=above, loading=way.loading, handler=handler, event_loop=way.event_loop)


def _called(seen: Sighting) -> str:
    """The call on the line, as written; "" if there is none, or more than one."""
    calls = [node for node in seen.nodes if isinstance(node, ast.Call)]
    named = [call for call in calls if call in seen.rivals] or calls
    return last_name(named[0].func) if len(named) == 1 or len({last_name(call.func) for call in named}) == 1 else ""


def _stage(pattern: Pattern, line: UserLine, seen: Sighting) -> str:
    """The stage the line belongs to in this run, among the stages in which the pattern is known."""
    fetching = line.share_where(lambda way: through(way.below, LOADING))
    if line.share_where(lambda way: way.loading) > 0.5 or fetching > 0.5:
        return "data loading"
    if line.share_where(lambda way: way.handler) > 0.5:
        return "serving"
    if seen.step:
        return "training"
    return {"loading": "data loading"}.get(pattern.stages[0], pattern.stages[0])
