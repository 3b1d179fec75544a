"""A watch is a run folder: whole, flat in memory, small on disk, readable after a kill, and free of secrets."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import session
from bottleneck_profiler.addresses import public
from bottleneck_profiler.capture.servers.fetch import Page
from bottleneck_profiler.capture.servers.saver import WatchFolder
from bottleneck_profiler.capture.servers.watch import Watch
from bottleneck_profiler.recording.folder import create, summary
from bottleneck_profiler.recording.read import load

from .made import BEGAN, SECOND, URL, Clock, Triton, of_texts, vllm, watched


def test_what_was_seen_is_in_the_folder(tmp_path: Path) -> None:
    texts = [vllm(n, 2 * n, 0.5, done=10 * n, queue=1, took=2) for n in range(1, 6)]
    table = of_texts(tmp_path / "run", texts).servers
    assert table["running_requests"].tolist() == [1, 2, 3, 4, 5] and table["requests_total"][-1] == 50
    assert np.diff(table["time_ns"]).tolist() == [SECOND] * 4
    recording, diagnosis = session.analyse(tmp_path / "run")
    assert session.write(tmp_path / "run", recording, diagnosis) == []
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Servers (means of the watch)" in page and "vLLM" in page
    written = json.loads((tmp_path / "run" / "diagnosis.json").read_text())
    assert written["servers"][0]["signals"]["waiting_requests"] == 6
    assert not (tmp_path / "run" / "live").exists() and "s  watched  Nothing" in summary(tmp_path / "run")


def test_what_a_server_does_not_say_is_absent_and_not_zero(tmp_path: Path) -> None:
    table = of_texts(tmp_path, [vllm(1, 1, 0.5), "vllm:num_requests_running 3\n"]).servers
    assert np.isnan(table["waiting_requests"][1]) and "gpu_utilization_share" not in table


def test_an_address_that_fails_is_a_note_and_no_row(tmp_path: Path) -> None:
    def pages(number: int) -> dict[str, Page]:
        return {URL: Page(vllm(1, 0, 0.5)) if number % 4 else Page(problem="answers HTTP 503")}

    recording = watched(tmp_path, pages, 8)
    assert len(recording.servers["time_ns"]) == 6
    assert recording.run["notes"] == [f"{URL} answers HTTP 503 (2 of 8 looks)."]


@pytest.mark.parametrize("text", ["<html>5 errors</html>", "", "my_metric 1\n"])
def test_a_page_of_something_else_is_a_problem_of_its_address(text: str) -> None:
    look = Watch([URL], lambda _: {URL: Page(text)}, Clock()).look()
    ((url, problem),) = look.problems
    assert url == URL and problem.startswith("cannot be used: it is ") and not look.servers


def test_figures_between_two_looks() -> None:
    clock, server = Clock(), Triton(20, queue=0.05, compute=0.004, batch=2.0)
    watch = Watch([URL], lambda _: {URL: Page(server.text(2.0))}, clock)
    assert "requests_per_second" not in watch.look().servers[0].values
    clock.now_ns += 2 * SECOND
    values = watch.look().servers[0].values
    assert values["requests_per_second"] == pytest.approx(20) and values["batch_size"] == pytest.approx(2)
    assert values["queue_seconds"] == pytest.approx(0.05) and values["latency_seconds"] == pytest.approx(0.054)


def test_secrets_of_an_address_are_stored_nowhere(tmp_path: Path) -> None:
    secret = "https://user:pass-word@host:8000/metrics?token=s-e-c-r-e-t#f"
    assert public(secret) == "https://host:8000/metrics"
    recording = watched(tmp_path / "run", lambda _: {secret: Page(vllm(1, 0, 0.5))}, 3, urls=(secret,))
    session.write(tmp_path / "run", *session.analyse(tmp_path / "run"))
    assert recording.run["command"] == "watch https://host:8000/metrics"
    for file in (tmp_path / "run").rglob("*"):
        assert file.is_dir() or not any(each in file.read_bytes() for each in (b"pass-word", b"s-e-c-r-e-t"))


def test_a_watch_that_is_killed_is_a_run_up_to_its_last_part(tmp_path: Path) -> None:
    clock = Clock()
    watch = Watch([URL], lambda _: {URL: Page(vllm(1, 0, 0.5))}, clock)
    saver = WatchFolder(create(None, "watch", tmp_path), watch, clock(), BEGAN)
    for _ in range(15):
        clock.now_ns += SECOND
        saver.add(watch.look())
    recording = load(saver.run_dir)  # nobody has called end()
    assert len(recording.servers["time_ns"]) == 10 and recording.wall_seconds == 10


def test_a_day_at_a_thousand_requests_a_second(tmp_path: Path) -> None:
    """Every second a look at a page of vLLM with histograms; the second half takes no more memory than the first."""
    looks = 86_400
    clock = Clock()
    bounds = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 240]
    template = "\n".join(
        [
            "vllm:num_requests_running {r}\nvllm:num_requests_waiting {w}\nvllm:kv_cache_usage_perc {k}",
            "vllm:request_success_total {n}\nvllm:generation_tokens_total {t}",
            *(
                f'vllm:e2e_request_latency_seconds_bucket{{{{le="{bound}"}}}} {{b{at}}}'
                for at, bound in enumerate(bounds)
            ),
            "vllm:e2e_request_latency_seconds_sum {s}\nvllm:e2e_request_latency_seconds_count {n}\n",
        ]
    )
    numbers = np.random.default_rng(1)
    gauges = numbers.random((looks, 3))

    def text(number: int) -> str:
        done = 1000 * (number + 1)
        buckets = {f"b{at}": done * (at + 1) // 10 for at in range(10)}
        r, w, k = gauges[number]
        return template.format(
            r=int(90 * r), w=int(9 * w), k=k, n=done, t=done * 250, s=done * (0.9 + 0.1 * r), **buckets
        )

    step, number = 12, 0  # one look in 12 is read; the others are the rows that it would have given
    watch = Watch([URL], lambda _: {URL: Page(text(number))}, clock)
    saver = WatchFolder(create(None, "watch", tmp_path), watch, clock(), BEGAN)
    tracemalloc.start()
    used = []
    for number in range(looks):
        clock.now_ns += SECOND
        if number % step == 0:
            look = watch.look()
        else:
            for row in look.rows:
                row["time_ns"] = clock.now_ns
            look = type(look)(clock.now_ns, look.servers, [], [dict(row) for row in look.rows])
        saver.add(look)
        if number % 7200 == 7199:
            used.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    saver.end(clock())
    size = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert size < 30 << 20
    assert max(used[6:]) < 1.2 * max(used[:6]) + (1 << 20)
    recording = load(tmp_path)
    assert len(recording.servers["time_ns"]) == looks
    (server,) = session.analyse(tmp_path)[1].servers
    assert server.signals["requests_per_second"] == pytest.approx(1000, rel=0.01)
    assert server.signals["latency_p50_seconds"] == pytest.approx(5, rel=0.3)
