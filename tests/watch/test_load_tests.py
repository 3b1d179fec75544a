"""Results of load tests: what is in the real files, where the knee is, and one line for every damaged one."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bottleneck_profiler import session
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.serving.load_test import LoadTest
from bottleneck_profiler.cli.import_traces import command
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.importers import importer_of
from bottleneck_profiler.importers._load_tests import recording as recording_of
from bottleneck_profiler.recording.facts.servers import LoadLevel
from bottleneck_profiler.recording.folder import RunError
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from .made import LOAD, PAGES, judged, outcome

TOOLS = ("aiperf_conc1", "aiperf_conc32", "k6", "locust", "vegeta", "perf_analyzer", "llmperf")
FILES = sorted(path for tool in TOOLS for path in (LOAD / tool).iterdir())


def test_of(*paths: Path) -> LoadTest:
    recording = importer_of(paths[0]).read_many(list(paths))
    return Artifacts(recording).get(LoadTest)


test_of.__test__ = False  # type: ignore[attr-defined]


def levels(*all_of: LoadLevel) -> Any:
    return recording_of(Path("x"), "made", all_of)


def at(clients: int, per_second: float, **more: Any) -> LoadLevel:
    took = clients / per_second
    latency = more.pop("latency", {"mean": took, "p50": took, "min": took / 1.2, "p95": 1.5 * took})
    return LoadLevel(tool="made", requests=1000, clients=clients, per_second=per_second, latency=latency, **more)


# --- the truth of real files ---
def test_k6() -> None:
    test = test_of(LOAD / "k6")
    (level,) = test.levels
    assert (level.requests, level.failures, level.clients) == (856, 0, 100)
    assert level.per_second == pytest.approx(6.59, abs=0.005)
    assert level.latency["p50"] == pytest.approx(11.0, abs=0.05) and level.latency["max"] == pytest.approx(
        26.3, abs=0.05
    )
    assert level.checks_failed == pytest.approx(0.149, abs=0.001)
    finding = outcome(importer_of(LOAD / "k6").read(LOAD / "k6"), "saturation")
    assert isinstance(finding, Finding) and finding.detected_by == 0.6


def test_locust_whose_requests_failed() -> None:
    test = test_of(LOAD / "locust")
    (level,) = test.levels
    assert (level.requests, level.failures, level.clients) == (2210, 1607, 50) and len(test.routes) == 8
    assert level.latency["p50"] == 0.003 and level.latency["p99"] == 2.0
    recording = importer_of(LOAD / "locust").read(LOAD / "locust")
    diagnosis = judged(recording)
    assert diagnosis.verdict == "nothing to judge" and "73 % of the requests failed" in diagnosis.headline
    assert not [each for each in diagnosis.checked if each.outcome == "fine"]


def test_a_history_of_locust_alone() -> None:
    (level,) = test_of(LOAD / "locust" / "results_stats_history.csv").levels
    assert level.requests == 2050 and level.clients == 50 and level.latency["p50"] == 0.003


def test_vegeta() -> None:
    (level,) = test_of(LOAD / "vegeta").levels
    assert (level.requests, level.failures, level.clients) == (100, 0, None)
    assert level.asked_per_second == pytest.approx(101, abs=0.02) and level.per_second == pytest.approx(101, abs=0.02)
    assert level.latency["p50"] == pytest.approx(2.85e-3, abs=1e-5) and level.latency["p99"] == pytest.approx(3.53e-3)
    assert judged(importer_of(LOAD / "vegeta").read(LOAD / "vegeta")).verdict == "fine"


def test_perf_analyzer_has_its_knee_at_two() -> None:
    test = test_of(LOAD / "perf_analyzer")
    assert [level.clients for level in test.levels] == [1, 2, 3, 4]  # the file is sorted by throughput
    assert test.knee is not None and test.knee.clients == 2
    assert test.last.queue_seconds == pytest.approx(33.669e-3) and test.last.compute_seconds == pytest.approx(11.731e-3)
    finding = outcome(importer_of(LOAD / "perf_analyzer").read(LOAD / "perf_analyzer"), "saturation")
    assert isinstance(finding, Finding) and "several requests at once" in finding.fix.summary


def test_llmperf_is_not_saturated() -> None:
    test = test_of(LOAD / "llmperf")
    (level,) = test.levels
    assert (level.requests, level.failures, level.clients) == (150, 0, 5)
    assert level.first_token["p50"] == pytest.approx(0.222, abs=5e-4)
    assert level.first_token["p95"] == pytest.approx(0.304, abs=5e-4)
    assert level.token_gap["p50"] == pytest.approx(5.3e-3, abs=5e-5) and level.tokens_per_second == pytest.approx(
        442, abs=0.5
    )
    assert level.latency["p50"] == pytest.approx(0.81, abs=0.01)
    assert judged(importer_of(LOAD / "llmperf").read(LOAD / "llmperf")).verdict == "fine"
    (alone,) = test_of(LOAD / "llmperf" / "individual_groq_70b.json").levels
    assert alone.latency["p50"] == pytest.approx(level.latency["p50"], rel=0.01) and alone.clients is None


def test_aiperf_at_32_is_bound_by_its_cache_and_at_1_healthy() -> None:
    full, alone = LOAD / "aiperf_conc32", LOAD / "aiperf_conc1"
    (level,) = test_of(full).levels
    assert (level.requests, level.clients) == (646, 32) and level.tokens_per_second == pytest.approx(162.7, abs=0.05)
    assert level.first_token["p50"] == pytest.approx(210, abs=0.1) and level.queue_seconds == pytest.approx(
        198.2, abs=0.1
    )
    diagnosis = judged(importer_of(full).read(full))
    (ranked,) = diagnosis.findings
    assert ranked.finding.detector == "kv-cache-pressure" and ranked.explains == ("saturation",)
    values = {each.label: each.value for each in ranked.finding.evidence}
    assert values["requests preempted"] == 95 and values["mean use of the KV cache"] == pytest.approx(0.957, abs=5e-4)
    assert judged(importer_of(alone).read(alone)).verdict == "fine"
    assert [each.clients for each in test_of(full, alone).levels] == [1, 32]


def test_aiperf_without_the_servers_metrics_is_no_all_clear(tmp_path: Path) -> None:
    """Requests of 300 to 250,000 tokens: their times alone do not tell waiting from work."""
    for name in ("profile_export_aiperf.json", "profile_export_aiperf.csv"):
        shutil.copy(LOAD / "aiperf_conc32" / name, tmp_path / name)
    assert judged(importer_of(tmp_path).read(tmp_path)).verdict == "nothing to judge"
    (tmp_path / "profile_export_aiperf.json").unlink()
    (of_csv,) = test_of(tmp_path).levels
    (whole,) = test_of(LOAD / "aiperf_conc32").levels
    assert of_csv.latency == pytest.approx(whole.latency, rel=1e-4) and of_csv.requests == whole.requests


def test_the_knee_of_a_language_model_by_batch_size() -> None:
    """54 to 1,182 tokens per second at 1 to 512 at once: from 64 on, only the latency grows."""
    results = json.loads((LOAD / "series" / "llm_batch_sweep.json").read_text())["results"]
    found = [
        LoadLevel(tool="own", clients=int(size), tokens_per_second=each["tokens_per_second_in_batch"])
        for size, each in results.items()
    ]
    knee = Artifacts(levels(*found)).get(LoadTest).knee
    assert knee is not None and knee.clients in (32, 64)


# --- other shapes of the same results ---
def points(folder: Path) -> Path:
    dice = np.random.default_rng(0)
    lines = ['{"type":"Metric","data":{"name":"http_reqs","type":"counter"},"metric":"http_reqs"}']
    for number, took in enumerate(dice.exponential(20, 500) + 5):
        time = f'"time":"2024-01-01T10:00:{number / 10:09.6f}123Z"'
        for metric, value in (
            ("http_reqs", 1),
            ("http_req_duration", took),
            ("http_req_failed", int(number % 50 == 0)),
        ):
            lines.append(f'{{"type":"Point","metric":"{metric}","data":{{{time},"value":{value},"tags":{{"a":"b"}}}}}}')
    lines.append(f'{{"type":"Point","metric":"vus","data":{{{time},"value":12}}}}')
    path = folder / "k6.json.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


def test_the_points_of_k6(tmp_path: Path) -> None:
    (level,) = test_of(points(tmp_path)).levels
    assert (level.requests, level.failures, level.clients) == (500, 10, 12)
    assert level.seconds == pytest.approx(49.9) and level.latency["p50"] == pytest.approx(0.0187, rel=0.15)


def test_the_summary_export_of_k6(tmp_path: Path) -> None:
    document = json.loads((LOAD / "k6" / "k6-summary.json").read_text())
    flat = {name: metric["values"] for name, metric in document["metrics"].items()}
    (tmp_path / "a.json").write_text(json.dumps({"root_group": {"name": ""}, "metrics": flat}))
    assert test_of(tmp_path / "a.json").levels == test_of(LOAD / "k6").levels


def test_results_of_vegeta_one_by_one(tmp_path: Path) -> None:
    row = '{{"attack":"","seq":{n},"code":{code},"timestamp":"2024","latency":{ns},"bytes_in":9,"error":""}}\n'
    text = "".join(row.format(n=n, code=500 if n % 10 == 0 else 200, ns=(n + 1) * 1_000_000) for n in range(100))
    (tmp_path / "results.json").write_text(text + '{"attack":"","seq":1,"co')
    recording = importer_of(tmp_path / "results.json").read(tmp_path / "results.json")
    (level,) = Artifacts(recording).get(LoadTest).levels
    assert (level.requests, level.failures) == (100, 10) and level.latency["p50"] == pytest.approx(0.0505)
    assert recording.run["notes"] == ["results.json: 1 lines could not be read and are left out."]


# --- healthy and saturated tests that are made ---
@pytest.mark.parametrize(
    ("found", "knee"),
    [
        ([at(1, 10), at(2, 20), at(4, 39), at(8, 40), at(16, 40)], 4),
        ([at(1, 10), at(2, 10.5), at(4, 10.4)], 1),
        ([at(1, 10), at(2, 9), at(4, 36), at(8, 37)], 4),  # a dip on the way up is no knee
    ],
)
def test_where_the_knee_is(found: list[LoadLevel], knee: int) -> None:
    test = Artifacts(levels(*found)).get(LoadTest)
    assert test.knee is not None and test.knee.clients == knee
    assert isinstance(outcome(levels(*found), "saturation"), Finding)


@pytest.mark.parametrize(
    "found",
    [
        [at(1, 10), at(2, 20), at(4, 39), at(8, 70)],  # it still grows
        [at(50, 5000)],
        [at(1, 10, latency={"p50": 0.1, "min": 0.001, "p95": 0.2})],  # one client cannot queue
        [LoadLevel(tool="made", requests=1000, asked_per_second=100, per_second=99.9, latency={"p50": 1, "min": 0.1})],
    ],
)
def test_healthy_tests_are_quiet(found: list[LoadLevel]) -> None:
    assert isinstance(outcome(levels(*found), "saturation"), Fine)


@pytest.mark.parametrize(
    "level",
    [
        at(20, 50, latency={"p50": 0.4, "min": 0.01, "p95": 4.0}),  # several kinds of requests
        at(4, 50, latency={"p50": 0.4, "min": 0.01, "p95": 0.5}),  # too few clients to tell
        at(20, 50, first_token={"p50": 1.0}, input_spread=9.0),
        at(20, 50, latency={"mean": 0.4}),
        LoadLevel(tool="made", requests=30, clients=20, per_second=50, latency={"p50": 0.4, "min": 0.01, "p95": 0.5}),
        LoadLevel(tool="made", requests=1000, latency={"p50": 0.4, "min": 0.01, "p95": 0.5}),
    ],
)
def test_what_a_file_does_not_tell_is_not_measured(level: LoadLevel) -> None:
    assert isinstance(outcome(levels(level), "saturation"), NotMeasured)
    assert judged(levels(level)).verdict == "nothing to judge"


def test_a_rate_that_was_not_answered() -> None:
    level = LoadLevel(tool="made", requests=1000, asked_per_second=100, per_second=60, latency={"p50": 1, "min": 0.1})
    assert isinstance(outcome(levels(level), "saturation"), Finding)


# --- damaged and foreign files ---
def imported(*paths: Path, run_dir: Path) -> Any:
    return CliRunner().invoke(command, [*map(str, paths), "--run-dir", str(run_dir)])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.97])
def test_a_file_that_was_cut_is_a_run_or_one_line(tmp_path: Path, path: Path, share: float) -> None:
    data = path.read_bytes()
    cut = tmp_path / path.name
    cut.write_bytes(data[: int(len(data) * share)])
    done = imported(cut, run_dir=tmp_path / "run")
    if done.exit_code:
        assert done.exit_code == 2 and len(done.output.splitlines()) == 1, done.output
        assert path.name in done.output and not (tmp_path / "run").exists()
    else:
        assert (tmp_path / "run" / "run.json").is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_real_file_alone_is_a_run(tmp_path: Path, path: Path) -> None:
    done = imported(path, run_dir=tmp_path / "run")
    assert done.exit_code == 0 and "Traceback" not in done.output
    assert session.analyse(tmp_path / "run")[1].run.command == path.name


@given(st.integers(0, len(FILES) - 1), st.binary(max_size=30), st.floats(0, 1))
def test_foreign_bytes_in_a_file_break_nothing(tmp_path_factory: Any, index: int, noise: bytes, where: float) -> None:
    path, data = FILES[index], FILES[index].read_bytes()[:20_000]
    at_byte = int(len(data) * where)
    damaged = tmp_path_factory.getbasetemp() / f"damaged-{path.name}"
    damaged.write_bytes(data[:at_byte] + noise + data[at_byte + len(noise) :])
    try:
        importer_of(damaged).read(damaged)
    except RunError as error:
        assert "\n" not in str(error) and damaged.name in str(error)


@pytest.mark.parametrize(
    "text",
    ['{"metrics": 5, "http_req": 1}', '{"metrics": {"http_reqs": 3}, "iteration": 1}',
     "Type,Name,Request Count,Failure Count",
     '{"latencies": [], "bytes_in": {}, "status_codes": {}}', "Concurrency,Inferences/Second\n1,x\n",
     '{"request_latency": 1, "request_throughput": 2, "unit": ""}', '[{"ttft_s": null, "end_to_end_latency_s": null}]',
     '{"results_ttft_s_mean": "x"}', "# AIPerf Server Metrics Export (CSV)\n",
     '{"seq": 1, "code": 2, "latency": "x", "bytes_in": 1}'],
)  # fmt: skip
def test_what_only_begins_like_a_result_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    done = imported(tmp_path / "file", run_dir=tmp_path / "run")
    assert done.exit_code == 2 and len(done.output.splitlines()) == 1 and str(tmp_path / "file") in done.output


def test_two_tools_are_not_one_test(tmp_path: Path) -> None:
    done = imported(LOAD / "k6", LOAD / "vegeta", run_dir=tmp_path / "run")
    assert done.exit_code == 2 and "is no k6 result" in done.output and len(done.output.splitlines()) == 1


def test_pages_of_metrics_are_imported_too(tmp_path: Path) -> None:
    for name in ("vllm_metrics.txt", "torchserve_metrics.txt"):
        (tmp_path / name).write_bytes(gzip.decompress((PAGES / f"{name}.gz").read_bytes()))
    done = imported(tmp_path / "vllm_metrics.txt", tmp_path / "torchserve_metrics.txt", run_dir=tmp_path / "run")
    assert done.exit_code == 0 and "linear_regression_1_1" in done.output and "vLLM facebook/opt-125m" in done.output
    (tmp_path / "own.txt").write_text("# TYPE mine gauge\nmine 1\n")
    done = imported(tmp_path / "own.txt", run_dir=tmp_path / "run2")
    assert done.exit_code == 2 and "of no server that is known" in done.output


def test_no_setting_of_a_test_is_kept(tmp_path: Path) -> None:
    document = json.loads((LOAD / "aiperf_conc32" / "profile_export_aiperf.json").read_text())
    document["input_config"]["endpoint"]["api_key"] = document["input_config"]["cli_command"] = "S-E-C-R-E-T"
    (tmp_path / "profile_export_aiperf.json").write_text(json.dumps(document))
    assert imported(tmp_path / "profile_export_aiperf.json", run_dir=tmp_path / "run").exit_code == 0
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(files) > 3 and not [file for file in files if b"S-E-C-R-E-T" in file.read_bytes()]
