"""Titles and labels of evidence make sense alone: in JSON nothing stands beside them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from artifacts.recorded import golden
from bottleneck_profiler import detectors
from bottleneck_profiler.diagnosis.analysis import diagnose

FOLDER = Path(detectors.__file__).parent
GOLDENS = Path(__file__).resolve().parent.parent / "goldens"
#: What points at something said before, and what waits for something to follow.
_FIRST = re.compile(r"(of|its|it|their|that|which|these|this|those|also|each of|one of)\b", re.IGNORECASE)
_LAST = re.compile(r"\b(of|on|in|at|by|to|for|from|with|over|under|than|then|when|meanwhile|now)$", re.IGNORECASE)


def stands_alone(text: str) -> bool:
    return bool(text) and not _FIRST.match(text) and not _LAST.search(text)


def _written(path: Path) -> Iterator[tuple[int, str]]:
    """The line and text of every label and title in a source file; of an f-string the text with its gaps as X."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Evidence":
            found = [node.args[0]] if node.args else []
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "title":
            found = [node.value]
        else:
            found = [keyword.value for keyword in getattr(node, "keywords", []) if keyword.arg in ("label", "title")]
        for value in found:
            for text in _texts(value):
                yield node.lineno, text


def _texts(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Constant):
        return [value.value] if isinstance(value.value, str) else []
    if isinstance(value, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in value.values)]
    return [
        text for part in (getattr(value, "body", None), getattr(value, "orelse", None)) if part for text in _texts(part)
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_labels_and_titles_in_the_source_stand_alone(path: Path) -> None:
    assert [(line, text) for line, text in _written(path) if not stands_alone(text)] == []


@pytest.mark.parametrize("name", sorted(path.parent.name for path in GOLDENS.glob("*/fires.tar.gz")))
def test_evidence_of_recorded_runs_stands_alone(name: str) -> None:
    diagnosis = diagnose(golden(f"{name}/fires"))
    for ranked in (*diagnosis.findings, *diagnosis.also_noticed):
        labels = [evidence.label for evidence in ranked.finding.evidence]
        assert [label for label in (ranked.finding.title, *labels) if not stands_alone(label)] == []
        assert len(set(labels)) == len(labels)
        assert not ranked.finding.after or "bottleneck" in ranked.finding.after
    metrics = [row.reason for row in diagnosis.checked if row.outcome == "fine"]
    assert [metric for metric in metrics if metric and not stands_alone(metric.partition(":")[0])] == []


@pytest.mark.parametrize(
    "text", ["of which imports", "its size", "received at", "That takes", "which one", "idle meanwhile"]
)
def test_the_rule_refuses_what_leans_on_a_neighbour(text: str) -> None:
    assert not stands_alone(text)
