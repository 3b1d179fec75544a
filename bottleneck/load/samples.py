"""One row for each planned request, as the processes that send hand it over."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: What became of a request. ``STOPPED``: in flight when the test ended; ``UNSENT``: too many others were in flight.
OK, CONNECT, TIMEOUT, TLS, BROKEN, REDIRECT, STOPPED, UNSENT = range(8)
OUTCOMES = (
    "ok", "no connection", "timeout", "TLS error", "connection broken", "redirect in a circle or to another host",
    "stopped", "not sent",
)  # fmt: skip
#: Times: monotonic ns of this machine, 0 for never. ``planned``: when it was to be sent; ``sent``: when sending began;
#: ``first``: the headers, or the first part of a streamed body; ``end``: the whole response, or giving up. ``version``:
#: which of two servers; ``tokens``: of a streamed response; ``rate``: requests per second planned at that time.
DTYPE = np.dtype(
    [
        ("planned", "i8"), ("sent", "i8"), ("first", "i8"), ("end", "i8"), ("status", "i2"), ("outcome", "i1"),
        ("version", "i1"), ("bytes", "i8"), ("tokens", "i4"), ("rate", "f4"), ("number", "i4"),
    ]
)  # fmt: skip
Samples = npt.NDArray[Any]  # of DTYPE


def empty() -> Samples:
    return np.empty(0, DTYPE)
