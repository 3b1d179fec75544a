"""The figures that the benchmarks make of what they measure; nothing is run here."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def times(of: dict[str, float]) -> dict[frozenset[str], float]:
    return {frozenset(key.split()): seconds for key, seconds in of.items()}


def test_an_order_is_worth_what_its_prefixes_save(module):
    order = module("order")
    seconds = times({"": 20, "eval-heavy": 12, "residual-python": 17, "eval-heavy residual-python": 10})
    good = order.Row("reviews", ["eval-heavy", "residual-python"], [], seconds)
    assert good.worth(good.printed) == 8 + 10 and good.best == ("eval-heavy", "residual-python") and good.right
    bad = order.Row("reviews", ["residual-python", "eval-heavy"], [], seconds)
    assert bad.share_of_best == pytest.approx(13 / 18) and not bad.right
    # What is done in a quarter of the time may come first: 3 seconds saved for 4 units of effort, or 8 for one.
    quick = order.Row("reviews", bad.printed, [], seconds, {"eval-heavy": 4, "residual-python": 1})
    assert quick.worth_by_effort(quick.printed) == 3 * 4 and quick.share_by_effort == 1.0 and not quick.right
    half = order.Row("reviews", ["eval-heavy"], ["hot-logging"], seconds)
    assert half.worth(half.printed) == 8 + 8 and half.missed == ["residual-python"] and not half.right
    assert "**residual-python (not named)**" in order.lines([half])[-1]


def test_every_fault_can_be_switched_off(module):
    order = module("order")
    assert {path.stem for path in order.MULTI.glob("*.py")} == set(order.FAULTS)
    for name, faults in order.FAULTS.items():
        source = (order.MULTI / f"{name}.py").read_text()
        assert 2 <= len(faults) <= 3 and all(f'"{words[0]}"' in source for words in faults.values())


def test_accuracy_counts_what_is_planted_first_and_besides(module):
    accuracy = module("accuracy")
    rows = [
        accuracy.Row("a", "a", ["a"], [], True, "run", 0.30, 0.2, 0.4, 0.33),
        accuracy.Row("b", "b", ["x", "b"], ["y"], True, "run", 0.30, 0.2, 0.4, 0.53),
        accuracy.Row("c", "c", []),
        accuracy.Row("quiet", None, []),
        accuracy.Row("alarm", None, ["z"]),
    ]
    shown = {target.name.partition(":")[0]: target.shown for target in accuracy.targets(rows)}
    assert shown["precision"] == "0.40 (2 of 5)" and shown["recall"] == "0.67 (2 of 3)"
    assert shown["planted cause first"] == shown["right line"] == "0.33 (1 of 3)"
    assert shown["controls with a finding"] == "1 of 2" and shown["obtained gain inside the range"] == "1.00 (1 of 1)"
    assert not any(target.met for target in accuracy.targets(rows)[:5])
    page = accuracy.markdown(rows, 2)
    assert "- b: also finds x, y" in page and "- c: first finding is missing" in page and "cores" in page
