"""Collections of sets, each compared with each other."""

import ast

from ..model import Hot, Pattern, Price
from ..places import less
from ..source import Source
from ..syntax import Comprehension, last_name, stored


def _intersects_pairs(hot: Hot) -> bool:
    """``len(a & b)``, ``len(a | b)`` or ``a.intersection(b)`` of the two variables of ``combinations(sets, 2)``, or of two loops."""
    node = hot.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        sides = [node.left, node.right]
    elif (
        isinstance(node, ast.Call)
        and last_name(node.func) in ("intersection", "isdisjoint", "union")
        and len(node.args) == 1
    ):
        sides = [node.func.value if isinstance(node.func, ast.Attribute) else node.func, node.args[0]]
    else:
        return False
    # The two sides belong to two loops, or to one over pairs.
    loops = hot.source.loops(node)
    targets = [
        stored(part.target) for each in loops for part in getattr(each, "generators", [each]) if hasattr(part, "target")
    ]
    names = [{each.id for each in ast.walk(side) if isinstance(each, ast.Name)} for side in sides]
    pairs = any(_of_pairs(hot.source, each) and all(names[i] & _targets(each) for i in (0, 1)) for each in loops)
    nested = any(names[0] & one and names[1] & other for one in targets for other in targets if one is not other)
    return _takes_the_size(hot.source, node) and (pairs or nested)


def _takes_the_size(source: Source, node: ast.AST) -> bool:
    """``len(a & b)``: of sets, not of masks; ``a.isdisjoint(b)`` alone asks as much."""
    outer = source.parents.get(node)
    sized = isinstance(outer, ast.Call) and last_name(outer.func) == "len"
    return sized or (isinstance(node, ast.Call) and last_name(node.func) == "isdisjoint")


def _targets(loop: ast.AST) -> set[str]:
    if isinstance(loop, Comprehension):
        return {name for each in loop.generators for name in stored(each.target)}
    return stored(loop.target) if isinstance(loop, ast.For) else set()


def _of_pairs(source: Source, loop: ast.AST) -> bool:
    given = (
        [each.iter for each in loop.generators] if isinstance(loop, Comprehension) else [getattr(loop, "iter", loop)]
    )
    calls = [each for value in given for each in ast.walk(value) if isinstance(each, ast.Call)]
    return any(source.paths(each.func) & {"itertools.combinations", "itertools.product"} for each in calls)


PATTERNS = (
    Pattern(
        id="sets-by-pair",
        title="Each pair of sets is intersected by a separate Python operation",
        replacement="Count all intersections at once with a sparse matrix, X @ X.T (one row per set, scikit-learn's "
        "MultiLabelBinarizer(sparse_output=True)); or find candidates with an inverted index or MinHash (datasketch)",
        snippet="x = MultiLabelBinarizer(sparse_output=True).fit_transform(sets).astype(np.int32)\n"
        "common = (x @ x.T).tocoo()  # pairs that share items, and how many",
        when=(_intersects_pairs,),
        unless=(less(passes=1000),),
        leave="A few hundred sets, or large sets that nearly all overlap.",
        price=Price("amdahl", (3, 50)),
        source="StackOverflow 40579415 (Jaccard of all pairs by matrix products); datasketch documentation, MinHash LSH",
        stages=("etl",),
    ),
)
