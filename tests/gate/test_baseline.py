"""Stored figures: read back as they were, and one line for whatever else the file holds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from bottleneck_profiler.gate import baseline
from bottleneck_profiler.gate.budgets import common_findings

from gate.made import STEADY, of, times

WORDS = ("train.py", "--token", "secret")


def kept(runs=None):
    runs = runs or times(*STEADY)
    root = Path(next(iter(of().findings.values())).finding.location.file).parent
    return baseline.stored(runs, WORDS, "1a2b3c4d", root, common_findings(runs)), root


def test_what_is_stored_is_read_back(tmp_path):
    file, runs = tmp_path / baseline.FILE, times(*STEADY)
    program, root = kept(runs)
    baseline.update(file, "train", program)
    found = baseline.read(file)["train"].runs(root)
    assert [run.figures["step"] for run in found] == pytest.approx([run.figures["step"] for run in runs], rel=1e-5)
    assert found[0].machine == runs[0].machine
    assert set(found[0].findings) == set(runs[0].findings)
    key = next(iter(found[0].findings))
    assert found[0].findings[key].finding.location == runs[0].findings[key].finding.location
    assert found[0].findings[key].severity == runs[0].findings[key].severity


def test_a_program_is_updated_beside_the_others(tmp_path):
    file = tmp_path / baseline.FILE
    baseline.update(file, "train", kept()[0])
    baseline.update(file, "serve", kept(times(2.0, 2.0))[0])
    baseline.update(file, "train", kept(times(3.0, 3.0, 3.0))[0])
    found = baseline.read(file)
    assert {name: len(program.figures) for name, program in found.items()} == {"serve": 2, "train": 3}


def test_no_argument_and_no_path_of_the_machine_is_stored(tmp_path):
    file = tmp_path / baseline.FILE
    program, root = kept()
    baseline.update(file, "train", program)
    assert "secret" not in file.read_text()
    assert str(root) not in file.read_text()
    assert baseline.arguments_of(WORDS) != baseline.arguments_of(("train.py",))


def changed(tmp_path, change):
    file = tmp_path / baseline.FILE
    baseline.update(file, "train", kept()[0])
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    return file


def set_figure(value):
    def change(document):
        document["programs"]["train"]["figures"][1]["step"] = value

    return change


def remove(name):
    return lambda document: document["programs"]["train"].pop(name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document.update(schema="bottleneck.baseline/9"), "the schema bottleneck.baseline/9"),
        (lambda document: document.pop("schema"), "the schema None"),
        (lambda document: document.pop("programs"), "missing required field `programs`"),
        (set_figure(math.nan), "step of train is nan"),
        (set_figure(math.inf), "step of train is inf"),
        (set_figure(-1.0), "step of train is -1.0"),
        (set_figure("fast"), "Expected `float`, got `str`"),
        (remove("run_phases"), "missing required field `run_phases`"),
        (lambda document: document["programs"]["train"].update(run_phases={}), "train has no phases"),
        (lambda document: document["programs"]["train"]["step_phases"].update(forward=math.nan), "phase forward"),
        (lambda document: document["programs"]["train"].update(figures=[]), "train has no runs"),
        (lambda document: document["programs"]["train"]["figures"][0].pop("run"), "has no figure run"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_one_line_that_names_the_file(tmp_path, change, words):
    file = changed(tmp_path, change)
    with pytest.raises(baseline.BaselineError) as error:
        baseline.read(file)
    assert words in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 10_000, "\x00", '{"schema": 1}'])
def test_what_is_no_baseline_is_one_line(tmp_path, content):
    file = tmp_path / baseline.FILE
    file.write_text(content)
    with pytest.raises(baseline.BaselineError) as error:
        baseline.read(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_baseline_that_cannot_be_read_or_written_is_one_line(tmp_path):
    with pytest.raises(baseline.BaselineError, match=r"cannot read .*: Is a directory"):
        baseline.read(tmp_path)
    with pytest.raises(baseline.BaselineError, match=r"cannot write .*: No such file"):
        baseline.update(tmp_path / "none" / "file.json", "train", kept()[0])


def test_an_unreadable_baseline_is_not_overwritten(tmp_path):
    file = tmp_path / baseline.FILE
    file.write_text("{")
    with pytest.raises(baseline.BaselineError):
        baseline.update(file, "train", kept()[0])
    assert file.read_text() == "{"


def test_a_finding_outside_the_folder_keeps_its_name_only(tmp_path):
    run = of()
    key, ranked = next(iter(run.findings.items()))
    place = replace(ranked.finding.location, file="/elsewhere/lib/loader.py")
    moved = replace(ranked, finding=replace(ranked.finding, location=place))
    program = baseline.stored([run], WORDS, "", tmp_path, {key: moved})
    assert program.findings[0].file == "loader.py"
