"""Native calls that run on one core unless they are told to use more: each has a documented switch."""

import ast

from ..loops import in_loop
from ..model import Condition, Hot, Pattern, Price, Stage
from ..places import less, loading, more, over
from ..shapes import any_of, argument, below, calls, deep, matches, method, not_if
from ..syntax import arguments, defaults, last_name, parameters, stored

#: Names of arguments that say how many threads, processes or workers a call may use.
_SWITCHES = (
    "workers", "n_jobs", "num_proc", "n_process", "threads", "n_threads", "num_threads", "nthread", "thread_count",
    "use_threads",
)  # fmt: skip
#: Transforms of several axes, or of many rows: one transform along one axis is not divided.
_TRANSFORMS = tuple(
    f"scipy.fft.{prefix}{name}" for prefix in ("", "i") for name in ("fft2", "fftn", "rfft2", "rfftn", "dctn", "dstn")
)
_TREES = ("scipy.spatial.KDTree()", "scipy.spatial.cKDTree()", "scipy.spatial._ckdtree.cKDTree()")
_MANY = ("chunk", "batch", "block", "volume", "images", "points", "frames")
_LEARNERS = ("xgboost", "lightgbm", "catboost")
_POOLS = any_of(
    over("multiprocessing/pool.py"), over("concurrent/futures/process.py"), over("concurrent/futures/thread.py"),
    over("joblib/"), over("threading.py", "run"), over("multiprocessing/process.py", "run"), loading(),
)  # fmt: skip


def _runs(*names: str) -> Condition:
    """One of these is called: what runs by its frame or its place, or as the only call of the line. Compiled code has no
    frame of its own, and its helpers may be another library's."""

    def alone(hot: Hot) -> bool:
        node = hot.node
        if not isinstance(node, ast.Call) or not hot.seen.rivals <= {node}:
            return False
        return any(matches(path, *names) for path in hot.source.paths(node.func))

    return any_of(calls(*names), alone)


def _told(hot: Hot) -> bool:
    """The call says how many to use, or takes options that may."""
    given = hot.node.keywords if isinstance(hot.node, ast.Call) else []
    return any(each.arg is None or each.arg in _SWITCHES for each in given)


def _is_small(hot: Hot) -> bool:
    """It is called again and again, with what is not known to be much: a call may take less than starting threads."""
    if hot.seen.handler:
        return not more(seconds_each=0.01)(hot)
    long = more(seconds_each=0.01)(hot) or (_in_chunks(hot) and not less(seconds_each=0.01)(hot))
    return in_loop()(hot) and not long


def _in_chunks(hot: Hot) -> bool:
    """Each pass gives it a slice, or what is called a chunk or a batch."""
    given = arguments(hot.node) if isinstance(hot.node, ast.Call) else []
    return any(
        (isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Slice))
        or any(word in last_name(each).lower() for word in _MANY)
        for value in given
        for each in ast.walk(value)
    )


def _set_to_one(hot: Hot) -> bool:
    """The call, or the one that made its object, says that one thread is enough."""
    call = hot.node
    if not isinstance(call, ast.Call):
        return False
    made = [call, *_makers(hot, call.func.value if isinstance(call.func, ast.Attribute) else call.func)]
    made += [
        item.context_expr  # with parallel_config(n_jobs=1):
        for outer in hot.source.above(call)
        if isinstance(outer, ast.With)
        for item in outer.items
        if isinstance(item.context_expr, ast.Call)
    ]
    given = [value for each in made for name in _SWITCHES if (value := argument(each, name)) is not None]
    return any(_one(one) for value in given for one in (value, *_defaults(hot, value)))


def _defaults(hot: Hot, value: ast.expr) -> list[ast.expr]:
    """What a parameter is where the caller leaves it out."""
    function = hot.source.function(value)
    found = defaults(function) if function is not None and isinstance(value, ast.Name) else {}
    return [found[value.id]] if isinstance(value, ast.Name) and value.id in found else []


def _makers(hot: Hot, value: ast.expr | None) -> list[ast.Call]:
    value = hot.source.literal(value)
    return [value] if isinstance(value, ast.Call) else []


def _one(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and (value.value is False or value.value == 1)


def _compresses(hot: Hot) -> bool:
    """A method of a zstandard compressor that was made without ``threads``."""
    call = hot.node
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    makers = _makers(hot, call.func.value)
    return any(
        hot.source.paths(each.func) & {"zstandard.ZstdCompressor"} and not _told(Hot(hot.seen, each)) for each in makers
    ) and last_name(call.func) in ("compress", "copy_stream", "stream_writer", "stream_reader")


def _of_a_piece(hot: Hot) -> bool:
    """``compress(chunk)`` in a loop: one thread packs a piece of a few MB, however many there are."""
    return in_loop()(hot) and isinstance(hot.node, ast.Call) and last_name(hot.node.func) == "compress"


def _calls_parallel(hot: Hot) -> bool:
    """``Parallel()(...)``"""
    return isinstance(hot.node, ast.Call) and "joblib.Parallel()" in hot.source.paths(hot.node.func)


def _keeps_what_it_saw(hot: Hot) -> bool:
    """The mapped function changes something that outlives the call: ``seen.setdefault(row["name"], len(seen))``."""
    given = arguments(hot.node) if isinstance(hot.node, ast.Call) else []
    for function in (each for value in given for each in hot.source.functions.get(last_name(value), [])):
        own = (parameters(function) | stored(function)) - {"self"}
        for each in ast.walk(function):
            changed: ast.AST | None = None
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _CHANGES:
                changed = each.func.value
            elif isinstance(each, ast.Subscript | ast.Attribute) and isinstance(each.ctx, ast.Store):
                changed = each.value
            if isinstance(each, ast.Global | ast.Nonlocal) or (isinstance(changed, ast.Name) and changed.id not in own):
                return True
    return False


_CHANGES = frozenset("append add update setdefault extend pop popleft write".split())
_ONE_CORE = (less(cores=1.5),)
_ALREADY = (_told, _POOLS)
_STAGES: tuple[Stage, ...] = ("etl", "training")

PATTERNS = (
    Pattern(
        id="fft-one-worker",
        title="The Fourier transforms run on one core",
        replacement="Give them workers=-1, or call them inside scipy.fft.set_workers(-1)",
        snippet="spectrum = scipy.fft.fft2(images, workers=-1)",
        when=(*_ONE_CORE, _runs(*_TRANSFORMS), not_if(_is_small)),
        unless=_ALREADY,
        needs=("cores",),
        leave="Small arrays, or the program runs in many processes.",
        price=Price("cores"),
        source="SciPy reference, scipy.fft.fft2 (workers)",
        stages=_STAGES,
        effort=1,
    ),
    Pattern(
        id="kdtree-one-worker",
        title="The tree of points is searched on one core",
        replacement="Give the query workers=-1",
        snippet="distances, indices = tree.query(points, k=8, workers=-1)",
        when=(
            *_ONE_CORE,
            _runs(*(f"{tree}.{name}" for tree in _TREES for name in ("query", "query_ball_point"))),
            not_if(_is_small),
        ),
        unless=_ALREADY,
        needs=("cores",),
        leave="One point at a time, or the program runs in many processes.",
        price=Price("cores"),
        source="SciPy reference, scipy.spatial.KDTree.query (workers)",
        stages=("etl", "training", "serving"),
        effort=1,
    ),
    Pattern(
        id="evolution-one-worker",
        title="The optimizer tries its candidates one after another on one core",
        replacement="Give it workers=-1 (the function must be importable); to differential_evolution updating='deferred', "
        "too, or vectorized=True",
        snippet="best = differential_evolution(cost, bounds, workers=-1, updating='deferred')",
        when=(
            *_ONE_CORE,
            calls("scipy.optimize.differential_evolution", "scipy.optimize.brute"),
            any_of(deep("scipy/optimize/_differentialevolution.py"), deep("scipy/optimize/_optimize.py", "brute")),
        ),
        unless=(_told, _POOLS, lambda hot: argument(hot.node, "vectorized") is not None),
        needs=("cores",),
        leave="The function takes less time than sending its arguments to a process.",
        price=Price("cores", start_seconds=1.0),
        source="SciPy reference, scipy.optimize.differential_evolution (workers)",
        stages=_STAGES,
    ),
    Pattern(
        id="fuzzy-one-worker",
        title="The texts are compared on one core",
        replacement="Give cdist workers=-1",
        snippet="scores = process.cdist(left, right, scorer=fuzz.ratio, workers=-1)",
        when=(*_ONE_CORE, _runs("rapidfuzz.process.cdist"), not_if(_is_small)),
        unless=_ALREADY,
        needs=("cores",),
        leave="A few texts, or the scorer is a Python function.",
        price=Price("cores"),
        source="RapidFuzz reference, process.cdist (workers)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="zstd-one-thread",
        title="zstandard compresses on one core",
        replacement="Make the compressor with threads=-1",
        snippet="compressor = zstandard.ZstdCompressor(level=10, threads=-1)",
        when=(*_ONE_CORE, _compresses, not_if(_is_small), not_if(_of_a_piece)),
        unless=(_POOLS,),
        needs=("cores",),
        leave="Small messages: one thread handles each of them.",
        price=Price("cores"),
        source="python-zstandard reference, ZstdCompressor (threads)",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="parallel-without-jobs",
        title="joblib.Parallel runs the tasks one after another: n_jobs is not set, or comes to one",
        replacement="Set n_jobs=-1 (with prefer='threads' where the tasks free the GIL)",
        snippet="results = Parallel(n_jobs=-1)(delayed(work)(item) for item in items)",
        when=(*_ONE_CORE, _calls_parallel, deep("joblib/parallel.py", "_get_sequential_output")),
        unless=(_set_to_one, _POOLS),
        needs=("cores",),
        leave="The tasks take seconds in all, or they use threads of their own.",
        price=Price("cores", start_seconds=1.5),
        source="joblib reference, Parallel (n_jobs=None means 1)",
        stages=_STAGES,
        effort=1,
    ),
    Pattern(
        id="map-one-process",
        title="datasets.map runs a slow function in one process",
        replacement="Give map num_proc: a process a core",
        snippet="data = data.map(prepare, num_proc=os.cpu_count())",
        when=(
            *_ONE_CORE,
            method("map", "filter", of="datasets"),
            below("datasets/arrow_dataset.py"),
            more(body=0.8),
        ),
        unless=(_told, deep("transformers/tokenization_utils_base.py"), deep("torch/"), _keeps_what_it_saw),
        needs=("cores", "body"),
        leave="The function calls a model or a fast tokenizer, which have threads of their own, or a row depends on those "
        "before it.",
        price=Price("cores", start_seconds=1.5),
        source="Hugging Face datasets guide, Process: multiprocessing",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="threads-switched-off",
        title="The call is told to use one thread",
        replacement="Remove n_jobs=1, nthread=1, thread_count=1 or use_threads=False, or set them to the number of cores",
        snippet="model = XGBClassifier(n_jobs=-1)",
        when=(
            *_ONE_CORE,
            any_of(
                *(method("fit", "predict", "predict_proba", "train", of=name) for name in _LEARNERS),
                calls("pyarrow.parquet.*", "pyarrow.csv.*", "pyarrow.feather.*"),
            ),
            _set_to_one,
            not_if(_is_small),
        ),
        unless=(_POOLS,),
        needs=("cores",),
        leave="Several such fits run side by side, each on its core.",
        price=Price("cores"),
        source="XGBoost, LightGBM and CatBoost parameters (default: all cores); pyarrow.parquet.read_table (use_threads)",
        stages=_STAGES,
        effort=1,
    ),
)
