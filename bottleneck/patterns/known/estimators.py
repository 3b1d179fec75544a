"""scikit-learn and xgboost: a model, a score or a matrix of which the library has a much cheaper kind."""

import ast

from ..causes import called
from ..model import Condition, Hot, Pattern, Price, Sighting
from ..places import calls_of, takes
from ..shapes import any_of, argument, below, calls, deep, entry, matches, method, not_if
from ..source import Source
from ..syntax import last_name

_BOOSTING = ("sklearn.ensemble.GradientBoostingClassifier", "sklearn.ensemble.GradientBoostingRegressor")
_SVM = ("sklearn.svm.SVC", "sklearn.svm.NuSVC", "sklearn.svm.SVR")
#: What a vectorizer or an encoder gives is sparse; ``toarray()`` writes out its zeros.
_DENSE = tuple(
    f"{maker}*.{name}"
    for maker in ("sklearn.feature_extraction.*", "sklearn.preprocessing.OneHotEncoder", "scipy.sparse.*")
    for name in ("toarray()", "todense()")
)
#: What computes with sparse rows as well.
_TAKE_SPARSE = (
    "sklearn.linear_model.Logistic*", "sklearn.linear_model.SGD*", "sklearn.linear_model.Ridge*", "sklearn.linear_model.Lasso()*",
    "sklearn.linear_model.ElasticNet*", "sklearn.linear_model.LinearRegression*", "sklearn.svm.*", "sklearn.naive_bayes.MultinomialNB*", "sklearn.naive_bayes.ComplementNB*",
    "sklearn.naive_bayes.BernoulliNB*", "sklearn.neighbors.*", "sklearn.decomposition.TruncatedSVD*",
    "sklearn.decomposition.NMF*", "sklearn.cluster.KMeans*", "sklearn.cluster.MiniBatchKMeans*",
)  # fmt: skip
_SIMILAR = ("sklearn.metrics.pairwise.cosine_similarity", "sklearn.metrics.pairwise.linear_kernel")
_FITS = ("fit", "fit_predict", "fit_transform", "partial_fit", "predict", "predict_proba", "transform", "kneighbors")


def _directly(place: str, *functions: str) -> Condition:
    """The line fits one model, at most through a pipeline: of a search nobody knows how long each fit takes."""
    inside = below(place, *functions, through="sklearn/")
    searched = any_of(deep("sklearn/model_selection/"), deep("joblib/"), deep("sklearn/ensemble/_bagging.py"))
    return lambda hot: inside(hot) and not searched(hot)


def _makes(source: Source, names: tuple[str, ...], **given: object) -> list[ast.Call]:
    """The calls in the file that make one of these with these arguments."""
    return [
        each
        for each in calls_of(source, *names)
        if all(getattr(argument(each, name, source), "value", None) == value for name, value in given.items())
    ]


def _made_with(names: tuple[str, ...], **given: object) -> Condition:
    """Each such model that the file makes has these arguments."""

    def check(hot: Hot) -> bool:
        made = _makes(hot.source, names, **given)
        return bool(made) and len(made) == len(_makes(hot.source, names))

    return check


def _asks_for_probabilities(hot: Hot) -> bool:
    return any(name in hot.source.calls for name in ("predict_proba", "predict_log_proba", "CalibratedClassifierCV"))


def _split(source: Source, value: ast.expr) -> list[ast.expr]:
    """What a value is part of: the arrays that ``train_test_split`` was given, or the value itself."""
    bound = source.bindings(value) if isinstance(value, ast.Name) else []
    made = bound[0].value if len(bound) == 1 else None
    if isinstance(made, ast.Call) and last_name(made.func) == "train_test_split":
        return made.args
    return [value.value] if isinstance(value, ast.Subscript) else [value]


def _is_given_dense(hot: Hot) -> bool:
    """An argument of the call is a sparse matrix that was written out."""
    given = hot.node.args if isinstance(hot.node, ast.Call) else []
    parts = (part for value in given for part in _split(hot.source, value))
    return any(matches(path, *_DENSE) for part in parts for path in hot.source.paths(part))


def _takes_sparse(hot: Hot) -> bool:
    node = hot.node
    if not isinstance(node, ast.Call):
        return False
    if any(matches(path, *_SIMILAR) for path in hot.source.paths(node.func)):
        return True
    model = node.func.value if isinstance(node.func, ast.Attribute) else None
    return any(matches(path, *_TAKE_SPARSE) for path in hot.source.paths(model))


def _where_written_out(seen: Sighting) -> int | None:
    """The only line of the file that writes out the zeros of a sparse matrix."""
    calls_ = (call for name in ("toarray", "todense") for call in seen.source.calls.get(name, []))
    lines = {call.end_lineno for call in calls_}
    return lines.pop() if len(lines) == 1 else None


def _exact_lines(source: Source) -> set[int]:
    """The lines that set ``tree_method`` to "exact", in a call or in a dict of parameters."""
    given = (
        argument(each, "tree_method") if isinstance(each, ast.Call) else entry(each, "tree_method")
        for each in ast.walk(source.tree)
        if isinstance(each, ast.Call | ast.Dict)
    )
    return {value.lineno for value in given if isinstance(value, ast.Constant) and value.value == "exact"}


def _where_exact(seen: Sighting) -> int | None:
    lines = _exact_lines(seen.source)
    return lines.pop() if len(lines) == 1 else None


PATTERNS = (
    Pattern(
        id="exact-gradient-boosting",
        title="The gradient boosting tries every value of every feature as a split, on one core",
        replacement="Use HistGradientBoostingClassifier or HistGradientBoostingRegressor: they put the values into 256 bins and "
        "use all cores",
        snippet="model = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.1)",
        when=(
            _directly("sklearn/ensemble/_gb.py", "fit", "_fit_stages"),
            takes(2.0),
        ),
        cause=called(*_BOOSTING),
        leave="A few thousand rows, a loss or an init estimator that the binned kind lacks, or results that must stay the same.",
        price=Price("amdahl", (4, 60)),
        source="scikit-learn user guide, 1.11.1.1 (orders of magnitude faster from tens of thousands of rows)",
        stages=("training", "etl"),
        beats=("n-jobs-unset",),
        effort=1,
    ),
    Pattern(
        id="probabilities-unused",
        title="The support vector machine is fitted five more times for probabilities that nobody asks for",
        replacement="Remove probability=True: predict and decision_function do without it",
        snippet="model = SVC(kernel='rbf', C=10)",
        when=(
            below("sklearn/svm/_base.py", "fit", through="sklearn/"),
            _made_with(_SVM[:2], probability=True),
            not_if(_asks_for_probabilities),
        ),
        cause=called(*_SVM[:2]),
        leave="Another module asks the model for probabilities.",
        price=Price("amdahl", (3, 6)),
        source="scikit-learn user guide, 1.4.1.2 (scores and probabilities: an expensive cross-validation)",
        stages=("training", "etl"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="linear-kernel-solver",
        title="A linear model is fitted by the solver for kernels, whose time grows with the square of the rows or faster",
        replacement="Use LinearSVC (for regression LinearSVR) or SGDClassifier: their time grows in proportion to the rows",
        snippet="model = LinearSVC(C=1.0)",
        when=(
            _directly("sklearn/svm/_base.py", "fit"),
            _made_with(_SVM, kernel="linear"),
            takes(2.0),
        ),
        cause=called(*_SVM),
        leave="The support vectors are needed, or there are only a few hundred rows.",
        price=Price("amdahl", (4, 100)),
        source="scikit-learn user guide, 1.4.4 (complexity of support vector machines)",
        stages=("training", "etl"),
        effort=1,
    ),
    Pattern(
        id="sparse-made-dense",
        title="A sparse matrix is written out with its zeros, and the model computes with all of them",
        replacement="Leave out toarray(): this model takes the sparse matrix as it is",
        snippet="X = vectorizer.fit_transform(texts)  # sparse\nmodel.fit(X, y)",
        when=(
            any_of(method(*_FITS, of="sklearn"), calls(*_SIMILAR)),
            _takes_sparse,
            _is_given_dense,
        ),
        cause=_where_written_out,
        leave="More than a tenth of the values are not zero.",
        price=Price("amdahl", (2, 50)),
        source="scikit-learn user guide, 6.2.3 (text features are sparse)",
        stages=("training", "etl"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="exact-tree-method",
        title="xgboost tries every value of every feature as a split (tree_method='exact')",
        replacement="Set tree_method='hist', the default since 2.0",
        snippet="params = {'tree_method': 'hist'}",
        when=(
            any_of(below("xgboost/"), method("fit", "train", of="xgboost")),
            lambda hot: bool(_exact_lines(hot.source)),
        ),
        cause=_where_exact,
        leave="A few thousand rows.",
        price=Price("amdahl", (2, 15)),
        source="XGBoost documentation, Tree Methods",
        stages=("training", "etl"),
        effort=1,
        risk=0.05,
    ),
    Pattern(
        id="silhouette-of-all",
        title="The silhouette score compares every row with every other row",
        replacement="Set sample_size=10_000, which is enough for about two digits, or use davies_bouldin_score (another score: lower is better)",
        snippet="score = silhouette_score(X, labels, sample_size=10_000, random_state=0)",
        when=(
            calls("sklearn.metrics.silhouette_score", "sklearn.metrics.cluster.silhouette_score"),
            lambda hot: argument(hot.node, "sample_size") is None,
            takes(0.5),
        ),
        leave="A few thousand rows, or the exact score is wanted.",
        price=Price("amdahl", (2, 20)),
        source="scikit-learn reference, silhouette_score (sample_size)",
        stages=("etl", "training"),
        effort=1,
        risk=0.05,
    ),
)
