"""The user's settings in the working directory: ``bottleneck.toml``, or ``[tool.bottleneck]`` of ``pyproject.toml``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .files import reason
from .prices import PriceError, Prices, configured, given

OWN, SHARED, SECTION = "bottleneck.toml", "pyproject.toml", "tool.bottleneck"
_MAX_BYTES = 1 << 20


def prices(per_hour: str | None, folder: Path = Path()) -> Prices | None:
    """``--price-per-hour`` and the section ``prices``; None without either. Raises PriceError, one line."""
    path, section = _settings(folder)
    known = None
    if "prices" in section:
        known = configured(section["prices"], f"{path.name}: prices")
    return known if per_hour is None else given(per_hour, "--price-per-hour", known)


def _settings(folder: Path) -> tuple[Path, dict[str, Any]]:
    """(the file, our settings in it). The file of our own goes before the one that all tools share."""
    path = folder / OWN
    if path.is_file():
        return path, _read(path)
    path = folder / SHARED
    if not path.is_file():
        return path, {}
    try:
        found: Any = _read(path).get("tool", {})
    except PriceError:
        if _mentions_us(path):
            raise
        return path, {}  # somebody else's broken file is no reason to refuse a run
    section = found.get("bottleneck", {}) if isinstance(found, dict) else {}
    return path, section if isinstance(section, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with open(path, "rb") as file:
            text = file.read(_MAX_BYTES).decode()
        found: dict[str, Any] = tomllib.loads(text)
    except OSError as error:
        raise PriceError(f"{path.name} cannot be read: {reason(error)}") from None
    except ValueError as error:  # of TOML, and of UTF-8
        raise PriceError(f"{path.name} is no TOML: {error}") from None
    return found


def _mentions_us(path: Path) -> bool:
    try:
        return f"[{SECTION}".encode() in path.read_bytes()
    except OSError:
        return False
