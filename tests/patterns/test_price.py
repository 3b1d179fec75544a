"""What mending saves is never negative, never more than the line holds, and unknown where only a measurement tells."""

import pytest
from bottleneck_profiler.patterns.known import PATTERNS
from bottleneck_profiler.patterns.model import Price
from bottleneck_profiler.patterns.price import saved
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.sampled_from([each.price for each in PATTERNS]),
    st.floats(0, 1),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 512),
)
def test_a_range_lies_within_the_share(price: Price, share: float, passes: float | None, cores: float | None) -> None:
    found = saved(price, share, passes, cores)
    assert found is None or 0 <= found[0] <= found[1] <= share


@pytest.mark.parametrize(
    "price, given, expected",
    [
        (Price("amdahl", (2, 10)), {}, (0.3, 0.54)),
        (Price("amdahl"), {}, None),
        (Price("once"), {"passes": 10}, (0.54, 0.54)),
        (Price("once"), {}, (0.3, 0.6)),
        (Price("cores"), {"cores": 4}, (0.225, 0.45)),
        (Price("measure", (2, 3)), {}, None),
        (Price("growth"), {}, None),
    ],
)
def test_the_laws(price: Price, given: dict[str, float], expected: tuple[float, float] | None) -> None:
    found = saved(price, 0.6, **given)
    assert found == (None if expected is None else pytest.approx(expected))


def test_factors_are_published_speeds() -> None:
    for pattern in PATTERNS:
        if pattern.price.factors is not None:
            low, high = pattern.price.factors
            assert 1 < low <= high
