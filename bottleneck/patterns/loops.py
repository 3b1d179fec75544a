"""Conditions on the loops around a hot line: what runs once per pass, what changes with it, and what grows in it."""

from __future__ import annotations

import ast
from dataclasses import replace

from .model import Condition, Hot
from .source import Source, once
from .syntax import Comprehension, Function, Loop, arguments, last_name, mentions, parameters, stored


def in_loop() -> Condition:
    """The node runs once per pass of a loop, or its function is called from one or given to ``map`` or ``apply``."""

    def check(hot: Hot) -> bool:
        if hot.source.loops(hot.node) or hot.seen.looped:
            return True
        function = hot.source.function(hot.node)
        return function is not None and _called_in_loop(hot.source, function)

    return check


def all_loops(hot: Hot) -> list[tuple[Source, Loop | Comprehension]]:
    """The loops around the node, and those around the calls that were seen to lead to it, innermost first."""
    found = [(hot.source, loop) for loop in hot.source.loops(hot.node)]
    for source, line in hot.seen.callers:
        around = max((source.loops(node) for node in source.by_line.get(line, [])), key=len, default=[])
        found += [(source, loop) for loop in around if (source, loop) not in found]
    return found


@once
def _called_in_loop(source: Source, function: Function, through: int = 1) -> bool:
    """``through``: how many functions of the file may lie between the loop and the call."""
    if isinstance(function, ast.Lambda):
        return _handed_to_map(source, function)
    if len(source.functions.get(function.name, [])) != 1:
        return False
    calls = source.calls.get(function.name, ())
    if any(source.loops(call) for call in calls):
        return True
    callers = {outer for outer in map(source.function, calls) if outer is not None and outer is not function}
    if through and any(_called_in_loop(source, caller, through - 1) for caller in callers):
        return True
    names = (
        each for name in ("map", "imap", "imap_unordered", "apply", "submit") for each in source.calls.get(name, ())
    )
    return any(last_name(call.args[0]) == function.name for call in names if call.args)


def _handed_to_map(source: Source, node: ast.AST) -> bool:
    parent = source.parents.get(node)
    return isinstance(parent, ast.Call) and last_name(parent.func) in ("map", "apply", "transform")


@once
def takes_steps(source: Source, loop: ast.AST) -> bool:
    """Each pass of the loop computes gradients, itself or in a function of the file that it calls."""
    backward = source.calls.get("backward", [])
    outside = (source.function(each) for each in backward if not source.loops(each))
    steps = (each for each in outside if isinstance(each, ast.FunctionDef) and len(source.functions[each.name]) == 1)
    calls = [*backward, *(call for step in steps for call in source.calls.get(step.name, ()))]
    return any(loops[0] is loop for loops in map(source.loops, calls) if loops)


def for_each() -> Condition:
    """The node is what a loop iterates over."""

    def check(hot: Hot) -> bool:
        inner, outer = hot.node, hot.source.parents.get(hot.node)
        while isinstance(outer, ast.Call) and last_name(outer.func) in ("enumerate", "tqdm", "zip", "list"):
            inner, outer = outer, hot.source.parents.get(outer)
        return isinstance(outer, ast.For | ast.AsyncFor | ast.comprehension) and inner is outer.iter

    return check


def varies() -> Condition:
    """The index, the key or the arguments change with the pass of a loop, or with the index of ``__getitem__``."""

    def check(hot: Hot) -> bool:
        node = hot.node
        given: list[ast.AST] = []
        if isinstance(node, ast.Subscript):
            given = [node.slice]
        elif isinstance(node, ast.Call):
            given = list[ast.AST](arguments(node))
        names = names_of_pass(hot, node)
        return any(mentions(each, names) for each in given)

    return check


def names_of_pass(hot: Hot, node: ast.AST | None = None) -> frozenset[str]:
    """``loop_names`` of a node (the hot one), with what the run tells of the calls of its function."""
    return loop_names(hot.source, node or hot.node, hot.seen.looped, hot.seen.given or frozenset())


@once
def loop_names(
    source: Source, node: ast.AST, looped: bool = False, given: frozenset[str] = frozenset()
) -> frozenset[str]:
    """The names that each pass of the loops around a node sets anew, and what is computed from them.

    ``looped``: another function calls this one in a loop; ``given``: the parameters that each call gives the same.
    """
    names: set[str] = set()
    loops = source.loops(node)
    for loop in loops:
        targets = [loop.target] if isinstance(loop, ast.For | ast.AsyncFor) else []
        if isinstance(loop, Comprehension):
            targets = [each.target for each in loop.generators]
        names |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    function = source.function(node)
    if isinstance(function, ast.FunctionDef) and (
        function.name == "__getitem__" or (not loops and (looped or _called_in_loop(source, function)))
    ):
        names |= parameters(function) - {"self"} - same_each_pass(source, function) - given
    elif isinstance(function, ast.Lambda) and _handed_to_map(source, function):
        names |= parameters(function)
    for _ in range(3):  # name = f(loop name)
        for outer in [*loops, *([function] if names and isinstance(function, ast.FunctionDef) else [])]:
            for each in ast.walk(outer):
                if isinstance(each, ast.Assign) and mentions(each.value, names):
                    names |= {name for target in each.targets for name in stored(target)}
                elif isinstance(each, ast.withitem) and mentions(each.context_expr, names):
                    names |= {each.optional_vars.id} if isinstance(each.optional_vars, ast.Name) else set()
                elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Name) and isinstance(outer, Loop):
                    names.add(each.target.id)
    return frozenset(names)


def same_each_pass(source: Source, function: ast.FunctionDef, through: int = 2) -> set[str]:
    """The parameters that every call in the file gives a constant, or a name that the file sets once at its top."""
    calls = source.calls.get(function.name, [])
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    if names[:1] == ["self"]:
        names = names[1:]  # which no call gives
    else:  # a method of the same name is another function
        calls = [call for call in calls if isinstance(call.func, ast.Name)] or calls
    fixed = set[str]() if calls else _held_by_partial(source, function, names)
    for index, name in enumerate(names if through else []):
        given = [
            next((each.value for each in call.keywords if each.arg == name), None)
            or (call.args[index] if index < len(call.args) else None)
            for call in calls
        ]
        if given and all(each is not None and _is_fixed(source, each, through - 1) for each in given):
            fixed.add(name)
    return fixed


def _held_by_partial(source: Source, function: ast.FunctionDef, names: list[str]) -> set[str]:
    """The parameters that ``partial(function, path)``, made in no loop, gives the same in each call."""
    made = [call for call in source.handed.get(function.name, []) if last_name(call.func) == "partial"]
    held = [
        {*names[: len(call.args) - 1], *(each.arg for each in call.keywords if each.arg)}
        for call in made
        if not source.loops(call) and last_name(call.args[0]) == function.name
    ]
    return set.intersection(*held) if held and len(held) == len(made) else set()


def _is_fixed(source: Source, value: ast.expr, through: int) -> bool:
    if isinstance(value, ast.Constant):
        return True
    if not isinstance(value, ast.Name):
        return False
    bound, function = source.bindings(value), source.function(value)
    if len(bound) == 1:
        return source.function(bound[0].where) is None and not source.loops(bound[0].where)
    return not bound and isinstance(function, ast.FunctionDef) and value.id in same_each_pass(source, function, through)


def in_tight_loop(condition: Condition) -> Condition:
    """The condition holds for a line of the innermost loop, of which the interpreter shows the last one.

    A sample falls where the interpreter looks for signals: after a call, or at the end of a loop's body.
    """

    def check(hot: Hot) -> bool:
        loops = [loop for loop in hot.source.loops(hot.node) if isinstance(loop, Loop)]
        if hot.seen.below or hot.seen.rivals or not loops or not _is_last(loops[0], hot.seen.line):
            return False
        return any(
            condition(Hot(replace(hot.seen, line=each.lineno, position=None), each))
            for each in ast.walk(loops[0])
            if isinstance(each, ast.expr) and each.lineno <= hot.seen.line
        )

    return check


def _is_last(loop: Loop, line: int) -> bool:
    return line >= loop.body[-1].lineno


def counted(hot: Hot, key: ast.expr) -> bool:
    """The key is the counter of a loop over ``range`` or ``enumerate``: one row, not an array of them."""
    for loop in hot.source.loops(hot.node):
        for each in getattr(loop, "generators", [loop]):
            items, target = getattr(each, "iter", None), getattr(each, "target", None)
            if isinstance(items, ast.Call) and isinstance(key, ast.Name):
                name = last_name(items.func)
                counter = target.elts[0] if name == "enumerate" and isinstance(target, ast.Tuple) else target
                if name in ("range", "enumerate") and isinstance(counter, ast.Name) and counter.id == key.id:
                    return True
    return False
