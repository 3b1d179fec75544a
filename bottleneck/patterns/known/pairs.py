"""Two loops over each other, and calls that are computed again: joins, products and distances written by hand."""

import ast

from ..loops import in_loop, in_tight_loop, names_of_pass
from ..model import Hot, Pattern, Price
from ..places import cached, known, less
from ..scans import matches_by_scan
from ..shapes import any_of, below, calls
from ..syntax import Comprehension, Loop, is_self, last_name, mentions, parameters, same, stored


# --- arithmetic -------------------------------------------------------------------------------------------------------
def _double(value: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """(i, k) of ``a[i][k]``."""
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Subscript):
        return value.value.slice, value.slice
    return None


def _matrix_product(hot: Hot) -> bool:
    """``total += a[i][k] * b[k][j]`` or ``sum(x * y for x, y in zip(row, column))`` in three loops."""
    node = hot.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return False
    if not _only_sums(hot) or _chooses(hot):
        return False
    left, right = _double(node.left), _double(node.right)
    loops = hot.source.loops(node)
    if _zips_lines(node, loops):
        return not any(isinstance(getattr(each, "op", None), ast.Mod) for each in hot.source.above(node))
    if left is None or right is None or sum(len(getattr(each, "generators", [each])) for each in loops) < 3:
        return False
    if _tiny(loops) or any(isinstance(getattr(each, "op", None), ast.Mod) for each in hot.source.above(node)):
        return False  # three by three, or whole numbers that would not fit into 64 bits
    inner = loops[0].target if isinstance(loops[0], ast.For) else None
    inner = loops[0].generators[-1].target if isinstance(loops[0], Comprehension) else inner
    over = {inner.id} if isinstance(inner, ast.Name) else set()
    return any(mentions(each, over) for each in left) and any(mentions(each, over) for each in right)


def _only_sums(hot: Hot) -> bool:
    """Nothing runs on the line, and below it, but comprehensions and what sums them up."""
    named = {last_name(each.func) for each in hot.seen.rivals} - {node.name for node in _classes(hot)}
    return named <= {"sum", "fsum"} and all(each.function in _COMPREHENSIONS for each in hot.seen.below)


def _chooses(hot: Hot) -> bool:
    """``max(best[p] * step[p][s] for p in states)`` keeps one of the products."""
    around = (each for each in hot.source.above(hot.node) if isinstance(each, ast.Call))
    return last_name(next((each.func for each in around), ast.Pass())) in ("max", "min")


_COMPREHENSIONS = ("<genexpr>", "<listcomp>")


def _classes(hot: Hot) -> list[ast.ClassDef]:
    return [each for each in hot.source.tree.body if isinstance(each, ast.ClassDef)]


def _zips_lines(node: ast.BinOp, loops: list[Loop | Comprehension]) -> bool:
    """``x * y for x, y in zip(row, column)``, where one loop around goes through the rows, another the columns."""
    heads = [each for loop in loops for each in reversed(getattr(loop, "generators", [loop])) if hasattr(each, "iter")]
    if len(heads) < 3 or not isinstance(heads[0].target, ast.Tuple):
        return False
    names = [last_name(each) for each in (node.left, node.right)]
    pair, zipped = heads[0].target.elts, heads[0].iter
    both = sorted(names) == sorted(last_name(each) for each in pair) and all(names)
    if not both or not isinstance(zipped, ast.Call) or last_name(zipped.func) != "zip" or len(zipped.args) != 2:
        return False
    one, other = ({place for place, head in enumerate(heads[1:]) if mentions(given, stored(head.target))}
                  for given in zipped.args)  # fmt: skip
    return bool(one) and bool(other) and one != other


def _tiny(loops: list[Loop | Comprehension]) -> bool:
    """All loops run over a few numbers."""
    ranges = [each.iter for loop in loops[:3] for each in getattr(loop, "generators", [loop]) if hasattr(each, "iter")]
    counts = [
        getattr(each.args[0], "value", None) for each in ranges if isinstance(each, ast.Call) and len(each.args) == 1
    ]
    return len(counts) == len(ranges) and all(isinstance(each, int) and each <= 8 for each in counts)


def _distance_of_a_pair(hot: Hot) -> bool:
    """A distance of two vectors, each of a loop of its own."""
    loops, node = hot.source.loops(hot.node), hot.node
    if not isinstance(node, ast.Call) or not loops:
        return False
    inner = _loop_targets(loops[:1])
    if (pair := _of_all_pairs(loops[0])) is not None:
        if any(isinstance(each, ast.Return | ast.Break) for each in ast.walk(loops[0])):
            return False  # it ends with the first that fits
        one, other = (stored(each) for each in pair)
        return any(mentions(each, one) for each in node.args) and any(mentions(each, other) for each in node.args)
    outer = _loop_targets(loops[1:]) if len(loops) > 1 else names_of_pass(hot, loops[0]) - inner
    if len(loops) == 1 and isinstance(loops[0], Comprehension) and len(loops[0].generators) == 2:
        inner, outer = (stored(each.target) for each in reversed(loops[0].generators))
    if isinstance(loops[0], ast.For) and isinstance(loops[0].iter, ast.Name | ast.Attribute) and len(loops) > 1:
        if mentions(loops[0].iter, _loop_targets(loops[1:])):
            return False  # the neighbours of each: few of all pairs
    return any(mentions(each, inner) for each in node.args) and any(mentions(each, outer) for each in node.args)


def _of_all_pairs(loop: Loop | Comprehension) -> list[ast.expr] | None:
    """``a, b`` of a loop over ``itertools.combinations(rows, 2)``, or over ``product(rows, others)``."""
    heads = getattr(loop, "generators", [loop])
    items, target = getattr(heads[-1], "iter", None), getattr(heads[-1], "target", None)
    if not isinstance(items, ast.Call) or not isinstance(target, ast.Tuple) or len(target.elts) != 2:
        return None
    if last_name(items.func) in ("combinations", "combinations_with_replacement", "permutations"):
        return target.elts if len(items.args) == 2 and getattr(items.args[1], "value", None) == 2 else None
    return target.elts if last_name(items.func) == "product" and len(items.args) == 2 else None


def _loop_targets(loops: list[Loop | Comprehension]) -> set[str]:
    found: set[str] = set()
    for loop in loops:
        for each in getattr(loop, "generators", [loop]):
            found |= stored(each.target) if hasattr(each, "target") else set()
    return found


_RADIUS = tuple((times * low, times * high) for times in (1, 2)
                for low, high in ((6360, 6380), (3940, 3970), (6_360_000, 6_380_000)))  # fmt: skip


def _haversine(hot: Hot) -> bool:
    """The line stands in a function that computes the distance of two points on the globe with the math module."""
    function = hot.source.function(hot.node)
    maths = any(path.partition(".")[0] == "math" for path in hot.source.imports.values())
    if not maths or not isinstance(function, ast.FunctionDef) or hot.seen.below:
        return False
    paths = {path for each in ast.walk(function) if isinstance(each, ast.Call) for path in hot.source.paths(each.func)}
    trigonometry = {"math.sin", "math.cos"} <= paths and bool(paths & {"math.asin", "math.atan2", "math.acos"})
    if not trigonometry or any(not path.startswith(("math.", "builtins.")) for path in paths):
        return False
    numbers = [each.value for each in ast.walk(hot.source.tree) if isinstance(each, ast.Constant)]
    return any(isinstance(number, int | float) and low <= number <= high for number in numbers for low, high in _RADIUS)


# --- recursion --------------------------------------------------------------------------------------------------------
def _calls_itself(function: ast.FunctionDef) -> list[ast.Call]:
    return [
        each
        for each in ast.walk(function)
        if isinstance(each, ast.Call) and last_name(each.func) == function.name
        if isinstance(each.func, ast.Name) or is_self(each.func)
    ]


def _is_smaller(value: ast.expr, names: set[str]) -> bool:
    """``n``, ``n - 1``, ``left - weights[n - 1]`` or a constant, of parameters."""
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Name):
        return value.id in names
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Sub | ast.Add)
        and isinstance(value.left, ast.Name)
        and value.left.id in names
        and not any(isinstance(each, ast.Call) for each in ast.walk(value))
    )


_COMPUTING = frozenset("min max abs len sum range int float round pow divmod gcd comb str ord".split())


def _has_effects(function: ast.FunctionDef) -> bool:
    """It does more than compute a number: it stores, yields, calls what it does not show, asks a memo, or makes lists."""
    for each in ast.walk(function):
        if isinstance(each, ast.Call) and last_name(each.func) not in _COMPUTING | {function.name}:
            return True
        if isinstance(each, ast.Return) and isinstance(each.value, ast.List | ast.Tuple | ast.Dict | ast.ListComp):
            return True
        if isinstance(each, ast.Expr) and not isinstance(each.value, ast.Constant):
            return True
        if isinstance(each, ast.Subscript | ast.Attribute) and isinstance(each.ctx, ast.Store | ast.Del):
            return True
        if isinstance(each, ast.Yield | ast.YieldFrom | ast.Await | ast.Global | ast.Nonlocal | ast.Try):
            return True
        if isinstance(each, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in each.ops):
            return True
        if isinstance(each, ast.Compare) and any(
            isinstance(op, ast.In | ast.NotIn) and _is_indexed(function, thing)
            for op, thing in zip(each.ops, each.comparators, strict=True)
        ):
            return True
    return False


def _is_indexed(function: ast.FunctionDef, thing: ast.expr) -> bool:
    """``if n in memo: return memo[n]``, not ``if (x, y) in walls``."""
    return any(isinstance(each, ast.Subscript) and same(each.value, thing) for each in ast.walk(function))


def _recomputes(hot: Hot) -> bool:
    """The line calls its own function, which calls itself twice with smaller numbers and keeps no result."""
    function = hot.source.function(hot.node)
    if not isinstance(hot.node, ast.Call) or not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return False
    calls_ = _calls_itself(function)
    if hot.node not in calls_ or len(calls_) < 2 or _has_effects(function) or any(each.keywords for each in calls_):
        return False
    names = parameters(function)
    small = all(_is_smaller(value, names) for each in calls_ for value in each.args)
    steps = [each for call in calls_ for each in call.args if isinstance(each, ast.BinOp)]
    others = [each for each in hot.seen.below if each.function not in (function.name, "<genexpr>", "<listcomp>")]
    return small and len(steps) >= 2 and not others


PATTERNS = (
    Pattern(
        id="rows-matched-by-scan",
        title="For each item a whole list is gone through to find those with the same key",
        replacement="Put the list into a dict by its key once (by_id = {row['id']: row for row in rows}, or defaultdict(list) where "
        "keys repeat) and look the key up; a merge where both are tables",
        snippet="by_id = {row['id']: row for row in rows}  # once\nmatch = by_id.get(item['id'])",
        when=(any_of(matches_by_scan(), in_tight_loop(matches_by_scan())),),
        unless=(less(passes=20),),
        leave="A short list, or keys that cannot be hashed.",
        price=Price("amdahl", (5, 500)),
        source="richardbuckle/EDRefCard#29, gbtami/pychess-variants#2208, 50thomatoes50/BlenderBeamNGExport#40 (minutes to under 1 s), wireservice/agate#277",
        stages=("etl", "serving"),
        effort=1,
    ),
    Pattern(
        id="matrix-product-by-hand",
        title="A product of matrices is computed number by number in Python loops",
        replacement="Make arrays of the lists once (np.array) and write a @ b",
        snippet="c = np.array(a) @ np.array(b)",
        when=(any_of(_matrix_product, in_tight_loop(_matrix_product)),),
        leave="Matrices of a few numbers, or exact integers beyond 64 bits.",
        price=Price("amdahl", (20, 1000)),
        source="own measurement with CPython 3.11: 120 x 120 takes 0.19 s by hand and 7.1 ms with numpy",
        whole_loop=True,
        stages=("etl", "training"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="distances-by-pair",
        title="Each distance between two vectors is a call of its own, for every pair",
        replacement="Compute all of them at once: scipy.spatial.distance.cdist(a, b), or a KD-tree (scipy.spatial.cKDTree) where only "
        "the nearest are wanted",
        snippet="far = cdist(points, centres)\nnearest = far.argmin(axis=1)",
        when=(
            calls("numpy.linalg.norm", "math.dist", "math.hypot", "scipy.spatial.distance.*", "scipy.linalg.norm"),
            _distance_of_a_pair,
        ),
        unless=(calls("scipy.spatial.distance.cdist", "scipy.spatial.distance.pdist"), less(passes=1000)),
        leave="A few pairs, or vectors of many thousand numbers.",
        price=Price("amdahl", (10, 200), probe="100 x 100 of the pairs with cdist"),
        source="HarryVolek/PyTorch_Speaker_Verification#33 (20 to 0.4 ms), simonw/llm#233",
        whole_loop=True,
        stages=("etl", "training"),
        effort=1,
    ),
    Pattern(
        id="geodesic-per-row",
        title="The distance between two places is computed in Python for one pair at a time",
        replacement="Compute whole columns: the haversine formula with numpy (np.sin, np.cos, np.arcsin), pyproj.Geod(ellps='WGS84').inv(...) "
        "for exact ones, BallTree(metric='haversine') for the nearest",
        snippet="half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2\n"
        "frame['km'] = 12742 * np.arcsin(np.sqrt(half))",
        when=(any_of(below("geopy/"), below("haversine/"), below("geographiclib/"), _haversine), in_loop()),
        unless=(less(passes=1000), cached(), known(off_cpu=True)),
        leave="A few pairs.",
        price=Price("amdahl", (10, 300), probe="10,000 pairs with numpy"),
        source="geopy/geopy#189 (tens of minutes to 1), mapado/haversine#26 (24x), openego/eDisGo#672",
        stages=("etl",),
    ),
    Pattern(
        id="recursion-recomputes",
        title="A function calls itself twice and computes the same arguments again and again",
        replacement="Keep the results: @functools.cache above the function, or fill a table from the smallest case up",
        snippet="@functools.cache\ndef ways(n):\n    return 1 if n < 2 else ways(n - 1) + ways(n - 2)",
        when=(_recomputes,),
        unless=(cached(),),
        leave="No two calls have the same arguments.",
        price=Price("amdahl", (10, 100_000)),
        source="Python's documentation of functools.cache",
        stages=("etl",),
        effort=1,
        risk=0.05,
    ),
)
