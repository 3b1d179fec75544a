"""Work that each sample does anew although it could be done once for all samples."""

import ast

from ..fixed import unchanged
from ..model import Hot, Pattern, Price
from ..places import draws_at_random, loading
from ..shapes import any_of, below, not_if
from ..source import Source
from ..syntax import is_self, same

_IN_PYTHON = ("<listcomp>", "<setcomp>", "<genexpr>", "<dictcomp>")


def _walks_a_collection(hot: Hot) -> bool:
    """``[item for item in self.items if item not in seen]``: a choice among all items, which stay the same. What
    gathers fields of the sample (``[a[i] for a in self.arrays]``) is work of the sample."""
    node = hot.node
    if not isinstance(node, ast.ListComp | ast.SetComp) or len(node.generators) != 1:
        return False
    over = node.generators[0]
    if not over.ifs or not same(node.elt, over.target):
        return False
    if any(frame.function not in _IN_PYTHON for frame in hot.seen.below):
        return False
    plain = is_self(over.iter) or (isinstance(over.iter, ast.Name) and _is_outside(hot.source, over.iter))
    return plain and unchanged(hot, over.iter, each_call=True, given=frozenset({"self"}))


def _is_outside(source: Source, name: ast.Name) -> bool:
    """No binding of the name, nor a parameter, is of the function around it."""
    function = source.function(name)
    bound = source.bindings(name)
    return bool(bound) and all(source.function(each.where) is not function for each in bound)


def _many_samples(hot: Hot) -> bool:
    """In ``__getitem__``, or below it: once for each sample, not once for a dataset."""
    names = [getattr(hot.source.function(hot.node), "name", ""), *(each.function for each in hot.seen.above)]
    return any(name.rpartition(".")[2] in ("__getitem__", "__getitems__") for name in names)


PATTERNS = (
    Pattern(
        id="pandas-per-sample",
        title="Each sample is prepared with pandas calls that cost far more than the work on its few values",
        replacement="Prepare the whole table once in __init__ and keep plain arrays (frame[columns].to_numpy()), or a dict of "
        "arrays by key; each sample is then a slice of an array",
        snippet="self.values = frame[columns].to_numpy(np.float32)  # in __init__\nreturn self.values[i : i + length]",
        when=(
            loading(),
            _many_samples,
            below("pandas/"),
            not_if(any_of(below("pandas/io/"), below("pandas/plotting/"))),
        ),
        fallback=True,
        leave="Each sample is a large table, or is drawn once.",
        price=Price("loader", (2, 20)),
        source="pandas-dev/pandas#37012 (cost of a single row), own measurement: 20 to 400 us for a slice against 1 us",
        stages=("loading",),
    ),
    Pattern(
        id="transformed-per-sample",
        title="scikit-learn transforms each sample alone, and checks its input each time",
        replacement="Transform the whole array once before the Dataset is made: X = scaler.transform(X); or write out its "
        "arithmetic: (x - scaler.mean_) / scaler.scale_ for a StandardScaler",
        snippet="self.x = scaler.transform(x).astype(np.float32)  # in __init__, once",
        when=(
            loading(),
            _many_samples,
            below("sklearn/"),
        ),
        unless=(draws_at_random(),),
        leave="The transformed samples do not fit in memory, or each is augmented at random first.",
        price=Price("loader", (5, 100)),
        source="scikit-learn documentation, Computing with scikit-learn (prediction latency: bulk against atomic mode)",
        stages=("loading",),
        effort=1,
    ),
    Pattern(
        id="collection-walked-per-sample",
        title="Each sample walks through a whole collection in Python",
        replacement="Prepare the result once in __init__, by key, as sets or arrays; to pick an item outside a set, draw "
        "at random until the item is not in it",
        snippet="item = random.randrange(count)\nwhile item in self.seen[user]:  # a set\n    item = random.randrange(count)",
        when=(loading(), _many_samples, _walks_a_collection),
        beats=("list-membership",),
        leave="The collection has a few items.",
        price=Price("loader", (5, 1000)),
        source="own measurement: 4.4 ms to filter 8,000 items against 2 us to draw one",
        stages=("loading",),
    ),
)
