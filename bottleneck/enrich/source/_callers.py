"""What the lines that led to a function say of its calls: whether a loop makes them, and what stays the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...artifacts.run.user_lines import UserLine
from ...artifacts.run.ways import Key
from ...patterns import Source
from ...patterns.fixed import given_alike
from ...patterns.loops import takes_steps
from ...patterns.syntax import Loop, last_name
from ._code import source_of

_MAX_CALLERS = 8
_OFTEN = 5  # executions seen


def _begins_a_loop(line: UserLine) -> bool:
    source = source_of(line.file)
    return source is not None and any(isinstance(node, Loop) for node in source.by_line.get(line.line, []))


class Callers:
    """The user lines of a run by the line that called them."""

    def __init__(self, lines: tuple[UserLine, ...]) -> None:
        self._callers: dict[Key, Key | None] = {each.key: each.caller for each in lines}

    def looped(self, line: UserLine) -> bool:
        """Whether the line was seen to run again and again, or a caller of its function is inside a loop.

        The first line of a loop runs again and again by itself, and a request's handler runs once for each request.
        """
        often = line.times >= _OFTEN and not line.answers and not _begins_a_loop(line)
        return often or any(True for _ in _loops(self.places(line)))

    def steps(self, line: UserLine, source: Source) -> bool:
        """Whether one of the loops that run the line computes gradients in each pass: a training loop written by hand,
        without an optimizer to record."""
        around = ((source, line.line), *self.places(line))
        return any(takes_steps(where, loop) for where, loop in _loops(around))

    def places(self, line: UserLine) -> tuple[tuple[Source, int], ...]:
        """The lines that led to the line's function, the nearest first, where their source can be read."""
        found: list[tuple[Source, int]] = []
        caller = line.caller
        for _ in range(_MAX_CALLERS):
            if caller is None:
                break
            source = source_of(caller[0])
            if source is not None:
                found.append((source, caller[1]))
            caller = self._callers.get(caller)
        return tuple(found)

    def given(self, line: UserLine) -> frozenset[str]:
        """The parameters of the line's function that each call gives the same; "self": the calls are of one object."""
        source = source_of(line.file)
        return frozenset() if source is None else self._given(source, line.line, line.caller, _MAX_CALLERS)

    def _given(self, source: Source, line: int, caller: Key | None, left: int) -> frozenset[str]:
        function = next((source.function(node) for node in source.by_line.get(line, [])), None)
        around = None if caller is None or not left else source_of(caller[0])
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or around is None or caller is None:
            return frozenset()
        there = around.by_line.get(caller[1], [])
        made = [node for node in there if isinstance(node, ast.Call)]
        calls: list[ast.Call | ast.Attribute] = [call for call in made if last_name(call.func) == function.name]
        if any(last_name(each) in ("property", "cached_property") for each in function.decorator_list):
            calls += [node for node in there if isinstance(node, ast.Attribute) and node.attr == function.name]
        calls = calls or list(_by_another_name(around, made))
        if not calls:
            # The line of a comprehension is called by itself, or by one of the same function.
            within = around is source and function in (source.function(node) for node in there)
            return self._given(source, caller[1], self._callers.get(caller), left - 1) if within else frozenset()
        outer = None
        if not around.loops(calls[0]):
            outer = self._given(around, caller[1], self._callers.get(caller), left - 1)
        return frozenset.intersection(*(given_alike(around, call, function, outer) for call in calls))


def _by_another_name(source: Source, made: list[ast.Call]) -> list[ast.Call]:
    """The only call of a line that is of no builtin and no known name: ``callback(row)``."""
    plain = [call for call in made if isinstance(call.func, ast.Name) and not source.paths(call.func)]
    return plain if len(made) == len(plain) == 1 else []


def _loops(places: tuple[tuple[Source, int], ...]) -> Iterator[tuple[Source, ast.AST]]:
    """The loops around the lines, with their file."""
    for source, line in places:
        yield from ((source, loop) for node in source.by_line.get(line, []) for loop in source.loops(node))
