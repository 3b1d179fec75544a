"""Each cause fires on a watched server that has it, and what only looks like it stays silent."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import replace
from pathlib import Path

import pytest
from bottleneck_profiler.capture.servers.fetch import Page
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured

from .made import LOAD, URL, Triton, found, judged, of_texts, outcome, page, vllm, watched

LOOKS = 40


def steady(running: float, waiting: float, cache: float, queue: float, took: float, per_look: float = 10.0,
           preempted: float = 0.0) -> list[str]:  # fmt: skip
    return [vllm(running, waiting, cache, n * per_look, queue, took, n * preempted) for n in range(LOOKS)]


SATURATED = steady(8, 20, 0.5, queue=5.0, took=7.0)
FULL = steady(13, 38, 0.96, queue=198.0, took=266.0, preempted=0.05)


def test_a_saturated_server(tmp_path: Path) -> None:
    recording = of_texts(tmp_path, SATURATED)
    finding = outcome(recording, "saturation")
    assert isinstance(finding, Finding) and finding.gain is not None and finding.gain.basis == "p99"
    assert finding.gain.share == 0.5 and finding.gain.high == pytest.approx(5 / 7)
    assert "4 hold all the requests" in finding.fix.summary  # (8 + 20) / 8
    assert found(recording) == ["saturation"]


def test_a_server_that_finishes_nothing_while_requests_wait(tmp_path: Path) -> None:
    """Generations of minutes: no request ends while it is watched, but the queue is there to see."""
    assert isinstance(outcome(of_texts(tmp_path, [vllm(8, 20, 0.5)] * LOOKS), "saturation"), Finding)


@pytest.mark.parametrize(
    "texts",
    [
        steady(8, 0, 0.5, queue=0.01, took=7.0),  # busy, and nobody waits
        steady(2, 0.4, 0.99, queue=0.2, took=7.0),  # a full cache that is only well used
        steady(20, 8, 0.5, queue=2.0, took=7.0),  # some wait, for less than half of their time
        [vllm(8, 200 if n % 20 == 3 else 0, 0.5, n * 10.0, 5.0, 7.0) for n in range(LOOKS)],  # a burst that ends
        steady(0, 0, 0.0, queue=0.0, took=1.0, per_look=2.0),
    ],
)
def test_healthy_servers_are_quiet(tmp_path: Path, texts: list[str]) -> None:
    recording = of_texts(tmp_path, texts)
    assert isinstance(outcome(recording, "saturation"), Fine) and judged(recording).verdict == "fine"


def test_a_full_cache_is_the_cause_of_the_queue(tmp_path: Path) -> None:
    recording = of_texts(tmp_path, FULL)
    finding = outcome(recording, "kv-cache-pressure")
    assert isinstance(finding, Finding) and "--kv-cache-dtype" in finding.fix.snippet
    (only,) = judged(recording).findings
    assert only.finding.detector == "kv-cache-pressure" and only.explains == ("saturation",)


@pytest.mark.parametrize("text", [vllm(13, 0, 0.97), vllm(13, 38, 0.5), vllm(13, 38, 0.92)])
def test_a_cache_that_is_no_limit(tmp_path: Path, text: str) -> None:
    assert isinstance(outcome(of_texts(tmp_path, [text] * LOOKS), "kv-cache-pressure"), Fine)


WINDOW = Triton(20, queue=0.05, compute=0.004)
ONE_BY_ONE = Triton(90, queue=0.08, compute=0.0109)


def test_a_window_in_which_nobody_comes(tmp_path: Path) -> None:
    recording = WINDOW.watched(tmp_path)
    finding = outcome(recording, "batch-window")
    assert isinstance(finding, Finding) and finding.gain is not None
    assert finding.gain.share == pytest.approx((0.05 - 0.004 * 0.08 / 0.92) / 0.054, rel=1e-3)
    assert "max_queue_delay" in finding.fix.snippet and found(recording) == ["batch-window"]


@pytest.mark.parametrize(
    "server",
    [
        replace(WINDOW, queue=0.001),  # no window
        replace(WINDOW, per_second=200),  # the model is busy: requests wait for it
        replace(WINDOW, batch=3.0),  # the window collects something
        replace(WINDOW, bursts=True),  # requests wait behind those that came with them
        replace(WINDOW, queue=0.0005, compute=0.001, per_second=450),  # chance makes requests wait at this load
    ],
)
def test_what_only_looks_like_a_window(tmp_path: Path, server: Triton) -> None:
    assert isinstance(outcome(server.watched(tmp_path), "batch-window"), Fine)


def test_a_model_that_is_called_for_one_request_at_a_time(tmp_path: Path) -> None:
    recording = ONE_BY_ONE.watched(tmp_path)
    finding = outcome(recording, "no-batching")
    assert isinstance(finding, Finding) and "dynamic_batching" in finding.fix.snippet and "8" in finding.fix.summary
    assert finding.gain is not None and finding.gain.ceiling and finding.gain.basis == "capacity"
    assert found(recording) == ["no-batching"]


@pytest.mark.parametrize(
    "server",
    [
        replace(ONE_BY_ONE, batch=4.0),  # it batches
        replace(ONE_BY_ONE, per_second=10, queue=0.0),  # one request at a time is all there is
        replace(ONE_BY_ONE, compute=0.001),  # the model is a small part
    ],
)
def test_what_only_looks_like_no_batching(tmp_path: Path, server: Triton) -> None:
    assert isinstance(outcome(server.watched(tmp_path), "no-batching"), Fine)


def test_a_busy_model_with_a_queue_is_at_its_limit(tmp_path: Path) -> None:
    """0.96 of the time busy, in batches: 43 % of a request's time is waiting."""
    assert isinstance(outcome(Triton(400, 0.010, 0.012, batch=5).watched(tmp_path), "saturation"), Finding)


def gpu(share: float) -> str:
    name = "DCGM_FI_DEV_GPU_UTIL"
    return f'{name}{{gpu="0",Hostname="h"}} {100 * share}\n{name}{{gpu="1",Hostname="h"}} 100\n'


def test_an_idle_accelerator_costs_its_price(tmp_path: Path) -> None:
    recording = of_texts(tmp_path, [gpu(0.2)] * LOOKS)
    assert isinstance(outcome(recording, "idle-accelerator"), NotMeasured)
    noticed = outcome(recording, "idle-accelerator", price_per_hour=10.0)
    assert isinstance(noticed, Finding) and noticed.hint
    assert {each.label: each.value for each in noticed.evidence}["cost of idling per hour of this run"] == 8.0


def test_a_busy_accelerator(tmp_path: Path) -> None:
    recording = of_texts(tmp_path, [gpu(0.95)] * LOOKS)
    assert isinstance(outcome(recording, "idle-accelerator", price_per_hour=10.0), Fine)


# --- what is missing is no "fine" ---
ALL = ("saturation", "kv-cache-pressure", "batch-window", "no-batching")


@pytest.mark.parametrize(
    "name", ["vllm_metrics.txt", "torchserve_metrics.txt", "sglang_gemma2_9b_production_metrics.txt"]
)
def test_one_real_page_is_no_all_clear(tmp_path: Path, name: str) -> None:
    recording = of_texts(tmp_path, [page(name)])
    assert all(isinstance(outcome(recording, each), NotMeasured) for each in ALL)
    diagnosis = judged(recording)
    assert diagnosis.verdict == "nothing to judge" and not diagnosis.findings


def test_why_a_page_cannot_be_judged_is_said(tmp_path: Path) -> None:
    headline = judged(of_texts(tmp_path / "a", [page("sglang_gemma2_9b_production_metrics.txt")])).headline
    assert "waited for 35 % of their time" in headline
    headline = judged(of_texts(tmp_path / "b", [page("torchserve_metrics.txt")])).headline
    assert "67 % of the requests" in headline
    headline = judged(of_texts(tmp_path / "c", [page("vllm_metrics.txt")])).headline
    assert "only 1 requests" in headline.lower()


def test_a_page_of_totals_that_queued_most_of_the_time(tmp_path: Path) -> None:
    text = vllm(0, 0, 0, done=2000, queue=8.0, took=10.0)
    assert isinstance(outcome(of_texts(tmp_path, [text]), "saturation"), Finding)


@pytest.mark.parametrize(
    "texts",
    [
        ["vllm:num_requests_running 3\n"] * LOOKS,  # neither queue nor latency
        [vllm(8, 20, 0.97)] * 3,  # too few looks
        ["nv_inference_request_success 1\n"] * LOOKS,
        [Triton(20, 0.05, 0.004).text(1.0)] * LOOKS,  # no requests while it was watched
    ],
)
def test_too_little_is_not_measured(tmp_path: Path, texts: list[str]) -> None:
    recording = of_texts(tmp_path, texts)
    assert not [each for each in ALL if isinstance(outcome(recording, each), Finding)]
    assert isinstance(outcome(recording, "saturation"), NotMeasured) and judged(recording).verdict == "nothing to judge"


def test_times_of_failures_say_nothing(tmp_path: Path) -> None:
    recording = replace(ONE_BY_ONE, failed=0.5).watched(tmp_path)
    assert all(isinstance(outcome(recording, each), NotMeasured) for each in ALL)


def test_nothing_is_said_of_runs_without_a_watch(tmp_path: Path) -> None:
    recording = of_texts(tmp_path, [])
    assert all(isinstance(outcome(recording, each), NotApplicable) for each in ALL)


# --- the truth of real servers ---
def vllm_at_four_clients() -> list[str]:
    """Pages of vLLM 0.19 on B200 every second, from the table that its project sampled: unsaturated."""
    table = gzip.decompress((LOAD / "series" / "vllm_bs4_metrics.csv.gz").read_bytes()).decode()
    rows = csv.DictReader(io.StringIO(table))
    return [
        f"vllm:num_requests_running {row['num_requests_running']}\n"
        f"vllm:num_requests_waiting {row['num_requests_waiting']}\n"
        f"vllm:kv_cache_usage_perc {float(row['kv_cache_usage_pct']) / 100}\n"
        f"vllm:generation_tokens_total {row['generation_tokens_total']}\n"
        f"vllm:num_preemptions_total {row['num_preemptions_total']}\n"
        f"vllm:request_success_total {row['request_success_total']}\n"
        for row in rows
    ]


def test_vllm_at_four_clients_is_quiet(tmp_path: Path) -> None:
    recording = of_texts(tmp_path, vllm_at_four_clients())
    diagnosis = judged(recording)
    assert diagnosis.verdict == "fine" and not diagnosis.findings
    (server,) = diagnosis.servers
    assert server.signals["kv_cache_share"] == pytest.approx(0.13, abs=0.01) and server.signals["requests"] == 125
    assert server.signals["output_tokens_per_second"] == pytest.approx(379061 / 1846, rel=0.02)


def test_of_several_servers_the_sick_one_is_named(tmp_path: Path) -> None:
    other = "http://other:8000/metrics"
    healthy = steady(8, 0, 0.5, queue=0.01, took=7.0)
    recording = watched(
        tmp_path, lambda n: {URL: Page(healthy[n]), other: Page(SATURATED[n])}, LOOKS, urls=(URL, other)
    )
    finding = outcome(recording, "saturation")
    assert isinstance(finding, Finding) and other in str(finding.evidence[0].value)
