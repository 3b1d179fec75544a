"""scikit-learn: rows handled one at a time, and fits that are done again."""

import ast

from ..fixed import is_changed, unchanged
from ..loops import all_loops, counted, in_loop, loop_names, names_of_pass, varies
from ..model import Hot, Pattern, Price
from ..places import cached, handed_to, handler, known, less, named, uses
from ..shapes import any_of, calls, comes_from, deep, matches, method, not_if
from ..syntax import Comprehension, Loop, is_self, last_name, mentions, parameters, stored

_PREDICTS = (
    "predict",
    "predict_proba",
    "decision_function",
    "transform",
    "kneighbors",
    "score_samples",
    "predict_log_proba",
)
#: What gives the same for the same data, whatever the seed.
_FITTED_ALIKE = (
    "sklearn.feature_extraction.*", "sklearn.preprocessing.*", "sklearn.impute.*", "sklearn.decomposition.PCA*",
    "sklearn.compose.ColumnTransformer*", "sklearn.compose.make_column_transformer*",
)  # fmt: skip


def _is_one_row(hot: Hot, value: ast.expr) -> bool:
    """``[row]``, ``x.reshape(1, -1)``, ``X[i:i + 1]``, ``X[[i]]``, ``frame.iloc[[i]]``, ``x[None]``."""
    if isinstance(value, ast.Name):
        bound = hot.source.bindings(value)
        value = bound[0].value if len(bound) == 1 and not bound[0].suffix else value
    if isinstance(value, ast.Call):
        name = last_name(value.func)
        if name == "reshape":
            given = value.args[0].elts if value.args and isinstance(value.args[0], ast.Tuple) else value.args
            return bool(given) and getattr(given[0], "value", None) == 1
        if name in ("array", "asarray", "DataFrame", "atleast_2d") and value.args:
            return name == "atleast_2d" or _is_one_row(hot, value.args[0])
        return False
    if isinstance(value, ast.List):
        return len(value.elts) == 1 and not isinstance(value.elts[0], ast.Starred)
    if not isinstance(value, ast.Subscript):
        return False
    key = value.slice.elts[0] if isinstance(value.slice, ast.Tuple) and value.slice.elts else value.slice
    if isinstance(key, ast.Slice):
        upper, lower = key.upper, key.lower
        return (
            isinstance(upper, ast.BinOp)
            and isinstance(upper.op, ast.Add)
            and lower is not None
            and ast.dump(upper.left) == ast.dump(lower)
            and getattr(upper.right, "value", None) == 1
        )
    return (isinstance(key, ast.List) and len(key.elts) == 1) or (isinstance(key, ast.Constant) and key.value is None)


def _takes_one_row(hot: Hot) -> bool:
    given = hot.node.args[:1] if isinstance(hot.node, ast.Call) else []
    return bool(given) and _is_one_row(hot, given[0]) and varies()(hot)


def _of_one_request(hot: Hot) -> bool:
    """A request brings one row; where the handler goes through rows, the loop stands in the same function."""
    return handler()(hot) and not hot.source.loops(hot.node)


def _another_model(hot: Hot) -> bool:
    """The passes change the model, make it anew, or go through many."""
    loop = next(iter(hot.source.loops(hot.node)), None)
    if not isinstance(hot.node, ast.Call) or not isinstance(hot.node.func, ast.Attribute):
        return False
    model = hot.node.func.value
    function = hot.source.function(hot.node)
    if loop is None and isinstance(function, ast.Lambda):
        return mentions(model, parameters(function))
    if loop is None:
        return not unchanged(hot, model, each_call=True, given=hot.seen.given)
    thing = model if isinstance(model, ast.Name) or is_self(model) else None
    varies_ = mentions(model, loop_names(hot.source, hot.node))
    return varies_ or (thing is not None and is_changed(hot.source, loop, thing))


def _one_at_a_time(hot: Hot) -> bool:
    """The rows come from a stream: lines of standard input, messages of a consumer."""
    streams = ("sys.stdin*", "kafka.*", "confluent_kafka.*", "redis.*", "paho.*", "pika.*", "websockets.*", "socket.*")
    return any(
        matches(path, *streams)
        for source, loop in all_loops(hot)
        if isinstance(loop, ast.For)
        for path in source.paths(loop.iter)
    )


def _fed_back(hot: Hot) -> bool:
    """The next pass depends on this one's result: a forecast that feeds on itself."""
    loop = next((each for each in hot.source.loops(hot.node) if isinstance(each, Loop)), None)
    if loop is None or not isinstance(hot.node, ast.Call):
        return False
    statement = hot.source.statement(hot.node)
    results, inputs = stored(statement) if statement is not loop else set(), set()
    inputs = {each.id for given in hot.node.args for each in ast.walk(given) if isinstance(each, ast.Name)}
    results |= _written_to(statement) if statement is not loop else set()
    own = stored(loop.target) if isinstance(loop, ast.For | ast.AsyncFor) else set()
    for _ in range(3):
        for each in ast.walk(loop):
            if isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr) and each.value is not None:
                targets = stored(each) | _written_to(each)
                if mentions(each.value, results):
                    results |= targets
                if targets & inputs:
                    inputs |= {one.id for one in ast.walk(each.value) if isinstance(one, ast.Name)}
    return bool((results - own) & inputs)


def _written_to(statement: ast.AST) -> set[str]:
    """The names whose inside a statement changes: ``x`` of ``x.append(y)`` and of ``x[i] = y``."""
    found: set[str] = set()
    for each in ast.walk(statement):
        value: ast.AST | None = None
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
            value = (
                each.func.value if each.func.attr in ("append", "extend", "appendleft", "insert", "update") else None
            )
        elif isinstance(each, ast.Subscript | ast.Attribute) and isinstance(each.ctx, ast.Store):
            value = each.value
        while isinstance(value, ast.Subscript | ast.Attribute):
            value = value.value
        if isinstance(value, ast.Name):
            found.add(value.id)
    return found


def _fits_alike(hot: Hot) -> bool:
    """A transformer without chance in it is fitted to data that stay the same."""
    node = hot.node
    if (
        not isinstance(node, ast.Call)
        or not isinstance(node.func, ast.Attribute)
        or node.func.attr not in ("fit", "fit_transform")
    ):
        return False
    receiver = node.func.value
    paths = hot.source.paths(receiver)
    if not paths or not all(matches(path, *_FITTED_ALIKE) for path in paths) or not node.args:
        return False
    names = names_of_pass(hot, node)
    made = [each.value for each in hot.source.bindings(receiver)] if isinstance(receiver, ast.Name) else [receiver]
    return unchanged(hot, *node.args) and not any(mentions(each, names) for each in made)


def _own_tokenizer(hot: Hot) -> bool:
    """The file gives a vectorizer its own tokenizer, analyzer or preprocessor."""
    for call in named(hot.source, ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")):
        for each in call.keywords:
            text = isinstance(each.value, ast.Constant)
            if (
                each.arg in ("tokenizer", "analyzer", "preprocessor")
                and not text
                and comes_from(hot.source, call.func, "sklearn")
            ):
                return True
    return False


def _runs_own_code(hot: Hot) -> bool:
    """Below scikit-learn's analyzer stands code of another place."""
    places = [frame.is_in("sklearn/feature_extraction/text.py") for frame in hot.seen.below]
    return True in places and not all(places[places.index(True) :])


_for_each_row = handed_to("?.apply", "?.map")


def _for_a_row(hot: Hot) -> bool:
    """The loop around is a comprehension, a ``for`` or ``apply``: not a ``while`` that serves whatever comes."""
    loops = all_loops(hot)
    mapped = any(
        isinstance(node, ast.Call) and last_name(node.func) in ("map", "filter")
        for source, line in hot.seen.callers[:1]
        for node in source.by_line.get(line, [])
    )
    return mapped or _for_each_row(hot) or (bool(loops) and isinstance(loops[0][1], ast.For | Comprehension))


def _sums_products(hot: Hot) -> bool:
    """``sum(x * y for x, y in zip(a, b))`` or ``sum(x * x for x in a)``, and nothing else on the line."""
    node = hot.node
    if not isinstance(node, ast.Call) or last_name(node.func) != "sum" or len(node.args) != 1:
        return False
    outer = hot.source.parents.get(node)
    if uses("torch", "jax", "tensorflow", "autograd", "decimal", "fractions")(hot):
        return False  # of tensors, or exact
    if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mod):
        return False
    given = node.args[0]
    if not isinstance(given, ast.GeneratorExp | ast.ListComp) or len(given.generators) != 1 or given.generators[0].ifs:
        return False
    over, value = given.generators[0], given.elt
    square = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow) and isinstance(value.left, ast.Name)
    product = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult)
    parts = [value.left, value.right] if isinstance(value, ast.BinOp) and product else []
    names = {each.id for each in parts if isinstance(each, ast.Name)}
    zipped = isinstance(over.iter, ast.Call) and last_name(over.iter.func) == "zip" and len(names) == 2
    alone = isinstance(over.iter, ast.Name | ast.Attribute | ast.Subscript) and (len(names) == 1 or square)
    return (zipped or alone) and (square or (len(parts) == 2 and names <= stored(over.target)))


PATTERNS = (
    Pattern(
        id="row-predicted-alone",
        title="The model is asked for one row at a time, and checks and prepares its input each time",
        replacement="Give it all rows at once, model.predict(X), and go through the results; numpy arrays instead of a frame per row",
        snippet="scores = model.predict(X)  # all rows\nfor row, score in zip(rows, scores):\n    use(row, score)",
        when=(
            any_of(*(method(*_PREDICTS, of=library) for library in ("sklearn", "xgboost", "lightgbm", "catboost"))),
            in_loop(),
            _for_a_row,
            _takes_one_row,
            not_if(_another_model),
        ),
        unless=(_fed_back, _one_at_a_time, _of_one_request, less(passes=100)),
        leave="The next row depends on the last result, or rows come one at a time.",
        price=Price("amdahl", (4, 200), probe="1,000 of the rows at once"),
        source="scikit-learn/scikit-learn#12899 (2.7 a second), dmlc/xgboost#1756 (4x), scikit-learn/scikit-learn#16310",
        stages=("etl", "training", "serving"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="similarity-row-by-row",
        title="Similarities are computed for one row at a time, and all rows are checked and normalised again for each",
        replacement="Compute blocks of many rows: cosine_similarity(X[start:stop], X), sklearn.metrics.pairwise_distances_chunked, or "
        "NearestNeighbors where only the best are wanted",
        snippet="X = normalize(X)\nfor start in range(0, len(X), 1000):\n    scores = X[start:start + 1000] @ X.T",
        when=(
            calls("sklearn.metrics.pairwise.*", "sklearn.metrics.pairwise_distances", "scipy.spatial.distance.cdist"),
            in_loop(),
            any_of(
                _takes_one_row,
                lambda hot: (
                    isinstance(hot.node, ast.Call)
                    and any(isinstance(each, ast.Subscript) and counted(hot, each.slice) for each in hot.node.args[:1])
                ),
            ),
        ),
        unless=(_fed_back, handler(), less(passes=100)),
        leave="Few rows, or each query comes alone.",
        price=Price("amdahl", (3, 100)),
        source="scikit-learn/scikit-learn#12864 (made for bulk), HarryVolek/PyTorch_Speaker_Verification#33 (51x), simonw/llm#233",
        stages=("etl",),
        effort=1,
    ),
    Pattern(
        id="dot-product-in-python",
        title="Vectors are multiplied number by number in Python, one pair of vectors at a time",
        replacement="Keep the vectors as rows of one numpy array and compute all scores at once: scores = matrix @ query; norms "
        "once with np.linalg.norm(matrix, axis=1)",
        snippet="matrix = np.array(list(vectors.values()))  # once\nscores = matrix @ query / (norms * np.linalg.norm(query))",
        when=(_sums_products, any_of(in_loop(), handler(), known(looped=True))),
        unless=(less(passes=100),),
        fallback=True,
        leave="Vectors of a few numbers, or exact integers beyond 64 bits.",
        price=Price("amdahl", (10, 300)),
        source="own measurement: 2,000 products of 64 numbers take 20 ms in Python and 0.05 ms as a matrix product",
        stages=("etl", "serving", "training"),
        effort=1,
    ),
    Pattern(
        id="transformer-fitted-again",
        title="The same transformer is fitted again to the same data in each pass",
        replacement="Fit it once before the loop, and only transform in the passes",
        snippet="vectors = TfidfVectorizer().fit(texts)  # once\nfor query in queries:\n    use(vectors.transform([query]))",
        when=(method("fit", "fit_transform", of="sklearn"), any_of(in_loop(), handler()), _fits_alike),
        unless=(cached(), less(passes=2)),
        leave="The data change between the passes.",
        price=Price("once"),
        source="scikit-learn/scikit-learn#29479, #7990 (the same cause in a search)",
        stages=("etl", "training", "serving"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="tokenizer-in-python",
        title="The vectorizer calls a Python function for each text",
        replacement="Let token_pattern= and lowercase= cut the texts; where stems or lemmas are needed, cache them per distinct word and "
        "spread the texts over processes (joblib.Parallel, HashingVectorizer), once for all fits",
        snippet="vectorizer = TfidfVectorizer(token_pattern=r'(?u)\\b[a-z]{3,}\\b', stop_words=list(STOP))",
        when=(
            deep("sklearn/feature_extraction/text.py"),
            method("fit", "transform", "fit_transform", of="sklearn"),
            _own_tokenizer,
            _runs_own_code,
        ),
        leave="The function is what the model needs, and each text is cut once.",
        price=Price("measure", probe="1,000 texts with token_pattern"),
        source="scikit-learn/scikit-learn#1156, ddangelov/Top2Vec#134 (hours)",
        stages=("etl", "training"),
    ),
)
