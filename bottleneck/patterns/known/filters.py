"""Filters over arrays: with long kernels, or with a Python function for each window."""

import ast

from ..model import Hot, Pattern, Price
from ..shapes import any_of, below, calls
from ..syntax import last_name

_LONG = 128  # weights: from here on the Fourier transform needs fewer operations
_MAKERS = (
    "ones full hanning hamming blackman bartlett kaiser gaussian get_window firwin linspace random rand exp outer "
    "arange zeros"
).split()
_HOPS = 4  # expressions that lead to the kernel


def _weights(hot: Hot, value: ast.expr | None, hops: int = _HOPS) -> int:
    """How many weights a kernel has, where the file shows it: ``np.ones((41, 41)) / 1681``; 0 where it does not."""
    value = hot.source.literal(value)
    if isinstance(value, ast.BinOp):
        return max(_weights(hot, value.left, hops - 1), _weights(hot, value.right, hops - 1)) if hops else 0
    if not isinstance(value, ast.Call) or not value.args:
        return 0
    if last_name(value.func) == "outer":
        return _weights(hot, value.args[0], hops - 1) ** 2 if hops else 0
    if last_name(value.func) not in _MAKERS:
        return 0
    given = hot.source.literal(value.args[0])
    found = 1
    for each in given.elts if isinstance(given, ast.Tuple | ast.List) else [given]:
        size = hot.source.literal(each)
        found *= size.value if isinstance(size, ast.Constant) and type(size.value) is int else 0
    return found


def _by_a_long_kernel(hot: Hot) -> bool:
    given = hot.node.args if isinstance(hot.node, ast.Call) else []
    return len(given) > 1 and _weights(hot, given[1]) >= _LONG


PATTERNS = (
    Pattern(
        id="direct-convolution",
        title="A convolution with a large kernel is computed directly, without an FFT",
        replacement="Use scipy.signal.fftconvolve or oaconvolve (with the kernel flipped for a correlation); for equal weights "
        "scipy.ndimage.uniform_filter (a mean) or a cumulative sum; keep the same treatment of the edges",
        snippet="smooth = scipy.signal.oaconvolve(signal, kernel, mode='same')",
        when=(
            calls(
                "numpy.convolve",
                "numpy.correlate",
                "scipy.signal.convolve2d",
                "scipy.signal.correlate2d",
                "scipy.ndimage.convolve",
                "scipy.ndimage.correlate",
            ),
            _by_a_long_kernel,
        ),
        leave="The values span so many orders of magnitude that the rounding of an FFT would show.",
        price=Price("amdahl", (3, 100)),
        source="docs.scipy.org, signal.convolve (the Fourier transform is faster from about 500 values on), oaconvolve",
        stages=("etl", "loading", "training"),
        effort=1,
    ),
    Pattern(
        id="python-function-per-window",
        title="A Python function is called for each pixel of an array",
        replacement="Combine filters that run in C (uniform_filter, maximum_filter, percentile_filter; for float x the variance is "
        "uniform_filter(x**2) - uniform_filter(x)**2), or reduce over numpy's sliding_window_view",
        snippet="mean = uniform_filter(image, 5)\ndeviation = np.sqrt(uniform_filter(image**2, 5) - mean**2)",
        when=(
            any_of(
                calls("scipy.ndimage.generic_filter", "scipy.ndimage.generic_filter1d"),
                below("scipy/ndimage/_filters.py", "generic_filter", "generic_filter1d"),
            ),
        ),
        leave="A small array, or a function that no combination of filters gives (numba's stencil or a LowLevelCallable).",
        price=Price("amdahl", (10, 200)),
        source="docs.scipy.org, ndimage.generic_filter (LowLevelCallable for speed), StackOverflow 33683373",
        stages=("etl", "loading"),
    ),
)
