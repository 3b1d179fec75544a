"""Run folders of earlier versions still report: ``old/<commit>-<detector>.tar.gz``, with what was found then."""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

import pytest
from helpers import finished

OLD = Path(__file__).parent / "old"
CLI = (sys.executable, "-m", "bottleneck_profiler.cli")


@pytest.fixture(params=sorted(path.name.removesuffix(".tar.gz") for path in OLD.glob("*.tar.gz")))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """(the run folder, the ids of its findings)."""
    with tarfile.open(OLD / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path / "run", filter="data")
    found = json.loads((OLD / f"{request.param}.json").read_text())["findings"]
    return tmp_path / "run", [finding["detector"] for finding in found]


def test_an_old_run_folder_still_reports_what_it_did(old: tuple[Path, list[str]]):
    folder, expected = old
    shown = finished([*CLI, "report", "--json", folder], text=True)
    assert shown.returncode == 0, shown.stderr
    assert [finding["detector"] for finding in json.loads(shown.stdout)["findings"]] == expected != []


def test_fix_answers_for_an_old_run_folder(old: tuple[Path, list[str]]):
    folder, expected = old
    answer = finished([*CLI, "fix", folder, expected[0]], text=True)
    assert answer.returncode == 1 and answer.stderr.startswith(f"bottleneck: no patch for {expected[0]}: ")
