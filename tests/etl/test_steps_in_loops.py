"""Steps that run inside a loop over rows are no row-wise Python; a step that spans the loop takes nothing from it."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from bottleneck_profiler.artifacts.etl.stages import _steps_ns
from hypothesis import given
from hypothesis import strategies as st

times = st.lists(st.integers(0, 1000), min_size=2, max_size=30, unique=True).map(sorted)


@given(times, st.tuples(st.integers(0, 1000), st.integers(0, 1000)).map(sorted))
def test_only_steps_that_begin_and_end_in_the_loop_count(ends, span):
    rows = {"t0": np.array(ends[:-1]), "t1": np.array(ends[1:])}
    expected = sum(b - a for a, b in pairwise(ends) if span[0] <= a and b <= span[1])
    assert _steps_ns(tuple(span), SimpleNamespace(rows=rows)) == expected
