"""Formats numbers for people: one unit, two or three digits; a dash for anything that is not a number."""

from __future__ import annotations

import math
import os
import re

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
NOTHING = "–"
_LIBRARY = re.compile(r".*[/\\](?:site-packages|dist-packages|lib[/\\]python3(?:\.\d+)?)[/\\]")


def seconds(value: float) -> str:
    """1.2 ms, 340 ms, 5.6 s, 3 min 20 s, 2 h 5 min."""
    if not math.isfinite(value):
        return NOTHING
    if value <= 0:
        return "0 s"
    if value < 0.000_099_5:
        return f"{value * 1e6:.0f} µs"
    if value < 0.009_95:
        return f"{value * 1e3:.1f} ms"
    if value < 0.999_5:
        return f"{value * 1e3:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def about(value: float) -> str:
    """A predicted time, without false precision."""
    if math.isfinite(value) and 9.95 <= value < 99.95:
        return f"{value:.0f} s"
    return seconds(value)


def share(value: float) -> str:
    """12 %, with one more digit below 10 %."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value * 100:.1f} %" if 0 < abs(value) < 0.0995 else f"{value * 100:.0f} %"


def points(value: float) -> str:
    """A predicted share in whole percentage points, without the percent sign."""
    return f"{value * 100:.0f}" if math.isfinite(value) else NOTHING


def size(value: float) -> str:
    """Bytes with a binary prefix."""
    if not math.isfinite(value):
        return NOTHING
    for unit in _BYTES:
        if abs(value) < 1023.95 or unit == _BYTES[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def joules(value: float) -> str:
    """340 mJ, 5.6 J, 12.3 kJ, 2.1 MJ."""
    if not math.isfinite(value):
        return NOTHING
    for least, unit in ((1e6, "MJ"), (1e3, "kJ"), (1.0, "J")):
        if abs(value) >= least:
            return f"{value / least:.3g} {unit}" if abs(value) < 999.5 * least else f"{value / least:,.0f} {unit}"
    return f"{value * 1e3:.3g} mJ"


def money(value: float, currency: str) -> str:
    """$1,234, $12.30, $0.0042, 12.30 CHF; without a currency, the number alone."""
    if not math.isfinite(value):
        return NOTHING
    digits = f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.2f}"
    if 0 < abs(value) < 0.995:
        rounded = float(f"{value:.2g}")
        digits = f"{rounded:.{1 - math.floor(math.log10(abs(rounded)))}f}"
    return f"{digits} {currency}".strip() if currency.isalnum() or not currency else f"{currency}{digits}"


def number(value: float) -> str:
    """12,345 or 2.9."""
    if not math.isfinite(value):
        return NOTHING
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.1 else f"{value:.2g}"


def quantity(value: float | int | str | None, unit: str) -> str:
    """A measured value with its unit; text is returned unchanged."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    known = {"s": seconds, "share": share, "B": size}.get(unit)
    if known is not None:
        return known(value)
    if unit == "B/s":
        return size(value) + "/s"
    if unit == "1/s":
        return number(value) + "/s"
    if unit in ("count", "") or not math.isfinite(value):
        return number(value)
    return f"{number(value)} {unit.removesuffix('s') if value == 1 else unit}"


def path(file: str) -> str:
    """A path as the reader would type it: relative to the working folder, unless that goes up to the root."""
    try:
        here, relative = os.getcwd(), os.path.relpath(file)
        apart = os.path.isabs(file) and len(os.path.commonpath([here, file])) <= 1
    except (ValueError, OSError):
        return file
    return file if apart or len(relative) >= len(file) else relative


def library_path(file: str) -> str:
    """Like ``path``; for a library's file, the path starting at its package."""
    return _LIBRARY.sub("", file) if _LIBRARY.match(file) else path(file)
