"""``bottleneck explain ID`` is the documentation page of a detector, and ``bottleneck detectors`` the way to it."""

from __future__ import annotations

import pytest
from bottleneck_profiler.cli.detectors import command as list_detectors
from bottleneck_profiler.cli.explain import command as explain
from bottleneck_profiler.detectors import HEADINGS, RENAMED, all_detectors
from click.testing import CliRunner

DETECTORS = {detector.id: detector for detector in all_detectors()}


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_is_explained_under_its_four_headings(name: str) -> None:
    done = CliRunner().invoke(explain, [name])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == f"{name}: {DETECTORS[name].title}"
    places = [lines.index(heading) for heading in HEADINGS]
    assert places == sorted(places)
    for place in places:
        assert lines[place + 1].startswith("    ")
        assert lines[place + 1].strip()


def test_every_detector_is_listed_with_its_stage_and_title() -> None:
    done = CliRunner().invoke(list_detectors)
    assert done.exit_code == 0
    lines = [line.split(maxsplit=1)[0] for line in done.output.splitlines()]
    assert len(lines) == len(DETECTORS)
    for name, detector in DETECTORS.items():
        (line,) = [line for line in done.output.splitlines() if f" {name} " in line]
        assert line.startswith(detector.stage)
        assert line.endswith(detector.title)


def test_a_name_that_is_none_is_an_error_with_a_suggestion() -> None:
    done = CliRunner().invoke(explain, ["worker-zero"])
    assert done.exit_code == 2
    assert "did you mean workers-zero?" in done.output


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_id_is_explained_under_its_new_one(old: str) -> None:
    done = CliRunner().invoke(explain, [old])
    assert done.exit_code == 0 and old not in DETECTORS
    said, page = done.output.split("\n", 1)
    assert said == f"bottleneck: {old} is now called {RENAMED[old]}"
    assert page == CliRunner().invoke(explain, [RENAMED[old]]).output
