"""The documentation: the site builds strictly, has a page for each detector, and every file that is named exists."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.cli._page import page
from bottleneck_profiler.detectors import HEADINGS, all_detectors
from bottleneck_profiler.diagnosis.model import SCHEMA

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bottleneck"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Named, but only there in a run, after a build, or on the user's disk.
ELSEWHERE = {"train.py", "script.py", "live/", "site/", "tables/", "build/docs/", ".bottleneck/runs/",
             ".bottleneck/loads/", "bottleneck.toml", "http/protobuf", "bottleneck/phase_seconds/data_wait",
             SCHEMA}  # fmt: skip
#: In backticks, up to the first placeholder.
A_FILE = re.compile(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:py|md|toml|yaml))(?:<[^`]*)?`")


def named_files(text: str) -> set[str]:
    """What looks like a file or folder of the repository."""
    return {name for name in A_FILE.findall(text) if name not in ELSEWHERE and not name.startswith("/")}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    names = named_files(path.read_text(encoding="utf-8"))
    assert [name for name in sorted(names) if not any((folder / name).exists() for folder in (ROOT, PACKAGE))] == []


def test_nothing_cites_what_is_not_in_the_project() -> None:
    """The catalogue that the first detectors were written from is in their pages now."""
    files = [path for path in (*PACKAGE.rglob("*.py"), *PAGES) if "signatures.md" in path.read_text(encoding="utf-8")]
    assert files == []


def test_a_page_has_every_number_with_what_stands_beside_it() -> None:
    pages = {detector.id: page(detector) for detector in all_detectors()}
    shown = {threshold.name: threshold for threshold in pages["workers-zero"].thresholds}
    assert shown["min_gain_share"].value == "0.03"
    assert "worker processes" in shown["min_gain_share"].meaning
    assert tuple(heading for heading, _ in pages["workers-zero"].sections) == HEADINGS
    assert pages["workers-zero"].topic == "loading"


@pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="Zensical is not installed (Python 3.10)")
def test_the_site_builds_strictly_with_a_page_for_each_detector(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, ROOT / "docs" / "build.py", tmp_path / "staged", site]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {path.stem for path in (site / "detectors").glob("*.html")}
    assert built == {detector.id for detector in all_detectors()}
    index = (site / "detectors.html").read_text(encoding="utf-8")
    assert all(f"detectors/{name}.html" in index for name in built)
    # Nothing that a browser would fetch from elsewhere when it opens a page.
    tags = re.findall(r"<(?:script|img|iframe|link)[^>]*>", index)
    assert [tag for tag in tags if re.search(r"(?:src|href)=\"?https?:", tag) and "canonical" not in tag] == []
