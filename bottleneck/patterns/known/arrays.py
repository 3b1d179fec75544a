"""numpy and scikit-learn: work item by item that whole arrays can do, and work on one core that several could share."""

from __future__ import annotations

import ast

from ..elementwise import elementwise
from ..loops import names_of_pass
from ..model import Hot, Pattern, Price, Sighting
from ..places import known, less
from ..shapes import all_of, any_of, argument, below, deep, matches, not_if
from ..source import Source, once
from ..syntax import Comprehension, Loop, last_name, mentions, stored

_STACKS = tuple(
    f"{library}.{name}"
    for library in ("numpy", "jax.numpy", "torch", "tensorflow")
    for name in ("stack", "array", "asarray", "vstack", "concatenate", "tensor", "convert_to_tensor")
)
#: What has the same form for a whole array, with an axis.
_WHOLE = frozenset(
    "mean std var sum min max abs sqrt log log1p exp clip astype reshape copy flatten ravel square float32 float64 "
    "asarray array nanmean diff cumsum round append".split()
)


def _gathers(hot: Hot) -> bool:
    """The loop around cuts one slice a pass out of an array, does plain arithmetic with it, and stacks the results."""
    loop: Loop | Comprehension | ast.FunctionDef | None = next(iter(hot.source.loops(hot.node)), None)
    loop = _stacked_function(hot.source, hot.node) if loop is None else loop if _is_stacked(hot.source, loop) else None
    if loop is None:
        return False
    names = names_of_pass(hot)
    made = stored(loop)
    # What changes with the pass picks the slice; what is cut is there before the loop.
    cut = [each for each in ast.walk(loop) if isinstance(each, ast.Subscript) and mentions(each.slice, names)]
    slices = [each for each in cut if isinstance(each.slice, ast.Slice) and not mentions(each.value, made)]
    return bool(slices) and _is_plain(loop) and _computes(loop)


@once
def _stacked_function(source: Source, node: ast.AST) -> ast.FunctionDef | None:
    """The function around the node, if each call of it gives one item of a list that is stacked."""
    function = source.function(node)
    if not isinstance(function, ast.FunctionDef) or len(source.functions[function.name]) != 1:
        return None
    calls = source.calls.get(function.name, [])
    loops = [next(iter(source.loops(call)), None) for call in calls]
    items = (
        loop is not None
        and _is_stacked(source, loop)
        and (isinstance(loop, Loop) or getattr(loop, "elt", None) is call)
        for call, loop in zip(calls, loops, strict=True)
    )
    return function if calls and all(items) else None


@once
def _is_stacked(source: Source, loop: ast.AST) -> bool:
    """What the passes append, or the comprehension itself, is stacked to one array in the same function."""
    around: ast.AST = source.function(loop) or source.tree
    stacks = [
        each
        for each in ast.walk(around)
        if isinstance(each, ast.Call) and each.args and any(matches(path, *_STACKS) for path in source.paths(each.func))
    ]
    if isinstance(loop, Comprehension):
        return any(each.args[0] is loop for each in stacks)
    lists = {
        each.func.value.id
        for each in ast.walk(loop)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "append"
        and isinstance(each.func.value, ast.Name)
    }
    return bool(lists) and any(isinstance(each.args[0], ast.Name) and each.args[0].id in lists for each in stacks)


def _body(loop: Loop | Comprehension | ast.FunctionDef) -> list[ast.AST]:
    """All nodes that a pass runs."""
    parts: list[ast.AST] = []
    if isinstance(loop, Loop | ast.FunctionDef):
        parts += loop.body
    else:
        parts += [loop.key, loop.value] if isinstance(loop, ast.DictComp) else [loop.elt]
        parts += [test for each in loop.generators for test in each.ifs]
    return [inner for part in parts for inner in ast.walk(part)]


def _is_plain(loop: Loop | Comprehension | ast.FunctionDef) -> bool:
    """Whether each pass does the same arithmetic: no branch, no loop of its own, no call without a whole-array form."""
    if isinstance(loop, Comprehension) and any(each.ifs for each in loop.generators):
        return False
    branches = ast.IfExp | Comprehension | ast.Await | ast.Yield | ast.YieldFrom | ast.Lambda
    for each in _body(loop):
        other = isinstance(each, ast.stmt) and not isinstance(each, ast.Assign | ast.AugAssign | ast.Expr | ast.Return)
        unknown = isinstance(each, ast.Call) and last_name(each.func) not in _WHOLE
        if other or unknown or isinstance(each, branches):
            return False
    return True


def _computes(loop: Loop | Comprehension | ast.FunctionDef) -> bool:
    """Whether a pass does more than cut and stack, which is a copy."""
    body = _body(loop)
    bounds = {inner for each in body if isinstance(each, ast.Subscript) for inner in ast.walk(each.slice)}
    copies = ("append", "copy", "asarray", "array")
    return any(
        isinstance(each, ast.BinOp) or (isinstance(each, ast.Call) and last_name(each.func) not in copies)
        for each in body
        if each not in bounds
    )


def _leaves_numpy(hot: Hot) -> bool:
    """Another library makes the slice: h5py reads it from a file, pandas from a column."""
    return any("/numpy/" not in frame.path for frame in hot.seen.below)


#: What takes ``n_jobs``: first what fits models that may themselves be of the second kind.
_SEARCHES = tuple(
    f"sklearn.{name}"
    for name in (
        "model_selection.*SearchCV", "model_selection.cross_val_score", "model_selection.cross_validate",
        "model_selection.cross_val_predict", "model_selection.learning_curve", "model_selection.validation_curve",
        "model_selection.permutation_test_score", "feature_selection.RFECV", "inspection.permutation_importance",
    )
)  # fmt: skip
_MODELS = tuple(
    f"sklearn.{name}"
    for name in ("ensemble.*", "multiclass.*", "multioutput.*", "compose.ColumnTransformer", "pipeline.FeatureUnion")
)


def _without_jobs(seen: Sighting) -> ast.Call | None:
    """The only outermost call of the file that could spread its fits and is not told to."""
    for names in (_SEARCHES, _MODELS):
        found = [
            call
            for calls in seen.source.calls.values()
            for call in calls
            if any(matches(path, *names) and "()" not in path for path in seen.source.paths(call.func))
        ]
        if found:
            return found[0] if len(found) == 1 and argument(found[0], "n_jobs") is None else None
    return None


def _outermost(seen: Sighting) -> int | None:
    call = _without_jobs(seen)
    return None if call is None else call.lineno


def _differences_of_all(hot: Hot) -> bool:
    """``((a[:, None] - b[None]) ** 2).sum(-1)``: a distance of all pairs, through the differences of all pairs.

    The sum is over the last axis, and of squares or absolute values alone: no kernel, no wrap, no sign.
    """
    for call in (each for each in ast.walk(hot.source.statement(hot.node)) if isinstance(each, ast.Call)):
        name = last_name(call.func)
        if name not in ("sum", "norm") or not _over_the_last_axis(call):
            continue
        value: ast.expr | None = call.func.value if isinstance(call.func, ast.Attribute) else None
        while isinstance(value, ast.Attribute):
            value = value.value
        if isinstance(value, ast.Name) and value.id in hot.source.imports and call.args:
            value = call.args[0]  # np.sum(x, axis=-1), torch.linalg.norm(x, dim=-1)
        if name == "sum":
            value = _squared(value)
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub):
            left, right = _spread(value.left), _spread(value.right)
            if left and right and left != right:
                return True
    return False


def _over_the_last_axis(call: ast.Call) -> bool:
    given = [argument(call, "axis"), argument(call, "dim"), *call.args]
    return any(ast.unparse(each) in ("-1", "2") for each in given if each is not None)


def _squared(value: ast.expr | None) -> ast.expr | None:
    """What is squared, or taken without its sign."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow):
        return value.left
    if isinstance(value, ast.Call) and last_name(value.func) in ("abs", "square", "pow"):
        return (
            value.args[0]
            if value.args and not isinstance(value.args[0], ast.Constant)
            else getattr(value.func, "value", None)
        )
    return None


def _spread(value: ast.expr) -> str:
    """Where ``a[:, None]``, ``a[np.newaxis]`` or ``a.unsqueeze(1)`` has its new axis: "1", "0"; "" without one."""
    if isinstance(value, ast.Call):
        named = last_name(value.func) in ("unsqueeze", "expand_dims") and value.args
        return ast.unparse(value.args[-1]) if named else ""
    if not isinstance(value, ast.Subscript):
        return ""
    keys = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
    new = (at for at, each in enumerate(keys) if last_name(each) == "newaxis" or ast.unparse(each) == "None")
    return str(next(new, ""))


_PIXELS = ("getpixel", "putpixel")


def _in_a_loop_over_pixels(hot: Hot) -> bool:
    """The innermost loop calls ``image.getpixel((x, y))`` with its own variable, or ``putpixel``."""
    loop = next(iter(hot.source.loops(hot.node)), None)
    if loop is None or hot.source.calls.keys().isdisjoint(_PIXELS):
        return False
    pixels = [each for each in ast.walk(loop) if isinstance(each, ast.Call) and last_name(each.func) in _PIXELS]
    return any(mentions(given, names_of_pass(hot, each)) for each in pixels for given in each.args)


PATTERNS = (
    Pattern(
        id="elementwise-loop",
        title="Arrays are computed element by element in a Python loop whose passes do not depend on each other",
        replacement="Compute the whole row or column at once: index with a slice (P[i, :]) instead of the loop's counter; "
        "np.dot or sum for what is added up, np.where for an if",
        snippet="row = P[i, :].copy()\nP[i, :] += rate * (2 * error * Q[:, j] - beta * row)",
        when=(elementwise(),),
        unless=(less(passes=100),),
        fallback=True,
        leave="The rows have a few elements only, where a call of numpy takes as long as the loop.",
        price=Price("amdahl", (1.5, 50)),
        source="numpy/numpy#16763; own measurement: rows of 8 elements 1.9x, of 20 4.5x, of 100 22x",
        stages=("etl", "training"),
    ),
    Pattern(
        id="slices-stacked-one-by-one",
        title="Each sample of a batch is cut and computed by itself in a Python loop, then stacked",
        replacement="Cut all samples of the batch at once (numpy.lib.stride_tricks.sliding_window_view and an index array), "
        "and compute with an axis: windows.mean(axis=1, keepdims=True)",
        snippet="windows = np.lib.stride_tricks.sliding_window_view(series, length)\nx = windows[starts]\n"
        "x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)",
        when=(_gathers,),
        unless=(_leaves_numpy, less(passes=8)),
        leave="The slices differ in length, or one of them is large.",
        price=Price("amdahl", (2, 50)),  # own measurement: 2 to 90 for slices of 1,000 to 24 values
        source="numpy/numpy#17394 (sliding_window_view)",
        stages=("loading", "training", "etl"),
    ),
    Pattern(
        id="n-jobs-unset",
        title="Independent fits run one after another on one core (n_jobs is not set)",
        replacement="Give n_jobs=-1 to the outermost search, cross-validation or ensemble, and leave the inner ones at one",
        snippet="search = GridSearchCV(model, grid, n_jobs=-1)",
        when=(
            below("sklearn/"),
            deep("joblib/parallel.py", "_get_sequential_output"),
            less(cores=1.5),
            lambda hot: _without_jobs(hot.seen) is not None,
        ),
        # A fit on a device, or of torch: processes would share the device, and torch has threads of its own.
        unless=(all_of(any_of(deep("torch/"), deep("tensorflow/"), deep("keras/")), not_if(known(device="cpu"))),),
        cause=_outermost,
        needs=("cores",),
        leave="The fits take seconds in all (worker processes take as long to start), the other cores are at work, memory holds one copy only, or the fits use threads of their own.",
        price=Price("cores", start_seconds=2.5),  # worker processes that import the libraries again (own measurement)
        source="scikit-learn user guide, 8.3 (n_jobs=None means 1)",
        stages=("training", "etl"),
        effort=1,
    ),
    Pattern(
        id="differences-of-all-pairs",
        title="All pairwise distances are computed from an array that holds every coordinate difference",
        replacement="Use torch.cdist(a, b) or scipy.spatial.distance.cdist, which store only the distances; for squared ones "
        "cdist(a, b, 'sqeuclidean') in scipy, or |a|^2 + |b|^2 - 2 a @ b.T (a matrix product, less exact)",
        snippet="squared = torch.cdist(a, b).pow(2)  # or: (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T",
        when=(_differences_of_all,),
        leave="A few dimensions, a few points, or differences that are used themselves.",
        price=Price("amdahl", (2, 20)),
        source="pytorch/pytorch#15253 (cdist against broadcasting), StackOverflow 27948363 (memory of broadcast differences)",
        differentiated=True,
        stages=("training", "etl"),
        effort=1,
        risk=0.2,
    ),
    Pattern(
        id="pixels-one-by-one",
        title="The pixels of an image are read or set one by one in Python",
        replacement="Turn the whole image into an array with np.array(image), compute on that, and return with Image.fromarray",
        snippet="pixels = np.asarray(image, dtype=np.float32) / 255",
        when=(_in_a_loop_over_pixels,),
        unless=(less(passes=1000),),
        leave="A few pixels of each image.",
        price=Price("amdahl", (20, 500)),
        source="pillow.readthedocs.io, Image.getpixel and PixelAccess (slow; use arrays), StackOverflow 1109422",
        whole_loop=True,
        stages=("etl", "loading", "serving"),
        effort=1,
    ),
)
