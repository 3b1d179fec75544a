"""States that a training loop, or a recurrent module, hands from pass to pass."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence

from .model import Hot
from .places import in_no_grad
from .shapes import argument
from .source import Source
from .syntax import is_self, last_name, mentions, parameters, same, stored

_PLAIN = ("item", "float", "int", "len", "tolist", "numel", "size")


def carries_state(hot: Hot) -> bool:
    """A loop around hands a state from pass to pass, through the model, and never detaches it on this path."""
    for loop in hot.source.loops(hot.node):
        needed = _behind_the_loss(hot, loop)
        carried = any(
            isinstance(each, ast.Assign)
            and isinstance(each.value, ast.Call)
            and mentions(
                ast.Tuple(elts=[*each.value.args, *(k.value for k in each.value.keywords)]),
                (_targets(each) & _before(hot, each) & needed) - _gone_through(loop),
            )
            and not any(path.startswith("builtins.") for path in hot.source.paths(each.value.func))
            for each in ast.walk(loop)
        )
        calls = [
            each
            for each in ast.walk(loop)
            if isinstance(each, ast.Call) and last_name(each.func) in ("detach", "detach_", "item")
        ]
        detached = [each for each in calls if last_name(each.func) != "item" and not _exclusive(hot, each)]
        if carried and not detached and not _helper_detaches(hot.source, loop):
            return True
    return False


def _behind_the_loss(hot: Hot, loop: ast.AST) -> set[str]:
    """The names of the loop that the loss is made of."""
    found = {each.id for each in ast.walk(hot.node) if isinstance(each, ast.Name)}
    assigned = [each for each in ast.walk(loop) if isinstance(each, ast.Assign | ast.AugAssign)]
    for _ in range(4):
        for each in assigned:
            if stored(each) & found:
                found |= {part.id for part in ast.walk(each.value) if isinstance(part, ast.Name)}
    return found


def _helper_detaches(source: Source, loop: ast.AST) -> bool:
    """``hidden = repackage(hidden)``, where the function of this file detaches, or is called after it."""
    for call in (each for each in ast.walk(loop) if isinstance(each, ast.Call)):
        name = last_name(call.func)
        if "detach" in name and name not in ("detach", "detach_"):
            return True
        for function in source.functions.get(name, []):
            if any(
                isinstance(each, ast.Attribute) and each.attr in ("detach", "detach_") for each in ast.walk(function)
            ):
                return True
    return False


def _gone_through(loop: ast.AST) -> set[str]:
    """Names of what a loop inside takes its items from: data, and no state."""
    return {each.iter.id for each in ast.walk(loop) if isinstance(each, ast.For) and isinstance(each.iter, ast.Name)}


def module_keeps_state(hot: Hot) -> bool:
    """A module of the file carries its state itself, ``self.h = cell(x, self.h)`` or ``self.m = a * self.m + x``, and
    nothing is ever detached."""
    if "detach" in hot.source.calls or "detach_" in hot.source.calls:
        return False
    return any(
        is_self(target)
        and any(same(part, target) for part in ast.walk(each.value))
        and (isinstance(each.value, ast.Call) or _mixes_in(hot.source, each))
        and not in_no_grad(hot.source, each)
        for each in ast.walk(hot.source.tree)
        if isinstance(each, ast.Assign)
        for whole in each.targets
        for target in ast.walk(whole)
    )


def _mixes_in(source: Source, update: ast.Assign) -> bool:
    """A sum with something that ``forward`` is given, as a tensor and not as a plain number."""
    function = source.function(update)
    if not isinstance(update.value, ast.BinOp) or getattr(function, "name", "") != "forward":
        return False
    plain = any(isinstance(each, ast.Call) and last_name(each.func) in _PLAIN for each in ast.walk(update.value))
    return not plain and function is not None and mentions(update.value, parameters(function) - {"self"})


def sums_losses(hot: Hot) -> bool:
    """``total += loss; total.backward(retain_graph=True)`` in a loop that never begins the sum anew."""
    loss = hot.node.func.value if isinstance(hot.node, ast.Call) and isinstance(hot.node.func, ast.Attribute) else None
    loops = hot.source.loops(hot.node)
    if not isinstance(loss, ast.Name) or not loops:
        return False
    inside = list(ast.walk(loops[0]))
    added = any(isinstance(each, ast.AugAssign) and same(each.target, loss) for each in inside)
    return added and not any(isinstance(each, ast.Assign) and loss.id in _targets(each) for each in inside)


def _targets(node: ast.Assign) -> set[str]:
    return {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _before(hot: Hot, node: ast.Assign) -> set[str]:
    """Names that are not set anew in the innermost loop by another statement."""
    loops = hot.source.loops(node)
    others = {
        name
        for each in (ast.walk(loops[0]) if loops else ())
        if isinstance(each, ast.Assign) and each is not node
        for name in _targets(each)
    }
    return _targets(node) - others if not hot.source.loops(hot.node) else _targets(node)


def _exclusive(hot: Hot, other: ast.AST) -> bool:
    """Whether the two stand in different branches of one ``if``."""
    mine, theirs = [hot.node, *hot.source.above(hot.node)], {other, *hot.source.above(other)}
    for inner, outer in itertools.pairwise(mine):
        if isinstance(outer, ast.If) and outer in theirs:
            here = inner in outer.body
            return any(each in theirs for each in (outer.orelse if here else outer.body))
    return False


def state_is_changed(hot: Hot) -> bool:
    """The carried state is changed between the steps: ``cell(x[t], h * mask[t])``, ``h = norm(h)``."""
    node, loops = hot.node, hot.source.loops(hot.node)
    given = argument(node, "hx") or (node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None)
    if given is None or not loops:
        return False
    work = ast.BinOp | ast.Call
    names = {each.id for each in ast.walk(given) if isinstance(each, ast.Name)}
    others = (each for each in ast.walk(loops[0]) if isinstance(each, ast.Assign) and _targets(each) & names)
    return any(isinstance(each, work) for each in ast.walk(given)) or any(
        not any(part is node for part in ast.walk(each))
        and any(isinstance(part, work) for part in ast.walk(each.value))
        for each in others
    )


def fed_back(hot: Hot) -> bool:
    """The input of the recurrent cell is made from its own output, also where the loop calls the cell's function."""
    if not hot.source.loops(hot.node):
        return any(
            _is_fed_back(Hot(hot.seen, call), source.loops(call)[:1])
            for source, line in hot.seen.callers
            for call in source.by_line.get(line, [])
            if isinstance(call, ast.Call) and source.loops(call)
        )
    return _is_fed_back(hot, hot.source.loops(hot.node)[:1])


def _is_fed_back(hot: Hot, loops: Sequence[ast.AST]) -> bool:
    given = hot.node.args[0] if isinstance(hot.node, ast.Call) and hot.node.args else None
    made = {
        name
        for each in (ast.walk(loops[0]) if loops else ())
        if isinstance(each, ast.Assign)
        for name in _targets(each)
    }
    return given is not None and mentions(given, made)
