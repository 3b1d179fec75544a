"""Numbers as people read them."""

from __future__ import annotations

import math
import os

import pytest
from bottleneck_profiler.exporters.support import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (0.000_04, "40 µs"),
        (0.0012, "1.2 ms"),
        (0.34, "340 ms"),
        (0.9996, "1.0 s"),
        (5.61, "5.6 s"),
        (99.96, "1 min 40 s"),
        (119.7, "2 min 0 s"),
        (3599.8, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert units.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "–"),
        ("pandas.read_csv", "", "pandas.read_csv"),
        (0.614, "share", "61 %"),
        (0.0614, "share", "6.1 %"),
        (0, "share", "0 %"),
        (1023.99, "B", "1.0 KiB"),
        (1_503_238_553, "B", "1.4 GiB"),
        (5 * 2**20, "B/s", "5.0 MiB/s"),
        (14_203_113, "count", "14,203,113"),
        (2.9, "cores", "2.9 cores"),
        (1.0, "cores", "1 core"),
        (18.4, "1/s", "18.4/s"),
        (0.031, "", "0.031"),
        (math.nan, "cores", "–"),
    ],
)
def test_quantity(value: float | str | None, unit: str, text: str) -> None:
    assert units.quantity(value, unit) == text


def test_a_path_is_relative_to_the_working_folder(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    assert units.path(str(tmp_path / "src" / "train.py")) == os.path.join("src", "train.py")
    assert units.path(str(tmp_path.parent / "train.py")) == os.path.join("..", "train.py")
    assert units.path("/elsewhere/train.py") == "/elsewhere/train.py"  # nothing but the root is shared
    assert units.library_path("/opt/env/lib/python3.12/site-packages/PIL/Image.py") == "PIL/Image.py"
    assert units.library_path("/opt/env/lib/python3.12/json/decoder.py") == "json/decoder.py"
    assert units.library_path(str(tmp_path / ".venv/lib/python3.12/site-packages/a/b.py")) == os.path.join("a", "b.py")


def test_a_path_is_shown_when_the_working_folder_is_gone(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert units.path("train.py") == "train.py"
