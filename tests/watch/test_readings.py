"""Signals of real pages, old and new names, counters that begin again, and histograms."""

from __future__ import annotations

import math

import pytest
from bottleneck_profiler.recording.servers.page import NotAPage
from bottleneck_profiler.recording.servers.readings import Histogram, Readings
from hypothesis import given
from hypothesis import strategies as st

from .made import page, vllm

GROWTH = st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=1, max_size=30)


def only(text: str) -> dict[str, float]:
    (row,) = Readings().read(text)
    return row.values


def test_vllm_of_two_versions_on_one_page() -> None:
    values = only(page("vllm_metrics.txt"))
    assert (values["running_requests"], values["waiting_requests"], values["kv_cache_share"]) == (0, 0, 0)
    assert values["latency_seconds_total"] == pytest.approx(0.503, abs=1e-3) and values["latency_count_total"] == 1
    assert values["first_token_seconds_total"] == pytest.approx(0.313, abs=1e-3)
    assert values["preemptions_total"] == 0 and values["output_tokens_total"] == 7


def test_old_names_of_sglang() -> None:
    values = only(page("sglang_gemma2_9b_production_metrics.txt"))
    assert values["latency_seconds_total"] / values["latency_count_total"] == pytest.approx(33.5, abs=0.05)
    assert values["queue_seconds_total"] / values["queue_count_total"] == pytest.approx(11.8, abs=0.05)
    assert values["first_token_seconds_total"] / values["first_token_count_total"] == pytest.approx(0.31, abs=0.005)
    assert values["kv_cache_share"] == 0.01 and values["running_requests"] == 0


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("vllm:num_requests_running 1\nvllm:gpu_cache_usage_perc 0.5\n", "kv_cache_share"),
        ('sglang:num_running_reqs{model_name="m"} 1\nsglang:num_queue_reqs{model_name="m"} 0.5\n', "waiting_requests"),
        ("tgi_queue_size 0.5\ntgi_batch_current_size 3\n", "waiting_requests"),
        ("te_queue_size 0.5\n", "waiting_requests"),
        ('ray_serve_deployment_request_counter_total{deployment="d"} 2\n'
         'ray_serve_deployment_queued_queries{deployment="d"} 0.5\n', "waiting_requests"),
        ('bentoml_service_request_total{service_name="s"} 3\n'
         'bentoml_service_request_in_progress{service_name="s"} 0.5\n', "running_requests"),
        ('DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",modelName="H100"} 50\n', "gpu_utilization_share"),
    ],
)  # fmt: skip
def test_names_of_each_server(text: str, signal: str) -> None:
    assert only(text)[signal] == 0.5


def test_units_of_devices() -> None:
    values = only(
        'DCGM_FI_DEV_FB_USED{gpu="0"} 100\nDCGM_FI_DEV_FB_FREE{gpu="0"} 300\nDCGM_FI_DEV_POWER_USAGE{gpu="0"} 250\n'
    )
    assert values["gpu_memory_used_bytes"] == 100 << 20 and values["gpu_memory_total_bytes"] == 400 << 20
    assert values["gpu_power_watts"] == 250 and "gpu_utilization_share" not in values  # of MIG it is absent, not zero
    busy, idle = only(page("nvidia_h100_load.metrics")), only(page("nvidia_h100_idle.metrics"))
    assert busy["gpu_utilization_share"] == 1 and busy["gpu_power_watts"] == pytest.approx(632, abs=0.1)
    assert idle["gpu_utilization_share"] == 0 and idle["gpu_power_watts"] == pytest.approx(69.85)


def test_torchserve_tells_models_apart() -> None:
    rows = {row.model: row.values for row in Readings().read(page("torchserve_metrics.txt")) if row.model}
    first = rows["linear_regression_1_1"]
    assert first["queue_seconds_total"] / first["latency_seconds_total"] == pytest.approx(0.99, abs=0.005)
    assert first["latency_count_total"] == 11 and len(rows) == 5


def test_a_machine_is_as_idle_as_its_processors() -> None:
    values = only(page("e2e-output.txt"))
    assert 0.9 < values["host_cpu_idle_seconds_total"] / values["host_cpu_seconds_total"] < 1.0


def counter(value: float, started: float | None = None) -> str:
    start = "" if started is None else f"process_start_time_seconds {started}\n"
    return f"{start}vllm:num_requests_running 0\nvllm:request_success_total {value}\n"


def test_a_counter_that_begins_again_has_grown_by_what_it_has() -> None:
    readings = Readings()
    totals = [readings.read(counter(value))[0].values["requests_total"] for value in (10, 15, 4, 6)]
    assert totals == [10, 15, 19, 21]


def test_a_restart_is_known_by_the_start_time_too() -> None:
    readings = Readings()
    totals = [
        readings.read(counter(*each))[0].values["requests_total"] for each in ((10, 1), (12, 1), (30, 2), (31, 2))
    ]
    assert totals == [10, 12, 42, 43]


def test_a_model_that_is_loaded_later_has_grown_from_nothing() -> None:
    readings = Readings()
    line = 'nv_inference_request_success{{model="{}"}} {}\n'
    readings.read(line.format("a", 5))
    rows = {row.model: row.values["requests_total"] for row in readings.read(line.format("a", 6) + line.format("b", 3))}
    assert rows == {"a": 6, "b": 3}


@given(GROWTH)
def test_resets_never_lose_or_invent_requests(growth: list[tuple[int, bool]]) -> None:
    """What is counted after a reset is seen only as far as the page has it; the truth is what all pages have shown."""
    readings, shown, truth, begun = Readings(), 0, 0, 1.0
    for more, restarts in growth:
        shown, begun = (more, begun + 1.0) if restarts else (shown + more, begun)
        truth += more
        total = readings.read(counter(shown, begun))[0].values["requests_total"]
        assert total == truth


def test_labels_that_come_and_go_do_not_fill_the_memory() -> None:
    readings = Readings()
    for number in range(60):
        text = "".join(f'vllm:request_success_total{{user="{number}-{each}"}} 1\n' for each in range(1000))
        readings.read("vllm:num_requests_running 0\n" + text)
    assert len(readings._last) <= 20_000


def histogram(*counts: int) -> str:
    bounds = ("0.1", "0.5", "1.0", "+Inf")
    rows = "".join(
        f'vllm:e2e_request_latency_seconds_bucket{{le="{b}"}} {c}\n' for b, c in zip(bounds, counts, strict=True)
    )
    return f"vllm:num_requests_running 0\n{rows}vllm:e2e_request_latency_seconds_count {counts[-1]}\n"


def test_quantiles_are_of_the_watch_alone() -> None:
    readings = Readings()
    readings.read(histogram(100, 100, 100, 100))
    readings.read(histogram(100, 200, 200, 200))
    found = readings.durations["vLLM", "", "latency"]
    assert found.quantile(0.5) == pytest.approx(0.3) and sum(found.counts.values()) == 100
    assert readings.latest["vLLM", "", "latency"].counts == found.counts
    readings.read(histogram(0, 0, 1, 2))  # it was restarted
    assert sum(readings.take()["vLLM", "", "latency"].counts.values()) == 102 and not readings.durations
    assert readings.latest["vLLM", "", "latency"].quantile(0.99) is None  # in the bucket without an upper bound


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=200), st.floats(0.01, 0.99))
def test_a_quantile_is_in_the_bucket_of_the_true_one(took: list[float], share: float) -> None:
    bounds = [0.01, 0.1, 1.0, 10.0, 100.0, math.inf]
    found = Histogram()
    found.add({bound: float(sum(each <= bound for each in took)) for bound in bounds})
    exact = sorted(took)[max(0, math.ceil(share * len(took) - 1e-9) - 1)]
    upper = next(bound for bound in bounds if exact <= bound)
    lower = max((bound for bound in bounds if bound < exact), default=0.0)
    value = found.quantile(share)
    assert value is not None and lower - 1e-9 <= value <= upper + 1e-9


@given(st.text(alphabet='vlm:_ {}="le,0123456789.+-\n', max_size=300))
def test_no_page_breaks_it(noise: str) -> None:
    readings = Readings()
    for text in (vllm(1, 2, 0.5), vllm(1, 2, 0.5) + noise, noise, vllm(2, 2, 0.5)):
        try:
            rows = readings.read(text)
        except NotAPage:
            continue
        assert all(math.isfinite(value) for row in rows for value in row.values.values())
