"""The checkout's folder has the name of the array library that pandas and xarray import; both must keep working."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USE_OF_THE_ARRAY_LIBRARY = """
import bottleneck
import bottleneck.move
assert bottleneck.nanmean([1.0, float("nan"), 3.0]) == 2.0
assert "packages" in bottleneck.__file__, bottleneck.__file__
import pandas
assert pandas.get_option("compute.use_bottleneck")
from pandas.core.nanops import _USE_BOTTLENECK
assert _USE_BOTTLENECK
assert pandas.Series([1.0, None, 3.0]).sum() == 4.0
import numpy
import xarray
array = xarray.DataArray([1.0, numpy.nan, 3.0, numpy.nan], dims="x")
assert array.ffill("x").values.tolist() == [1.0, 1.0, 3.0, 3.0]
assert array.bfill("x").values[:3].tolist() == [1.0, 3.0, 3.0]
assert array.rank("x").values[[0, 2]].tolist() == [1.0, 2.0]
import bottleneck_profiler
assert bottleneck_profiler.__name__ == "bottleneck_profiler"
assert "packages" in bottleneck.__file__
print("both work")
"""
WITHOUT_THE_ARRAY_LIBRARY = """
import sys
sys.path[1:] = [entry for entry in sys.path[1:] if "packages" not in entry]
try:
    import bottleneck
except ModuleNotFoundError as error:
    assert error.name == "bottleneck", error.name
    assert "bottleneck" not in sys.modules
    print("not there")
"""


def run(code: str, *options: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """``code`` in a fresh interpreter whose first path entry is the checkout."""
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    for name in ("pandas", "xarray"):
        pytest.importorskip(name)


def test_pandas_and_xarray_use_the_real_library_in_the_checkout() -> None:
    done = run(USE_OF_THE_ARRAY_LIBRARY, "-W", "error")
    assert (done.returncode, done.stdout.strip()) == (0, "both work"), done.stderr


def test_the_checkout_found_through_pythonpath_is_no_different() -> None:
    done = run(USE_OF_THE_ARRAY_LIBRARY, "-W", "error", PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stdout.strip()) == (0, "both work"), done.stderr


def test_a_missing_array_library_is_missing() -> None:
    done = run(WITHOUT_THE_ARRAY_LIBRARY)
    assert (done.returncode, done.stdout.strip()) == (0, "not there"), done.stderr


def test_the_public_names_load_at_first_use() -> None:
    code = """
import sys
import bottleneck_profiler
assert "bottleneck_profiler.api" not in sys.modules
for name in bottleneck_profiler.__all__:
    assert getattr(bottleneck_profiler, name) is not None
    assert name in dir(bottleneck_profiler)
try:
    bottleneck_profiler.nonsense
except AttributeError as error:
    print(error)
"""
    done = run(code)
    assert done.stdout.strip() == "module 'bottleneck_profiler' has no attribute 'nonsense'", done.stderr
