"""Numbers as people read them: one unit, two or three digits."""

from __future__ import annotations

import os

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")


def seconds(value: float) -> str:
    """1.2 ms, 340 ms, 5.6 s, 3 min 20 s, 2 h 5 min."""
    if value < 0.0001:
        return f"{value * 1e6:.0f} us"
    if value < 0.01:
        return f"{value * 1e3:.1f} ms"
    if value < 1.0:
        return f"{value * 1e3:.0f} ms"
    if value < 100:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return f"{int(value) // 3600} h {int(value) % 3600 // 60} min"


def share(value: float) -> str:
    """12 %, and one digit more below 10 %."""
    return f"{value * 100:.1f} %" if 0 < value < 0.0995 else f"{value * 100:.0f} %"


def size(value: float) -> str:
    """Bytes with a binary prefix."""
    for unit in _BYTES:
        if abs(value) < 1024 or unit == _BYTES[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def quantity(value: float | int | str | None, unit: str) -> str:
    """A measured value with its unit; text stays text."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if unit == "s":
        return seconds(value)
    if unit == "share":
        return share(value)
    if unit == "B":
        return size(value)
    if unit == "B/s":
        return size(value) + "/s"
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
    return f"{number} {unit}".strip() if unit != "count" else number


def path(file: str) -> str:
    """A file relative to the working folder when it lies below it."""
    try:
        relative = os.path.relpath(file)
    except ValueError:
        return file
    return file if relative.startswith("..") else relative
