"""Numerical work: computed again, computed from too little knowledge, in a type or on a core that it need not be."""

import ast

from ..fixed import thrown_away, unchanged
from ..loops import in_loop
from ..model import Hot, Pattern, Price, Sighting
from ..places import cached, less, named, receivers, step, uses
from ..shapes import all_of, any_of, argument, below, calls, deep, keyword, matches, not_if
from ..source import Source
from ..syntax import Loop, arguments, is_self, last_name, mentions

# Functions of these, called with the same arguments, give the same result; what makes an array anew is no computing.
_PURE = (
    "numpy.linalg.*", "scipy.linalg.*", "torch.linalg.*", "scipy.sparse.linalg.*", "scipy.spatial.distance.*",
    "scipy.signal.*", "scipy.stats.rankdata", "sklearn.metrics.pairwise.*", "torch.inverse", "torch.cdist",
    "numpy.sort", "numpy.argsort", "numpy.unique", "numpy.corrcoef", "numpy.cov", "numpy.percentile", "numpy.quantile",
    "numpy.median", "numpy.histogram", "numpy.convolve", "numpy.fft.*", "scipy.fft.*", "xgboost.DMatrix",
    "builtins.set", "builtins.frozenset", "numpy.dot", "numpy.matmul", "numpy.einsum", "numpy.kron", "numpy.outer",
)  # fmt: skip
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def _same_arguments(hot: Hot) -> bool:
    """Every argument of the call is made before the innermost loop and stays as it is in it.

    In no loop: every call of the function is of the same object, or is given the same.
    """
    loops = hot.source.loops(hot.node)
    given = [hot.node.left, hot.node.right] if isinstance(hot.node, ast.BinOp) else _given(hot.node)
    if not given:
        return False
    if not loops:
        alike = bool(hot.seen.given) and unchanged(hot, *given, given=hot.seen.given)
        return alike and not _set_from_outside(hot, given)
    if any(isinstance(each, ast.Call | ast.Lambda) for value in given for each in ast.walk(value)):
        return False
    return unchanged(hot, *given) and not _owner_acts(hot, loops[0], given)


def _given(node: ast.AST) -> list[ast.expr]:
    return arguments(node) if isinstance(node, ast.Call) else []


def _is_a_product(hot: Hot) -> bool:
    """``A @ B`` of plain arrays. What an optimizer updates changes unseen: weights that stand in a list together."""
    node = hot.node
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.MatMult):
        return False
    if uses("torch", "jax", "tensorflow", "autograd", "mxnet")(hot):
        return False
    around = hot.source.function(node) or hot.source.tree
    lists = (each for each in ast.walk(around) if isinstance(each, ast.List | ast.Tuple) and len(each.elts) > 1)
    listed = {
        part.id for each in lists if isinstance(each.ctx, ast.Load) for part in each.elts if isinstance(part, ast.Name)
    }
    return not mentions(node, listed) and not _measures(hot)


def _measures(hot: Hot) -> bool:
    """The loop looks at the clock: it is there to measure."""
    clocks = ("perf_counter", "perf_counter_ns", "process_time", "timeit")
    loops = hot.source.loops(hot.node)[:1]
    return any(
        isinstance(each, ast.Call) and last_name(each.func) in clocks for loop in loops for each in ast.walk(loop)
    )


def _only_tested(hot: Hot) -> bool:
    """``words = set(vocabulary)``, of which the loop asks only whether something is in it."""
    if not isinstance(hot.node, ast.Call) or last_name(hot.node.func) not in ("set", "frozenset"):
        return True
    statement, loops = hot.source.statement(hot.node), hot.source.loops(hot.node)
    made = statement.targets[0] if isinstance(statement, ast.Assign) and statement.value is hot.node else None
    around = loops[0] if loops else hot.source.function(hot.node)
    if not isinstance(made, ast.Name) or around is None:
        return False
    uses_ = [
        each for each in ast.walk(around) if isinstance(each, ast.Name) and each.id == made.id and each is not made
    ]
    tests = [hot.source.parents.get(each) for each in uses_]
    return bool(tests) and all(
        isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.In | ast.NotIn) for each in tests
    )


def _owner_acts(hot: Hot, loop: ast.AST, given: list[ast.expr]) -> bool:
    """A method of the object whose attribute is given is called in the loop: ``beam.assemble()`` beside ``beam.K``."""
    attributes = [each for value in given for each in ast.walk(value) if isinstance(each, ast.Attribute)]
    owners = {each.value.id for each in attributes if isinstance(each.value, ast.Name)} - {"self", *hot.source.imports}
    methods = [each.func for each in ast.walk(loop) if isinstance(each, ast.Call)]
    return any(isinstance(each, ast.Attribute) and mentions(each.value, owners) for each in methods)


def _set_from_outside(hot: Hot, given: list[ast.expr]) -> bool:
    """``model.cov = ...`` in this file, or in one that leads to the line: an attribute of what the call is given."""
    names = {each.attr for value in given for each in ast.walk(value) if isinstance(each, ast.Attribute)}
    trees = [source.tree for source in {hot.source, *(source for source, _ in hot.seen.callers)}]
    targets = (
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
    )
    inside = (each for target in targets for each in ast.walk(target) if isinstance(each, ast.Attribute))
    return any(each.attr in names and not is_self(each) for each in inside)


def _limit(seen: Sighting) -> ast.AST | None:
    """Where the file keeps numerical libraries to one thread."""
    source = seen.source
    limiting = ("torch.set_num_threads", "threadpoolctl.threadpool_limits")
    for call in named(source, limiting):
        values = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "limits")]
        one = any(isinstance(each, ast.Constant) and each.value == 1 for each in values)
        if one and any(matches(path, *limiting) for path in source.paths(call.func)):
            return call
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Subscript):
            key, value = target.slice, node.value
        elif isinstance(node, ast.Call) and last_name(node.func) == "setdefault" and len(node.args) == 2:
            key, value = node.args
        else:
            continue
        if all(isinstance(each, ast.Constant) for each in (key, value)) and (
            getattr(key, "value", "") in _THREADS and getattr(value, "value", "") == "1"
        ):
            return node
    return None


def _line_of_limit(seen: Sighting) -> int | None:
    return getattr(_limit(seen), "lineno", None)


def _large_product(hot: Hot) -> bool:
    """A product or a decomposition of matrices, in no loop: many small ones gain nothing from threads."""
    node = hot.node
    product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    names = ("numpy.linalg.*", "scipy.linalg.*", "numpy.dot", "numpy.matmul", "torch.linalg.*", "torch.matmul")
    return (product or calls(*names)(hot)) and not in_loop()(hot)


def _in_double(seen: Sighting) -> ast.AST | None:
    """Where the file turns a model, or everything that torch makes, to float64."""
    source = seen.source
    for call in source.calls.get("set_default_dtype", ()):
        if call.args and any(path in ("torch.float64", "torch.double") for path in source.paths(call.args[0])):
            return call
    for call in source.calls.get("double", ()):
        if _is_of_a_model(source, call):
            return call
    for call in source.calls.get("to", ()):
        dtypes = {path for each in arguments(call) for path in source.paths(each)}
        if _is_of_a_model(source, call) and dtypes & {"torch.float64", "torch.double"}:
            return call
    return None


def _is_of_a_model(source: Source, call: ast.Call) -> bool:
    made = call.func.value if isinstance(call.func, ast.Attribute) else call
    if isinstance(made, ast.Call) and isinstance(call.func, ast.Attribute):
        return any(path.startswith("torch.nn.") for path in source.paths(made.func))
    name = last_name(made).lower()
    return "model" in name or "net" in name


def _line_of_double(seen: Sighting) -> int | None:
    return getattr(_in_double(seen), "lineno", None)


_DIGITS = (
    "cholesky solve odeint odeint_adjoint jacobian hessian gradcheck eigh eig eigvalsh svd lstsq inv pinv det logdet "
    "slogdet matrix_exp LBFGS ode solve_ivp"
).split()
_SCIENCE = (
    "gpytorch",
    "botorch",
    "torchdiffeq",
    "torchsde",
    "deepxde",
    "ase",
    "e3nn",
    "mace",
    "pyscf",
    "scipy",
    "pyro",
)


def _is_a_metric(hot: Hot) -> bool:
    """The line is of a function of the file that is given as ``metric=`` to scikit-learn or scipy, which called it."""
    function = hot.source.function(hot.node)
    given = receivers(hot.source, function) if function is not None else []
    named = any(argument(each, name) is not None for each in given for name in ("metric", "distance"))
    return named and any(frame.is_in(place) for frame in hot.seen.above for place in ("sklearn/", "scipy/"))


def _needs_double(hot: Hot) -> bool:
    """What needs the digits: derivatives in the loss, decompositions, differential equations, Gaussian processes."""
    source = hot.source
    derives = ("torch.autograd.*", "torch.func.*")
    paths = (
        path
        for name in ("grad", "vjp", "jvp")
        for each in source.calls.get(name, ())
        for path in source.paths(each.func)
    )
    return (
        uses(*_SCIENCE)(hot)
        or any(name in source.calls for name in _DIGITS)
        or any(matches(path, *derives) for path in paths)
    )


def _runs_more_than_arrays(hot: Hot) -> bool:
    """A function of the file that is handed over runs loops over each other, or code of other places than numpy."""
    node = hot.node
    given = arguments(node) if isinstance(node, ast.Call) else []
    for value in given:
        for function in hot.source.functions.get(value.id, []) if isinstance(value, ast.Name) else []:
            inside = list(ast.walk(function))
            nested = any(isinstance(each, Loop) and len(hot.source.loops(each)) > 0 for each in inside)
            called = {path for each in inside if isinstance(each, ast.Call) for path in hot.source.paths(each.func)}
            if nested or any(path.partition(".")[0] not in _ARRAYS for path in called) or "builtins.open" in called:
                return True
    return False


def _steps(hot: Hot) -> bool:
    """The function goes through steps of its own, as a simulation does: no gradient is at hand."""
    given = (last_name(each) for each in arguments(hot.node)) if isinstance(hot.node, ast.Call) else ()
    functions = (each for name in given for each in hot.source.functions.get(name, []))
    return any(isinstance(each, Loop) for function in functions for each in ast.walk(function))


_ARRAYS = frozenset("numpy math builtins torch jax".split()) | {"scipy"}


PATTERNS = (
    Pattern(
        id="computed-again",
        title="Each pass of a loop computes the same result again from the same arguments",
        replacement="Compute it once before the loop and keep the result; to solve with one matrix many times, factor it "
        "once (scipy.linalg.lu_factor, cho_factor)",
        snippet="inverse = np.linalg.inv(A)  # once\nfor b in right_sides:\n    x = inverse @ b",
        when=(
            calls(*_PURE),
            in_loop(),
            _same_arguments,
            not_if(thrown_away()),
            _only_tested,
            not_if(_measures),
        ),
        unless=(less(passes=2), cached()),
        leave="The loop measures how long the call takes.",
        price=Price("once"),
        source="openmodal/OpenModal#5, isofit/isofit#791 (1.5-1.7x)",
        stages=("etl", "training", "loading"),
        effort=1,
    ),
    Pattern(
        id="product-computed-again",
        title="Each pass of a loop multiplies the same matrices again",
        replacement="Multiply them once before the loop, M = A @ B; if their inner dimension is small, use A @ (B @ x)",
        snippet="gram = X.T @ X  # once\nfor penalty in penalties:\n    w = np.linalg.solve(gram + penalty * identity, moments)",
        when=(_is_a_product, in_loop(), _same_arguments, not_if(thrown_away())),
        unless=(less(passes=2), cached()),
        leave="Small matrices.",
        # The line may compute more besides, and no sample tells its operators apart.
        price=Price("amdahl", (1.3, 20)),
        source="docs.scipy.org linalg; numpy.linalg.multi_dot (the order of products)",
        stages=("etl", "training", "loading"),
        effort=1,
    ),
    Pattern(
        id="numeric-gradient",
        title="The optimizer estimates the gradient by finite differences: one more call of the function per parameter",
        replacement="Give jac= the gradient (by hand, jax.grad or torch.autograd), or jac=True where the function returns "
        "both",
        snippet="minimize(loss_and_gradient, x0, jac=True, method='L-BFGS-B')",
        when=(
            any_of(
                all_of(deep("scipy/optimize/_numdiff.py"), below("scipy/optimize/")),
                # What the function computes may show as the optimizer's own time.
                all_of(
                    calls("scipy.optimize.fmin_l_bfgs_b", "scipy.optimize.fmin_tnc"),
                    keyword("approx_grad", True),
                    not_if(_steps),
                ),
            ),
        ),
        unless=(_runs_more_than_arrays,),
        leave="Few parameters, or a function that has no gradient.",
        price=Price("amdahl", (1.5, 5)),
        source="scipy/scipy#22119, EPFL-Center-for-Imaging/splinebox#75 (2x)",
        stages=("training", "etl"),
        effort=4,
    ),
    Pattern(
        id="python-metric",
        title="A Python function is called for each pair of points",
        replacement="Name a built-in metric (metric='cosine', 'euclidean' ...), or transform the points so that one fits; "
        "else compute whole blocks with array operations",
        snippet="distances = cdist(a, b, metric='cosine')",
        when=(
            any_of(
                deep("scipy/spatial/distance.py", "_pdist_callable", "_cdist_callable"),
                deep("sklearn/metrics/pairwise.py", "_pairwise_callable"),
                _is_a_metric,
            ),
        ),
        unless=(_runs_more_than_arrays,),
        leave="Few points, or a metric that has no form for arrays.",
        price=Price("amdahl", (5, 100)),
        source="scipy/scipy#18065, pyRiemann/pyRiemann#224, scikit-learn/scikit-learn#24903",
        stages=("etl", "training"),
        effort=2,
    ),
    Pattern(
        id="one-thread-only",
        title="Matrix products run on one core because the program limits its libraries to one thread",
        replacement="Remove the limit, or set it to the number of cores",
        snippet="os.environ['OMP_NUM_THREADS'] = str(os.cpu_count())  # before numpy is imported; or no line at all",
        when=(less(cores=1.3), _large_product, lambda hot: _limit(hot.seen) is not None),
        unless=(uses("multiprocessing", "joblib", "concurrent", "mpi4py", "ray", "dask", "loky"),),
        needs=("cores",),
        leave="Several such programs share the machine.",
        price=Price("cores"),
        source="numpy/numpy#11826, numpy/numpy#22928 (2-2.3x on several cores), desihub/desispec#1515",
        stages=("etl", "training"),
        cause=_line_of_limit,
        effort=1,
    ),
    Pattern(
        id="double-precision",
        title="The model computes in float64, at half the speed and twice the memory of float32",
        replacement="Drop .double() or set_default_dtype(torch.float64), and convert the inputs with .float()",
        snippet="model = Model()  # float32, and x = x.float()",
        when=(
            step(),
            any_of(below("torch/nn/modules/module.py"), below("torch/_tensor.py", "backward")),
            lambda hot: _in_double(hot.seen) is not None,
        ),
        unless=(_needs_double,),
        leave="The results need more than seven digits.",
        price=Price("amdahl", (1.4, 2.2)),
        source="ooples/AiDotNet.Tensors#673 (2x in large products), tesseract-ocr/tesseract#3486",
        stages=("training",),
        cause=_line_of_double,
        effort=1,
        risk=0.3,
    ),
)
