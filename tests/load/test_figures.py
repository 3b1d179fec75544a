"""Schedules, requests, figures and verdicts, without a server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler.load import LoadError
from bottleneck_profiler.load.requests import requests
from bottleneck_profiler.load.samples import DTYPE, OK, TIMEOUT, UNSENT, Samples
from bottleneck_profiler.load.schedule import arrivals, soak, spike, steps
from bottleneck_profiler.load.streams import TokenCounter
from bottleneck_profiler.load.summary import LEAST_FOR_P99, latencies, storm, summary
from bottleneck_profiler.load.target import target
from bottleneck_profiler.load.versus import interleaved, versus
from hypothesis import given
from hypothesis import strategies as st


def samples(seconds: np.ndarray, lag: float = 0.0, rate: float = 100.0) -> Samples:
    rows = np.zeros(len(seconds), DTYPE)
    rows["planned"] = 10**12 + np.arange(len(seconds)) * int(1e9 / rate)
    rows["sent"] = rows["planned"] + int(lag * 1e9)
    rows["end"] = rows["planned"] + (seconds * 1e9).astype("i8")
    rows["status"], rows["outcome"], rows["rate"] = 200, OK, rate
    return rows


@given(st.floats(1, 500), st.floats(0.5, 20), st.integers(0, 9), st.booleans())
def test_planned_times_ascend_within_the_test(rate: float, seconds: float, seed: int, poisson: bool) -> None:
    times, rates = arrivals(soak(rate, seconds), seed, poisson)
    assert len(times) == len(rates) and (np.diff(times) >= 0).all()
    assert not len(times) or (times[0] >= 0 and times[-1] < seconds)
    assert poisson or abs(len(times) - rate * seconds) <= 1
    assert np.array_equal(times, arrivals(soak(rate, seconds), seed, poisson)[0])


def test_poisson_gaps_are_exponential() -> None:
    times, _ = arrivals(soak(1000, 60), 1)
    gaps = np.diff(times)
    assert abs(len(times) / 60_000 - 1) < 0.02
    assert abs(gaps.std() / gaps.mean() - 1) < 0.03


def test_steps_and_spikes_change_the_rate() -> None:
    times, rates = arrivals(steps([10, 100], 5), 1, poisson=False)
    assert (rates[times < 5] == 10).all() and (rates[times >= 5] == 100).all() and len(times) == 550
    times, rates = arrivals(spike(10, 100, 10), 1, poisson=False)
    assert set(rates[(times >= 4) & (times < 6)]) == {100.0} and (rates == 100).sum() == 200
    assert len(arrivals(soak(1000, 10), 1, limit=77)[0]) == 77


def test_no_p99_below_459_requests() -> None:
    few, enough = summary(samples(np.full(LEAST_FOR_P99 - 1, 0.01)), 0.02), summary(samples(np.full(459, 0.01)), 0.02)
    assert few.latency.p99 is None and few.within is None and "458 requests are too few" in few.refused
    assert enough.latency.p99 == pytest.approx(0.01) and enough.within is True and not enough.refused


def test_no_verdict_when_the_generator_is_late() -> None:
    found = summary(samples(np.full(1000, 0.01), lag=0.006), 0.02)
    assert found.within is None and "6.0 ms late" in found.refused
    assert summary(samples(np.full(1000, 0.01), lag=0.004), 0.02).within is True


def test_failures_count_against_the_objective() -> None:
    rows = samples(np.full(1000, 0.01))
    assert summary(rows, 0.02).within
    rows["status"][:20] = 500
    found = summary(rows, 0.02)
    assert found.within is False and found.failed == 20 and found.statuses == {"200": 980, "500": 20}


def test_unsent_and_timed_out_requests_are_slow() -> None:
    rows = samples(np.full(1000, 0.01))
    rows["outcome"][:30], rows["status"][:30] = TIMEOUT, 0
    rows["end"][:30] = rows["planned"][:30] + 30 * 10**9
    rows["outcome"][30:50], rows["status"][30:50], rows["sent"][30:50] = UNSENT, 0, 0
    found = summary(rows, 0.02)
    assert found.latency.p99 == pytest.approx(30, rel=0.01) and found.unsent == 20 and found.within is False
    assert len(latencies(rows)) == 1000


@given(st.integers(459, 3000), st.integers(0, 99))
def test_the_interval_holds_the_p99(count: int, seed: int) -> None:
    found = summary(samples(np.random.default_rng(seed).exponential(0.05, count))).latency
    assert found.p99 is not None and found.p99_low is not None and found.p99_low <= found.p99
    assert found.p99_high is None or found.p99 <= found.p99_high


def test_a_storm_is_a_storm_only_if_all_failed() -> None:
    rows = samples(np.full(100, 0.01))
    rows["status"] = 503
    assert storm(rows) == "all of the first 100 requests failed (HTTP 503)"
    rows["status"][5] = 200
    assert not storm(rows) and not storm(rows[:50])


def test_templates_are_filled_in_and_repeat_with_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "template.json"
    path.write_text('{"n": {{index}}, "id": "{{ uuid }}", "x": {{random}}, "y": {{random}}}')
    one, two = requests(None, [], template=path, seed=1), requests(None, [], template=path, seed=2)
    assert one.method == "POST" and ("Content-Type", "application/json") in one.headers
    assert one.maker()(7) == one.maker()(7) != two.maker()(7)
    assert (one.maker()(7) or b"").startswith(b'{"n": 7, "id": "')


def test_lists_of_bodies(tmp_path: Path) -> None:
    lines, array = tmp_path / "lines", tmp_path / "array"
    lines.write_text('{"a": 1}\n\n{"a": 2}\n')
    array.write_text('[{"a": 1}, "text"]')
    assert requests(None, [], body_list=lines).bodies == (b'{"a": 1}', b'{"a": 2}')
    assert requests(None, [], body_list=array).bodies == (b'{"a": 1}', b"text")
    lines.write_text("\n")
    with pytest.raises(LoadError, match="has no bodies"):
        requests(None, [], body_list=lines)
    with pytest.raises(LoadError, match="give one of"):
        requests(None, [], body="a", body_list=array)


@given(st.lists(st.integers(0, 60)))
def test_tokens_count_the_same_however_they_arrive(cuts: list[int]) -> None:
    text = b"event: x\ndata: a\n\ndata: b\r\n\r\ndata:\n\ndata: [DONE]\n\n"
    counter = TokenCounter.of("text/event-stream")
    assert counter is not None
    ends = sorted({min(cut, len(text)) for cut in cuts} | {len(text)})
    firsts = [counter.add(text[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
    assert counter.total == 2 and sum(firsts) == 1


def test_the_server_may_state_the_tokens() -> None:
    counter = TokenCounter.of("application/x-ndjson")
    assert counter is not None and TokenCounter.of("text/html") is None
    counter.add(b'{"t": 1}\n{"usage": {"completion_tokens": 40}}\n')
    assert counter.total == 40


def test_other_machines_need_permission() -> None:
    assert target("localhost:80/x").url == "http://localhost:80/x"
    assert target("http://[::1]:8000/").origin == "http://[::1]:8000"
    with pytest.raises(LoadError, match="another machine"):
        target("http://192.0.2.1/")
    assert target("http://192.0.2.1/", allow_remote=True).addresses == ("192.0.2.1",)


def test_versions_alternate_at_random_and_differ_only_if_they_do() -> None:
    order = interleaved(np.arange(1001.0), 3)
    assert abs(int(order.sum()) - 500) <= 1 and set(np.diff(order)) == {-1, 0, 1}
    random = np.random.default_rng(1)
    seconds = random.exponential(0.02, 4000) + 0.01
    rows = samples(seconds)
    rows["version"] = interleaved(np.arange(4000.0), 1)
    assert not versus(rows).mean.differs and versus(rows).p99.low is not None
    rows["end"] += np.where(rows["version"] == 1, 5_000_000, 0)
    found = versus(rows)
    assert found.mean.differs and found.mean.value == pytest.approx(0.035 / 0.03, rel=0.03)
    assert versus(rows[:100]).p99.low is None
