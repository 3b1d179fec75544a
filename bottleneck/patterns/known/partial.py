"""Results that are computed whole although a small part of them is used."""

import ast

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import less
from ..shapes import calls
from ..source import Source
from ..syntax import mentions, stored, unpacked

_MOST = 1_000  # of the largest or smallest that a constant may ask for


def _few(bound: ast.expr | None) -> bool:
    """``k`` or ``10`` of ``[:k]`` and ``[-k:]``."""
    if isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub):
        bound = bound.operand
    if isinstance(bound, ast.Constant):
        return type(bound.value) is int and bound.value <= _MOST
    return isinstance(bound, ast.Name | ast.Attribute)


def _takes_an_end(part: ast.Slice) -> bool:
    """``:k`` or ``-k:``"""
    if part.lower is None:
        return _few(part.upper) and not isinstance(part.upper, ast.UnaryOp)
    return part.upper is None and isinstance(part.lower, ast.UnaryOp) and _few(part.lower)


def _cut(source: Source, node: ast.AST) -> bool:
    """``node[:k]``, ``node[-k:]``, ``node[::-1][:k]``, ``node[:, :k]``."""
    outer = source.parents.get(node)
    while isinstance(outer, ast.Subscript) and outer.value is node:
        parts = outer.slice.elts if isinstance(outer.slice, ast.Tuple) else [outer.slice]
        slices = [each for each in parts if isinstance(each, ast.Slice)]
        if any(map(_takes_an_end, slices)):
            return True
        node, outer = outer, source.parents.get(outer)
    return False


def _sorted_for_a_few(hot: Hot) -> bool:
    """``np.argsort(scores)[:k]``, directly or through a name that is used for nothing else."""
    return isinstance(hot.node, ast.Call) and all(_cut(hot.source, each) for each in _uses(hot.source, hot.node))


def _uses(source: Source, call: ast.Call) -> list[ast.AST]:
    """The call itself, or where the name that holds its result is read."""
    statement = source.statement(call)
    named = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is call else None
    if not isinstance(named, ast.Name):
        return [call]
    return _reads(source, call, named.id) or [call]


def _reads(source: Source, node: ast.AST, name: str) -> list[ast.AST]:
    around = source.function(node) or source.tree
    return [
        each
        for each in ast.walk(around)
        if isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
    ]


def _decomposed_for_a_part(hot: Hot) -> bool:
    """``U, S, V = np.linalg.svd(X)`` of which ``U[:, :k]`` is used, or ``V[:k]``."""
    statement, source = hot.source.statement(hot.node), hot.source
    if not isinstance(statement, ast.Assign) or statement.value is not hot.node or not isinstance(hot.node, ast.Call):
        return False
    targets = [target for target, _ in unpacked(statement.targets[0], hot.node)]
    names = targets[0].elts if len(targets) == 1 and isinstance(targets[0], ast.Tuple) else targets
    if len(names) != 3 or not all(isinstance(each, ast.Name) for each in names):
        return False
    vectors = [_reads(source, hot.node, each.id) for each in (names[0], names[2]) if isinstance(each, ast.Name)]
    values = names[1].id if isinstance(names[1], ast.Name) else ""
    # A rank that the singular values tell is not known before.
    around = source.function(hot.node) or source.tree
    ranks = {
        name
        for each in ast.walk(around)
        if isinstance(each, ast.Assign) and mentions(each.value, {values})
        for name in stored(each)
    }
    cuts = [source.parents.get(use) for uses in vectors for use in uses]
    told = any(each is not None and mentions(each, ranks) for each in cuts)
    return any(vectors) and all(_cut(source, use) for uses in vectors for use in uses) and not told


PATTERNS = (
    Pattern(
        id="sorted-for-a-few",
        title="All values are sorted only to take the few largest or smallest",
        replacement="Do not sort the rest: np.argpartition(values, -k)[-k:] (positions, unordered), heapq.nlargest(k, values), "
        "frame.nlargest(k, column), torch.topk",
        snippet="top = np.argpartition(scores, -k)[-k:]\ntop = top[np.argsort(-scores[top])]",
        when=(
            calls("numpy.argsort", "numpy.sort", "torch.argsort", "torch.sort", "builtins.sorted"),
            in_loop(),
            _sorted_for_a_few,
        ),
        unless=(less(passes=20),),
        leave="Under 1,000 values, or most of them are taken.",
        price=Price("amdahl", (2, 10)),
        source="docs: numpy.argpartition (introselect, linear time), heapq.nlargest",
        stages=("etl", "training", "serving"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="full-decomposition",
        title="All singular vectors are computed although only the first few are used",
        replacement="Compute only those: scipy.sparse.linalg.svds, sklearn.utils.extmath.randomized_svd, torch.svd_lowrank; "
        "at least full_matrices=False",
        snippet="from sklearn.utils.extmath import randomized_svd\n\nu, s, vt = randomized_svd(x, n_components=k)",
        when=(calls("numpy.linalg.svd", "scipy.linalg.svd", "torch.linalg.svd", "torch.svd"), _decomposed_for_a_part),
        leave="A small matrix, or all singular values are needed, or full precision is.",
        price=Price("amdahl", (1.5, 50)),
        source="scikit-learn user guide, Truncated singular value decomposition; numpy/numpy#8786",
        stages=("etl", "training"),
        effort=1,
        risk=0.2,
    ),
)
