"""A load test's result in the reports of the server's run."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from bottleneck_profiler.diagnosis.findings import Location
from bottleneck_profiler.diagnosis.load_tests import After, Behind, LoadTested, Percentile, Range, Resource
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.exporters import html, terminal
from bottleneck_profiler.exporters.json import dumps, from_json
from bottleneck_profiler.exporters.support import load_words
from bottleneck_profiler.load.knee import Knee
from bottleneck_profiler.load.requests import requests
from bottleneck_profiler.load.run import Plan, Result
from bottleneck_profiler.load.samples import DTYPE, OK
from bottleneck_profiler.load.schedule import soak
from bottleneck_profiler.load.summary import summary
from bottleneck_profiler.load.target import Target
from bottleneck_profiler.prices import Prices
from bottleneck_profiler.recording import kept
from bottleneck_profiler.session import Asked, analyse
from exporters.test_json import schema
from goldens.regenerate import unpack
from rich.console import Console

GOLDENS = Path(__file__).resolve().parent.parent / "goldens"
TARGET = Target("http://localhost:8000/predict?key=secret", "http", "localhost", 8000, ("127.0.0.1",))
LOCK = Resource("the lock lock", 1.0, 0.94, 192.0, "/app/serve.py", 17, "root", 39)
BEHIND = Behind(181.0, LOCK, None, Location("/app/serve.py", 10, "upstream"), 9.6, "")
AFTER = After(
    "threads-wait-for-a-lock",
    192.0,
    Range(480.0, 400.0, 560.0),
    (Percentile(100.0, 0.25, Range(0.12, 0.1, 0.15)), Percentile(181.0, 0.4, None)),
)


def of(count: int = 1000, each: float = 0.02, slo: float | None = 0.2, knee: Knee | None = None) -> LoadTested:
    """What is said of so many requests at 100 per second, which take so long each."""
    rows = np.zeros(count, DTYPE)
    rows["planned"] = 10**12 + np.arange(count) * 10**7
    rows["sent"], rows["end"] = rows["planned"], rows["planned"] + int(each * 1e9)
    rows["status"], rows["outcome"], rows["rate"] = 200, OK, 100.0
    plan = Plan((TARGET,), requests(None, ()), () if knee else soak(100, 10), slo_seconds=slo, find_knee=bool(knee))
    found = Result(rows, summary(rows, slo), knee=knee, behind=BEHIND).tested(plan)
    assert found is not None
    return found


def test_an_objective_that_is_met_and_one_that_is_missed() -> None:
    met = of()
    assert (met.met, met.why, met.knee, met.url) == (True, "", None, "http://localhost:8000/predict")
    assert load_words.verdict(met) == "Objective met: p99 <= 200.0 ms."
    (level,) = met.levels
    assert (level.asked_per_second, level.requests, level.failures, level.knee) == (100.0, 1000, 0, False)
    assert level.latency["p50"] == pytest.approx(0.02) and level.per_second == pytest.approx(100, rel=0.01)
    assert load_words.verdict(of(each=0.3)) == "Objective missed: p99 <= 200.0 ms."


def test_nothing_is_said_of_too_few_requests_or_without_an_objective() -> None:
    few = of(count=100)
    assert few.met is None and load_words.verdict(few).startswith("No verdict: 100 requests are too few")
    assert of(slo=None).met is None and load_words.verdict(of(slo=None)) == ""


def test_a_knee_that_was_found_and_one_that_was_not() -> None:
    found = of(knee=Knee(181.0, 170.0, 190.0))
    assert (found.met, found.knee, found.levels[0].asked_per_second) == (True, 181.0, 181.0)
    assert load_words.verdict(found) == "Knee: 181 requests/s keep p99 <= 200.0 ms (90 % interval 170 to 190)."
    none = of(knee=Knee(why="no rate meets the objective"))
    assert (none.met, none.knee) == (None, None)
    assert load_words.verdict(none) == "Knee: no rate meets the objective."
    fast = of(knee=Knee(500.0, why="the objective is met at the highest rate, 500/s", at_least=True))
    assert fast.knee is None and load_words.verdict(fast).startswith("Knee: the objective is met at the highest rate")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return unpack(GOLDENS / "synchronous-serving/fires.tar.gz", tmp_path / "run")


def text_of(diagnosis: Diagnosis) -> str:
    out = io.StringIO()
    terminal.render(diagnosis, Console(file=out, width=2000, color_system=None))
    return out.getvalue()


def test_every_report_of_the_run_shows_it(run: Path) -> None:
    assert "bottleneck load" not in text_of(analyse(run)[1])
    kept.add(run, kept.LOAD_TESTS, asdict(replace(of(knee=Knee(181.0, 170.0, 190.0)), after=AFTER)))
    diagnosis = analyse(run)[1]
    text, page = text_of(diagnosis), html.render(diagnosis, scripted=False)
    for said in (
        "`bottleneck load` of http://localhost:8000/predict",
        "181 per second (knee)",
        "Knee: 181 requests/s keep p99 <= 200.0 ms (90 % interval 170 to 190).",
        "The lock lock sets the capacity: /app/serve.py:17 (root).",
        "94% used at 181 requests/s: all used at about 192/s (39 samples).",
        "Most time is spent in /app/serve.py:10 (upstream), where 9.6 requests are at once; it limits nothing yet.",
        "Once threads-wait-for-a-lock is fixed: about 480 requests/s (400 to 560), now 192.",
        "p99 at 100/s: about 120.0 ms (100.0 ms to 150.0 ms), now 250.0 ms.",
    ):
        assert said in text and said.replace("<", "&lt;") in page
    assert "secret" not in text + page
    document = json.loads(dumps(diagnosis))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert from_json(document).load_tests == diagnosis.load_tests


def test_a_thousand_requests_at_the_knee_by_hand(run: Path) -> None:
    kept.add(run, kept.LOAD_TESTS, asdict(of()))
    kept.add(run, kept.LOAD_TESTS, asdict(of(knee=Knee(50.0, 45.0, 55.0))))
    cost = analyse(run, Asked(Prices(machine=3.60, currency="$")))[1].cost
    assert cost is not None
    # 3.60 per hour are 0.001 per second, and 1,000 requests take 20 s.
    knee = [each for each in cost.requests if each.at == "knee"]
    assert [(each.requests_per_second, each.per_1000_requests) for each in knee] == [(50.0, pytest.approx(0.020))]


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", '[{"url": "x"}]', '[{"url": 1, "method": "GET", "levels": 2}]'])
def test_a_damaged_file_costs_nothing_else(run: Path, text: str) -> None:
    (run / kept.LOAD_TESTS).write_text(text)
    assert analyse(run)[1].load_tests == ()
    kept.add(run, kept.LOAD_TESTS, asdict(of()))
    assert [test.met for test in analyse(run)[1].load_tests] == [True]


def test_what_is_shown_is_harmless(run: Path) -> None:
    evil = replace(of(), url="http://x/\x1b[31m<script>", behind=replace(BEHIND, limit=replace(LOCK, name="\x1b[2J")))
    kept.add(run, kept.LOAD_TESTS, asdict(evil))
    diagnosis = analyse(run)[1]
    assert "\x1b" not in text_of(diagnosis) and "http://x/" in text_of(diagnosis)
    assert "<script>" not in html.render(diagnosis, scripted=False)
