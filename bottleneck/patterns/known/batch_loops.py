"""Training: a Python loop over the elements of a batch, where one tensor operation would do."""

import ast

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import less, more, uses
from ..source import Source
from ..syntax import last_name, mentions, stored


def _torch_on_one_element(hot: Hot) -> bool:
    """``torch.matmul(x[i], y[i])``, ``x[:, h] @ w[h]``: tensor work on the element that a counting loop picks."""
    node = hot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        parts: list[ast.expr] = [node.left, node.right]
        of_torch = uses("torch")(hot)
    elif isinstance(node, ast.Call):
        parts = list(node.args)
        of_torch = any(path.startswith("torch.") and "()" not in path for path in hot.source.paths(node.func))
    else:
        return False
    loop = next((each for each in hot.source.loops(node) if isinstance(each, ast.For)), None)
    counter = None if loop is None else _counter(hot.source, loop)
    if loop is None or counter is None or not of_torch:
        return False
    made = {
        name
        for each in ast.walk(loop)
        if isinstance(each, ast.Assign) and _picks(each.value, counter)
        for name in stored(each)
    }
    return any(_picks(part, counter) or mentions(part, made) for part in parts)


def _picks(part: ast.AST, counter: str) -> bool:
    """``x[i]``, ``x[i : i + 1]``, ``x[:, i]``, but not the function ``layers[i](x)``."""
    called = {each.func for each in ast.walk(part) if isinstance(each, ast.Call)}
    picks = (each for each in ast.walk(part) if isinstance(each, ast.Subscript) and each not in called)
    return any(counter in _indices(each) for each in picks)


def _indices(node: ast.Subscript) -> set[str]:
    """The names that stand alone as an index, or begin a slice of one: ``i`` and ``h`` of ``x[i : i + 1, :, h]``."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    ones = [each.lower for each in parts if isinstance(each, ast.Slice) and _is_of_one(each)]
    return {each.id for each in (*parts, *ones) if isinstance(each, ast.Name)}


def _is_of_one(part: ast.Slice) -> bool:
    upper = part.upper
    return (
        part.lower is not None
        and isinstance(upper, ast.BinOp)
        and isinstance(upper.op, ast.Add)
        and isinstance(upper.right, ast.Constant)
        and upper.right.value == 1
        and ast.dump(upper.left) == ast.dump(part.lower)
    )


def _counter(source: Source, loop: ast.For) -> str | None:
    """The variable of a loop that counts, and is no loop over layers or epochs."""
    if not isinstance(loop.target, ast.Name):
        return None
    words = ast.unparse(loop.iter) + loop.target.id
    if any(word in words for word in ("layer", "epoch", "step", "block")):
        return None
    return loop.target.id if _counts(loop.iter) or _is_part_of_a_range(source, loop) else None


def _counts(items: ast.expr) -> bool:
    return isinstance(items, ast.Call) and last_name(items.func) == "range" and len(items.args) < 3


def _is_part_of_a_range(source: Source, loop: ast.For) -> bool:
    """``for k in others``, after ``others = [j for j in range(n) if j != i]``."""
    items = loop.iter.value if isinstance(loop.iter, ast.Subscript) else loop.iter
    function = source.function(loop)
    if not isinstance(items, ast.Name) or function is None:
        return False
    made = [each for each in ast.walk(function) if isinstance(each, ast.Assign) and items.id in stored(each)]
    return bool(made) and all(
        isinstance(each.value, ast.ListComp) and _counts(each.value.generators[0].iter) for each in made
    )


def _carried(hot: Hot) -> bool:
    """What the pass computes goes into the same computation of the next pass."""
    loops = hot.source.loops(hot.node)
    carried = stored(hot.source.statement(hot.node))
    for _ in range(3):
        for each in ast.walk(loops[0]) if loops else ():
            if isinstance(each, ast.Assign) and mentions(each.value, carried):
                carried |= stored(each)
    product = isinstance(hot.node, ast.BinOp) and isinstance(hot.node.op, ast.MatMult)
    inside = ast.iter_child_nodes(hot.node) if product or isinstance(hot.node, ast.Call) else ()
    return any(mentions(each, carried) for each in inside)


def _picks_rows(hot: Hot) -> bool:
    """Each pass picks rows of its own, as many as there are: ``rows = torch.where(chosen == e)[0]``."""
    return any(
        isinstance(each, ast.Call)
        and (
            last_name(each.func) in ("nonzero", "argwhere") or (last_name(each.func) == "where" and len(each.args) == 1)
        )
        for loop in hot.source.loops(hot.node)[:1]
        for each in ast.walk(loop)
    )


def _in_model_or_loss(hot: Hot) -> bool:
    name = getattr(hot.source.function(hot.node), "name", "")
    return name == "forward" or "loss" in name or "attention" in name or hot.seen.step


PATTERNS = (
    Pattern(
        id="batch-python-loop",
        title="A Python loop computes element by element of the batch what one tensor operation can",
        replacement="Broadcast over the batch: one torch.matmul or einsum with a batch axis, masks, gather, torch.vmap",
        snippet="scores = torch.einsum('bhqd,bhkd->bhqk', q, k)  # no loop over b or h",
        when=(in_loop(), _torch_on_one_element, _in_model_or_loss),
        unless=(_carried, _picks_rows, less(passes=8), more(seconds_each=0.002)),
        leave="Few passes with heavy operations, or ragged data; test the loss after the change.",
        price=Price("amdahl", (2, 50), probe="one batch both ways"),
        source="matsengrp/netam#159, HarryVolek/PyTorch_Speaker_Verification#33 (20.3 to 0.40 ms), pytorch/functorch#801 (2x)",
        whole_loop=True,
        differentiated=True,
        stages=("training",),
        effort=4,
    ),
)
