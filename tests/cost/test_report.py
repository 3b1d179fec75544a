"""What the reports say about money: in the terminal, in HTML and as JSON; without a price, nothing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from bottleneck_profiler.diagnosis.cost.model import (
    Cost,
    FewerCores,
    FindingCost,
    IdleCost,
    RequestCost,
    Size,
    SpotCost,
    StorageCost,
)
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.exporters import html, terminal
from bottleneck_profiler.exporters import json as report_json
from bottleneck_profiler.exporters.support import cost_words, units
from bottleneck_profiler.prices import ASSUMPTION
from exporters import samples
from exporters.test_json import schema
from helpers import bottleneck, finished
from rich.console import Console

GIB = float(1 << 30)
SIGNS = "$€£¥₹"
COMMAND = (sys.executable, "-m", "bottleneck_profiler.cli")


def priced(currency: str = "$", assumption: str = ASSUMPTION) -> Diagnosis:
    cost = Cost(
        per_hour=3.60, currency=currency, assumption=assumption, machines=1, run=0.0234, saved=0.0146,
        findings=(
            FindingCost("workers-zero", 0.0122, 0.0112, 0.0129, 1.87, location=f"{samples.TRAIN}:41"),
            FindingCost("no-batching", 0.0055, 0.0044, 0.0066, 0.9, capacity=True),
        ),
        idle=(IdleCost("cores", "while the steps wait for data", 9.0, 0.009), IdleCost("cores", "x", 0.1, 0.0001)),
        requests=(RequestCost("knee", 50.0, 0.02), RequestCost("this watch", None, None, 2.5)),
        spot=tuple(SpotCost(hours, 237.0, 1.02, 1.05, 0.99, 3.57, 2.39) for hours in (1.0, 4.0, 24.0)),
        storage=(StorageCost("checkpoints", 12 * GIB, 1e15, {"standard": 0.3, "archive": 0.05}),),
        smaller_per_hour=1.10,
    )  # fmt: skip
    size = Size(
        cores_have=16.0, cores_peak=3.4, cores_enough=5, memory_have=64 * GIB, memory_peak=2.1 * GIB,
        memory_enough=3 * GIB, cores_per_accelerator=6.3, cores_per_accelerator_have=16.0,
        fewer_cores=(FewerCores(4, 1.1, 0.95, 1.2, 0.034), FewerCores(5, 1.0, 0.92, 1.08, 0.031)),
    )  # fmt: skip
    return replace(samples.slow_training(), cost=cost, size=size)


def text_of(diagnosis: Diagnosis, verbose: bool = False) -> str:
    out = io.StringIO()
    terminal.render(diagnosis, Console(file=out, width=400, color_system=None), verbose)
    return out.getvalue()


def test_the_terminal_says_what_the_run_costs_and_why() -> None:
    text = text_of(priced())
    for said in (
        "cost      $0.012 of this run ($0.011–$0.013), $1.87 of each hour",
        "run       $0.023 for 23.4 s, at $3.60 per hour · an assumption: our table",
        "the fixes above save $0.015 of it, $2.25 of each hour",
        "idle      idle cores: $0.0090 while the steps wait for data",
        "$0.020 per 1,000 requests at the knee of the load test, 50 per second",
        "$2.50 per million tokens in this watch",
        "at most 3.4 of 16 cores are busy: 5 are enough, with 20 % of head-room; "
        "a step then takes 31 ms (29 ms to 33 ms)",
        "at most 2.1 GiB of 64.0 GiB of memory are in use: 3.0 GiB are enough",
        "loading keeps up with an accelerator from 6.3 cores on; it has 16",
        "a machine with that many cores and that much memory costs about $1.10 per hour",
        "on a machine that is taken away every 4 h, the run takes 2.0 % longer with a checkpoint every 3 min 57 s "
        "(5.0 % with today's interval); it pays below $3.57 per hour, and at the price given saves $2.39 of each hour",
        "12.0 GiB written as checkpoints: keeping all of it costs $0.30 (standard), $0.050 (archive) per month",
    ):
        assert said in text
    assert "every 24 h" not in text and "$0.00010" not in text


def test_capacity_is_said_to_be_capacity() -> None:
    finding = samples.workers_zero(detector="no-batching", location=None)
    assert cost_words.of_finding(priced(), finding) == (
        "$0.0055 of this run ($0.0044–$0.0066), $0.90 of each hour, for capacity that the fix would free"
    )
    assert cost_words.of_finding(priced(), replace(finding, detector="memory-creep")) == ""


def test_the_page_says_the_same() -> None:
    page = html.render(priced())
    assert "<h2>Cost</h2>" in page and "It costs $0.012 of this run" in page and "per 1,000 requests" in page
    assert "<h2>Size" not in page


def test_json_follows_the_schema_and_reads_back() -> None:
    document = json.loads(report_json.dumps(priced()))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert report_json.from_json(document) == priced()
    assert document["cost"]["findings"][0]["per_hour"] == 1.87


@pytest.mark.parametrize("name", samples.ALL)
def test_without_a_price_there_is_no_currency_sign(name: str) -> None:
    diagnosis = replace(samples.ALL[name](), size=priced().size)
    text, page = text_of(diagnosis), html.render(diagnosis, scripted=False)
    assert not set(SIGNS) & set(text) and "Cost" not in text and "<h2>Cost" not in page
    assert "5 are enough" not in text and "5 are enough" in text_of(diagnosis, verbose=True) and "<h2>Size" in page


def test_a_price_without_a_currency_has_no_sign_either() -> None:
    text = text_of(priced(currency="", assumption=""))
    assert "cost      0.012 of this run (0.011–0.013), 1.87 of each hour" in text and not set(SIGNS) & set(text)


@pytest.mark.parametrize(
    "value, text",
    [(0.0, "$0.00"), (0.000123, "$0.00012"), (0.0999, "$0.10"), (0.994, "$0.99"), (2.5, "$2.50"), (999.4, "$999.40"),
     (1234.4, "$1,234"), (float("nan"), "–")],
)  # fmt: skip
def test_amounts(value: float, text: str) -> None:
    assert units.money(value, "$") == text
    assert units.money(2.5, "CHF") == "2.50 CHF" and units.money(2.5, "") == "2.50"


def test_the_commands(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text("print(sum(range(10)))\n")
    ran = bottleneck(tmp_path, script, options=("--price-per-hour", "3.60 EUR"))
    assert ran.code == 0 and "at €3.60 per hour" in plain(ran.err) and ran.diagnosis["cost"]["currency"] == "€"
    again = report(tmp_path, ran.folder)
    assert again.returncode == 0 and json.loads((ran.folder / "diagnosis.json").read_text())["cost"] is None
    (tmp_path / "bottleneck.toml").write_text("[prices]\nper_hour = 7\n")
    assert "at 7.00 per hour" in plain(report(tmp_path, ran.folder).stdout)
    assumed = plain(report(tmp_path, ran.folder, "--price-per-hour", "auto").stdout)
    assert "at $" in assumed and plain(ASSUMPTION) in assumed


@pytest.mark.parametrize("price", ["-2.50", "cheap"])
def test_a_wrong_price_is_one_line_and_nothing_runs(tmp_path: Path, price: str) -> None:
    script = tmp_path / "work.py"
    script.write_text("open('ran', 'w')\n")
    done = finished([*COMMAND, "run", "--price-per-hour", price, script], cwd=tmp_path, text=True)
    assert done.returncode == 2 and not (tmp_path / "ran").exists()
    assert done.stderr.startswith("bottleneck: --price-per-hour: ") and done.stderr.count("\n") == 1


def report(folder: Path, run: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return finished([*COMMAND, "report", run, *words], cwd=folder, text=True)


def plain(text: str) -> str:
    """On one line, however wide the terminal is."""
    return " ".join(text.split())
