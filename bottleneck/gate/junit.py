"""A check as JUnit XML, which GitLab, Jenkins and others show: one test case for each condition."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

from ..exporters.support.words import visible
from ..files import write_text
from .model import Condition, Outcome, Report

#: What JUnit calls each outcome. "Cannot tell" is neither passed nor failed.
_ELEMENTS: dict[Outcome, str] = {"fail": "failure", "not comparable": "error", "cannot tell": "skipped"}


def write(file: Path, report: Report) -> None:
    """Write the file. Raises OSError."""
    write_text(file, render(report))


def render(report: Report) -> str:
    """The document."""
    outcomes = [condition.outcome for condition in report.conditions]
    counts = {
        "tests": len(outcomes),
        "failures": outcomes.count("fail"),
        "errors": outcomes.count("not comparable"),
        "skipped": outcomes.count("cannot tell"),
    }
    numbers = {name: str(count) for name, count in counts.items()}
    root = Xml.Element("testsuites", {"name": "bottleneck check", **numbers})
    suite = Xml.SubElement(root, "testsuite", {"name": f"bottleneck check {visible(report.program)}", **numbers})
    for condition in report.conditions:
        _case(suite, report, condition)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _case(suite: Xml.Element, report: Report, condition: Condition) -> None:
    named = {"classname": visible(report.program), "name": visible(condition.name)}
    case = Xml.SubElement(suite, "testcase", named)
    sentence = visible(condition.sentence)
    element = _ELEMENTS.get(condition.outcome)
    if element is not None:
        told = Xml.SubElement(case, element, {"message": sentence})
        if element != "skipped":
            told.set("type", condition.outcome)
            told.text = f"{sentence}\n{visible(report.versions)}"
    else:
        Xml.SubElement(case, "system-out").text = sentence
