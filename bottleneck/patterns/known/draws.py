"""Random numbers: drawn one at a time, or at the cost of the whole population."""

import ast

from ..fixed import unchanged
from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import known, less, loading, more
from ..shapes import any_of, argument, calls, first, keyword
from ..syntax import is_self, last_name

_DRAWS = tuple(
    f"numpy.random.{prefix}{name}"
    for prefix in ("", "default_rng().", "RandomState().")
    for name in ("randint", "integers", "rand", "random", "random_sample", "uniform", "normal", "randn", "exponential")
)


def _draws_one(hot: Hot) -> bool:
    """``np.random.randint(n)``, without a size."""
    node = hot.node
    if not isinstance(node, ast.Call):
        return False
    name, shape = last_name(node.func), argument(node, "size")
    most = {"randint": 2, "integers": 2, "uniform": 2, "normal": 2, "exponential": 1}.get(name, 0)
    return shape is None and len(node.args) <= most and not any(isinstance(each, ast.Starred) for each in node.args)


def _draws_a_share(hot: Hot) -> bool:
    """``choice(n, n // 2, replace=False)``, or with weights: no other generator is much faster."""
    node = hot.node
    size = argument(node, "size") or (node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None)
    share = size is not None and any(isinstance(each, ast.BinOp) for each in ast.walk(size))
    return share or argument(node, "p") is not None


def _weighted(hot: Hot) -> bool:
    """``choice(n, p=weights)`` and ``choices(items, weights)`` with weights that stay the same from pass to pass, or
    that are computed from what an object keeps (a replay buffer's priorities): each call adds all of them up."""
    weights = _weights_of(hot)
    if weights is None or isinstance(weights, ast.List | ast.Tuple | ast.Constant):
        return False
    if hot.source.loops(hot.node):
        return unchanged(hot, weights)
    bound = hot.source.bindings(weights) if isinstance(weights, ast.Name) else []
    made = [each.value for each in bound if each.value is not None] or [weights]
    return any(is_self(part) for value in made for part in ast.walk(value))


def _weights_of(hot: Hot) -> ast.expr | None:
    node = hot.node
    if calls("random.choices", "random.Random().choices")(hot):
        given = argument(node, "weights") or (node.args[1] if isinstance(node, ast.Call) and node.args[1:] else None)
        return given if argument(node, "cum_weights") is None else None
    return argument(node, "p") if calls(*_CHOICES)(hot) else None


_CHOICES = ("numpy.random.choice", "numpy.random.RandomState().choice", "numpy.random.default_rng().choice")

PATTERNS = (
    Pattern(
        id="random-numbers-one-by-one",
        title="Random numbers are drawn from numpy one at a time",
        replacement="Draw as many as are needed at once (rng.integers(n, size=count)), and redraw only "
        "the rejected ones; for single numbers Python's random module is several times faster",
        snippet="picked = rng.integers(n, size=count)\nwrong = known[users, picked]  # draw these again",
        when=(in_loop(), calls(*_DRAWS), _draws_one),
        unless=(less(passes=1000), more(seconds_each=0.0005)),
        leave="A few numbers, or a stream of draws that must not change.",
        price=Price("amdahl", (5, 50)),
        source="rail-berkeley/rlkit#112 (80x); own measurement: 2 to 4 us for each draw of one number",
        stages=("etl", "loading", "training"),
    ),
    Pattern(
        id="linear-cost-draw",
        title="The whole population is permuted or traversed to draw a few items",
        replacement="Use np.random.default_rng().choice(n, k, replace=False); keep a ring buffer in a list or an array instead of a deque",
        snippet="rng = np.random.default_rng()\nindex = rng.choice(n, size=k, replace=False)",
        when=(
            any_of(
                lambda hot: (
                    calls("numpy.random.choice", "numpy.random.RandomState().choice")(hot)
                    and keyword("replace", False)(hot)
                    and not _draws_a_share(hot)
                ),
                lambda hot: (
                    calls("random.sample", "random.Random().sample")(hot)
                    and first(
                        lambda source, value: any(path.endswith("collections.deque()") for path in source.paths(value))
                    )(hot)
                ),
            ),
            any_of(in_loop(), loading(), known(step=True)),
        ),
        leave="A population under 10,000, or draws that must match those of an existing seed.",
        price=Price("amdahl", (20, 1000)),
        source="chandar-lab/RLHive#60 (6.6 s against 3.5 ms), numpy/numpy#16268, chainer/chainerrl#131 (337 to 172 s)",
        stages=("training", "loading"),
        effort=1,
    ),
    Pattern(
        id="weights-added-up-per-draw",
        title="Every weighted draw adds up the weights of the whole population first",
        replacement="Draw as many as are needed at once (size=), or add the weights up once, sums = np.cumsum(p), and "
        "draw with np.searchsorted(sums, rng.random(k) * sums[-1], side='right') or choices(cum_weights=sums); use a sum tree if the weights change",
        snippet="sums = np.cumsum(p)\npicked = np.searchsorted(sums, rng.random(k) * sums[-1], side='right')",
        when=(_weighted, any_of(in_loop(), loading(), known(step=True))),
        unless=(less(passes=100), keyword("replace", False)),
        leave="A population under 1,000, or draws that must match those of an existing seed.",
        price=Price("amdahl", (5, 100)),
        source="numpy.random.choice (the cumulative sum of p in each call); Schaul et al. 2016, appendix B.2.1 (sum tree)",
        stages=("training", "loading", "etl"),
    ),
)
