"""One definition of the metrics: what was not measured has no series, a run has few, live as at the end."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from artifacts.recorded import GOLDENS
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import textfile
from bottleneck_profiler.exporters.metrics import families as f
from bottleneck_profiler.exporters.metrics.page import page
from bottleneck_profiler.exporters.metrics.samples import MAX_SERIES, Sample, of_run, route_parts, tally_of, top_routes
from bottleneck_profiler.recording.tally import OTHER_ROUTES, REQUEST_BOUNDS, STEP_BOUNDS, Durations, Tally
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from .replay import PRICES, SERVING, TRAINING, between, ended, page_of, recorded, write_textfile

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
UNITS = ("seconds", "bytes", "joules", "watts", "celsius", "ratio", "info", "total", "cores", "hour")


def values(samples: list[Sample]) -> dict[tuple[str, ...], float | Durations]:
    return {(sample.family.name, *sample.labels): sample.value for sample in samples}


def test_the_page_of_a_run_is_read_back_as_it_was_written() -> None:
    samples = ended(TRAINING, PRICES)
    read = {}
    for family in text_string_to_metric_families(page_of(TRAINING, samples)):
        for sample in family.samples:
            assert sample.timestamp is None
            assert sample.labels["run"] == "starved-gpu"
            read[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    assert len(read) == sum(sample.series for sample in samples) < 200
    for sample in samples:
        labels = {"run": "starved-gpu", **dict(zip(sample.family.labels, sample.labels, strict=True))}
        key = tuple(sorted(labels.items()))
        if isinstance(sample.value, Durations):
            assert read[f"{sample.family.name}_count", key] == sample.value.count
            assert read[f"{sample.family.name}_sum", key] == pytest.approx(sample.value.seconds)
        else:
            assert read[sample.family.name, key] == sample.value


def test_what_was_not_measured_has_no_series() -> None:
    names = {sample.family.name for sample in ended(SERVING)}
    assert not [name for name in names if name.startswith("bottleneck_gpu")]
    assert f.STEP.name not in names and f.PRICE.name not in names
    bare = replace(recorded(SERVING), host={}, requests=recorded(SERVING).requests[:0])
    names = {sample.family.name for sample in of_run(bare, diagnose(bare), tally_of(bare), "x")}
    assert not names & {f.CPU.name, f.MEMORY_PEAK.name, f.IDLE_CORES.name, f.REQUEST.name, f.ROUTE_REQUESTS.name}


def test_money_is_there_with_a_price_only() -> None:
    money = {f.PRICE.name, f.RUN_COST.name, f.FINDING_COST.name}
    assert not money & {sample.family.name for sample in ended(TRAINING)}
    found, cost = values(ended(TRAINING, PRICES)), diagnose(recorded(TRAINING), Settings(PRICES)).cost
    assert cost is not None
    assert found[f.PRICE.name, "€"] == 2.5 and found[f.RUN_COST.name, "€"] == cost.run
    assert cost.run == pytest.approx(2.5 * recorded(TRAINING).wall_seconds / 3600)
    assert found[f.FINDING_COST.name, cost.findings[0].detector, "€"] == cost.findings[0].amount


def test_a_column_without_values_has_no_series() -> None:
    recording = recorded(TRAINING)
    gpu = {**recording.gpu, "power_watts": np.full(len(recording.gpu["time_ns"]), np.nan)}
    del gpu["energy_joules_total"]
    recording = replace(recording, gpu=gpu)
    names = {sample.family.name for sample in of_run(recording, diagnose(recording), tally_of(recording), "x")}
    assert f.GPU_BUSY.name in names and f.GPU_POWER.name not in names and f.GPU_ENERGY.name not in names


def test_the_figures_are_those_of_the_recording() -> None:
    recording, found = recorded(TRAINING), values(ended(TRAINING))
    steps = found[f.STEP.name,]
    assert isinstance(steps, Durations)
    diagnosis = diagnose(recording)
    assert steps.count == diagnosis.run.steps
    phases = {name[1]: value for name, value in found.items() if name[0] == f.PHASE.name}
    assert phases == pytest.approx({share.phase: share.seconds for share in diagnosis.breakdown})
    busy = found[f.GPU_BUSY.name, "0"]
    gpu = recording.gpu
    length = float(gpu["time_ns"].max() - gpu["time_ns"].min()) / 1e9
    assert busy == pytest.approx(length * float(np.nanmean(gpu["utilization"])), rel=0.1)
    after = values(ended(SERVING))
    shown = [each for each in diagnose(recorded(SERVING)).checked if not each.needs_accelerator]  # it has none
    assert after[f.CHECKS.name, "not-measured"] == sum(each.outcome == "not-measured" for each in shown)
    served = after[f.REQUEST.name,]
    assert isinstance(served, Durations) and served.count == diagnose(recorded(SERVING)).run.requests


@pytest.mark.parametrize("name", GOLDENS[::5])
def test_every_golden_has_few_series_and_only_those_of_the_table(name: str) -> None:
    samples = ended(name)
    assert sum(sample.series for sample in samples) <= MAX_SERIES
    assert {sample.family for sample in samples} <= set(f.FAMILIES)
    assert all(len(sample.labels) == len(sample.family.labels) for sample in samples)
    keys = [(sample.family.name, sample.labels) for sample in samples]
    assert len(set(keys)) == len(keys)
    assert values(samples)[f.LEFT_OUT.name,] == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 100), max_size=5), st.sampled_from([TRAINING, SERVING]))
def test_totals_of_pieces_are_those_of_the_whole(shares: list[int], name: str) -> None:
    whole, strings = recorded(name), recorded(name).facts.strings
    total, pieces, since_ns = tally_of(whole), Tally(), 0
    for share in [*sorted(shares), 200]:
        until_ns = whole.started_ns + round(whole.wall_seconds * share * 1e7)
        fresh, since_ns = between(whole, since_ns, until_ns), until_ns
        for table, add in (
            (fresh.host, pieces.add_host),
            (fresh.gpu, pieces.add_gpus),
            (fresh.steps, pieces.add_steps),
        ):
            if len(next(iter(table.values()), ())):
                add(table)
        pieces.add_requests(fresh.requests, lambda process, text: strings.get((process, text), ""))
    assert pieces.totals == total.totals and pieces.now == total.now
    assert pieces.peak_rss_bytes == total.peak_rss_bytes
    assert pieces.idle_core_seconds == pytest.approx(total.idle_core_seconds)
    assert {key: list(each.durations.counts) for key, each in pieces.loops.items()} == {
        key: list(each.durations.counts) for key, each in total.loops.items()
    }
    assert {key: list(each.counts) for key, each in pieces.requests.items()} == {
        key: list(each.counts) for key, each in total.requests.items()
    }
    for index, gpu in total.gpus.items():
        assert pieces.gpus[index].busy_seconds == pytest.approx(gpu.busy_seconds)
        assert pieces.gpus[index].joules == pytest.approx(gpu.joules)


@settings(deadline=None)
@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=50), st.sampled_from([STEP_BOUNDS, REQUEST_BOUNDS]))
def test_a_histogram_counts_each_duration_once(seconds: list[float], bounds: tuple[float, ...]) -> None:
    durations = Durations(bounds)
    durations.add(np.array(seconds))
    assert durations.count == len(seconds) and durations.seconds == pytest.approx(sum(seconds))
    below = durations.counts.cumsum()
    for at, bound in enumerate(bounds):
        assert below[at] == sum(value <= bound for value in seconds)
    assert durations.extremes == (min(seconds), max(seconds))


def test_a_row_that_stands_for_several_steps_counts_as_several() -> None:
    tally = Tally()
    rows = {"process": np.zeros(2, "i2"), "loader": np.array([-2, -2], "i4"), "t0": np.array([0, 10**9]),
            "t1": np.array([10**9, 2 * 10**9]), "estimated": np.array([0, 4], "i4"),
            "trained": np.zeros(2, bool)}  # fmt: skip
    tally.add_steps(rows)
    steps = tally.loops[0, -2].durations
    assert steps.count == 5 and steps.seconds == pytest.approx(2.0) and steps.extremes == (0.25, 1.0)


def test_beyond_the_limit_the_least_important_series_go_and_it_is_said() -> None:
    recording = recorded(SERVING)
    gpus = [{"index": index, "name": "GPU", "uuid": str(index), "driver": "1"} for index in range(32)]
    table = {name: np.tile(np.array([1.0, 2.0]), 32) for name in ("utilization", "memory_used_bytes", "power_watts")}
    table |= {"time_ns": np.tile(np.array([1, 2]), 32), "index": np.repeat(np.arange(32), 2)}
    crowded = replace(recording, gpu=table, run={**recording.run, "gpus": gpus})
    samples = of_run(crowded, diagnose(recording), tally_of(crowded), "x")
    total = sum(sample.series for sample in samples)
    assert total <= MAX_SERIES
    found = values(samples)
    assert found[f.LEFT_OUT.name,] > 0 and (f.REQUEST.name,) in found


def test_routes_beyond_ten_count_together() -> None:
    routes = {}
    for number in range(14):
        routes[f"GET /{number} 200"] = Durations(REQUEST_BOUNDS)
        routes[f"GET /{number} 200"].add(np.array([0.1 * (14 - number)]))
    top = top_routes(routes)
    assert len(top) == 11 and top[OTHER_ROUTES].count == 4
    assert top["GET /0 200"].count == 1


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("GET /p/{id} 200", ("GET", "/p/{id}", "200")),
        ("GET /a b 404", ("GET", "/a b", "404")),
        ("websocket /w", ("websocket", "/w", "")),
        ("", ("", "", "")),
        (OTHER_ROUTES, ("", OTHER_ROUTES, "")),
    ],
)
def test_parts_of_a_route(name: str, parts: tuple[str, str, str]) -> None:
    assert route_parts(name) == parts


def test_names_follow_the_conventions_and_are_each_once_in_the_table() -> None:
    names = [family.name for family in f.FAMILIES]
    assert len(set(names)) == len(names)
    own = [family for family in vars(f).values() if isinstance(family, f.Family)]
    assert {family.name for family in own} - set(names) == {f.HTTP_REQUEST.name}
    for family in own:
        assert re.fullmatch(r"bottleneck_[a-z_]+", family.name)
        assert (family.kind == "counter") == family.name.endswith("_total")
        assert family.help.endswith(".")


def test_otlp_names_come_back_as_these_by_a_collector() -> None:
    """Dots become underscores, the unit goes to the end, and a sum gets _total: what its Prometheus exporter does."""
    suffix = {"s": "_seconds", "By": "_bytes", "J": "_joules", "W": "_watts", "Cel": "_celsius", "1": "_ratio", "": ""}
    for family in f.FAMILIES:
        if not family.convention:
            total = "_total" if family.kind == "counter" else ""
            assert family.otlp_name.replace(".", "_") + suffix[family.otlp_unit] + total == family.name


def test_the_documented_table_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| `(bottleneck_\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", DOCS.read_text("utf-8"), re.M)
    wanted = []
    for family in f.FAMILIES:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        when = "while it runs" if family.now else "at the end" if family.name in AT_THE_END else "both"
        wanted.append((family.name, labels, when, family.help))
    assert [tuple(map(str.strip, row)) for row in rows] == wanted


AT_THE_END = {family.name for family in (
    f.ENDED, f.EXIT_CODE, f.VERDICT, f.FINDINGS, f.CHECKS, f.RUN_COST, f.FINDING_COST, f.GPU_IDLE, f.OVERHEAD,
    f.GAIN_SECONDS, f.GAIN_RATIO, f.GAIN_LOW, f.GAIN_HIGH,
)}  # fmt: skip


def test_the_textfile_is_whole_and_has_nothing_of_the_moment(tmp_path: Path) -> None:
    text = write_textfile(TRAINING, tmp_path).read_text()
    names = {family.name for family in text_string_to_metric_families(text)}
    assert not names & {family.name.removesuffix("_total") for family in f.FAMILIES if family.now}
    assert f.ENDED.name in names and text.endswith("\n")
    assert [path.suffix for path in tmp_path.iterdir()] == [".prom"]


def test_every_run_has_a_file_of_its_own() -> None:
    names = ["train", "train.1", "a b", "a_b", "a/b", "", "../x", "ü", "x" * 300, "x" * 301]
    files = [textfile.file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(re.fullmatch(r"bottleneck_[A-Za-z0-9._-]*\.prom", file) and len(file) < 120 for file in files)


def test_what_a_user_names_is_escaped() -> None:
    samples = [Sample(f.VERDICT, ('a"b\n\\c',), 1)]
    (family,) = text_string_to_metric_families(page('r"u\nn', samples))
    assert family.samples[0].labels == {"run": 'r"u\nn', "verdict": 'a"b\n\\c'}
