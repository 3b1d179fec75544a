"""Requests that come again: the hashes in the child, which routes can be cached, and the figures of a service."""

import random

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Artifacts, Missing
from bottleneck_profiler.artifacts.serving.repeats import Repeats
from bottleneck_profiler.collectors.support.likeness import LARGE_BYTES, ONE_IN, Likeness
from bottleneck_profiler.detectors.serving.no_response_cache import NoResponseCache
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.diagnosis.served import served_use
from bottleneck_profiler.recording.facts.serving import LruCache
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Process, Recording, Site

MS = 1_000_000
KEY = b"k" * 16
START = {"type": "http.response.start", "status": 200, "headers": []}
SCOPE = {"path": "/mood", "query_string": b"", "headers": [(b"host", b"x")]}


def like(body=(b"text",), answer=(b"good",), scope=SCOPE, start=START, key=KEY):
    found = Likeness(key)
    for part in body:
        found.ask(part)
    found.begin(scope, start)
    for part in answer:
        found.answer(part)
    return found.found()


def test_equal_requests_have_equal_hashes_however_they_are_cut():
    assert like() == like((b"te", b"xt"), (b"go", b"od"))
    (_, first), (_, second), (_, third) = like(), like((b"other",)), like(answer=(b"bad",))
    assert first >> 32 != second >> 32 and first & 0xFFFFFFFF == second & 0xFFFFFFFF
    assert first >> 32 == third >> 32 and first & 0xFFFFFFFF != third & 0xFFFFFFFF
    assert like(scope={**SCOPE, "query_string": b"a=1"})[1] >> 32 != first >> 32
    assert like(key=b"j" * 16)[1] != first  # a hash says nothing outside of its process


def test_failures_are_left_out_and_personal_answers_are_marked():
    assert like(start={**START, "status": 404}) is None
    assert like()[0] == 0
    assert like(scope={**SCOPE, "headers": [(b"authorization", b"Bearer x")]})[0] == 1
    assert like(start={**START, "headers": [(b"Set-Cookie", b"a=b")]})[0] == 1


@pytest.mark.parametrize("large", ["body", "answer"])
def test_one_in_sixteen_of_large_ones_is_kept_and_equal_ones_alike(large):
    numbers = random.Random(0)
    texts = [numbers.randbytes(LARGE_BYTES + 1) for _ in range(400)]
    parts = [{"body": (text,)} if large == "body" else {"body": (text[:9],), "answer": (text,)} for text in texts]
    found = [like(**each) for each in parts]
    assert 10 <= sum(each is not None for each in found) <= 3 * 400 / ONE_IN
    assert found == [like(**each) for each in parts]


def recording(asked, names=("POST /mood 200",), took=20, gap=30, personal=False, others=0):
    """Requests one after another; ``asked``: (what, answer) of each."""
    rows, now = [], 0
    for index, (what, answer) in enumerate(asked):
        name = index % len(names) + 1
        rows.append((signals.REQUEST, now, now + took, 1, name))
        rows.append((signals.LIKENESS, now, now + took, int(personal), what << 32 | answer))
        now += gap
    for _ in range(others):
        rows.append((signals.REQUEST, now, now + 10 * took, 1, 1))
        now += 10 * gap
    table = np.zeros(len(rows), RECORD_DTYPE)
    for row, (kind, t0, t1, flags, arg) in zip(table, rows, strict=True):
        row["kind"], row["t0"], row["t1"], row["flags"], row["arg"] = kind, t0 * MS, t1 * MS, flags, arg
    facts = Facts(
        processes=[Process(0, 100)],
        strings={(0, number): name for number, name in enumerate(names, start=1)},
        sites={(0, 9): Site("app.py", 4, "mood")},
        notes=[(0, LruCache(site=9, hits=1, misses=9)), (0, LruCache(site=9, hits=30, misses=10))],
    )
    nothing = np.zeros(0, RECORD_DTYPE)
    return Recording({}, facts, {}, nothing, nothing, nothing, table, {}, {}, 0, int(table["t1"].max()))


def test_answers_from_a_cache_are_not_computed_again():
    rows = recording(SAME)
    table = rows.requests
    for later in table[20:]:  # all but the first ten
        later["t1"] = later["t0"] + 3 * MS
    assert isinstance(Artifacts(rows).call(NoResponseCache().detect), Fine)


def judge(*arguments, **options):
    return Artifacts(recording(*arguments, **options)).call(NoResponseCache().detect)


SAME = [(number % 10, 100 + number % 10) for number in range(100)]


def test_requests_that_get_the_same_answer_again_can_be_cached():
    found = judge(SAME)
    assert isinstance(found, Finding)
    assert found.gain.basis == "capacity" and found.gain.share == pytest.approx(0.9)
    assert found.gain.low <= 0.5 and found.fix.summary.endswith("POST /mood")


@pytest.mark.parametrize(
    "asked, options",
    [
        ([(n, n) for n in range(100)], {}),
        ([(n % 10, n) for n in range(100)], {}),
        ([*SAME[:99], (9, 7)], {}),  # one answer has changed: it depends on something else
        ([(n % 10, 5) for n in range(100)], {}),  # "ok" to everything
        (SAME, {"personal": True}),
        (SAME, {"took": 200, "gap": 1}),  # all at once: no answer is there when the next request comes
        (SAME, {"others": 900}),
        (SAME, {"names": ("POST /auth.Accounts/Login 200",)}),
    ],
    ids=[
        "new",
        "new answers",
        "one new answer",
        "one answer",
        "personal",
        "at once",
        "little of the time",
        "credentials",
    ],
)
def test_healthy_services_are_left_alone(asked, options):
    assert isinstance(judge(asked, **options), Fine)


def test_unknown_is_not_fine():
    assert isinstance(judge(SAME[:40]), NotMeasured)
    rows = recording(SAME)
    rows.requests["kind"][rows.requests["kind"] == signals.LIKENESS] = signals.LAG
    with pytest.raises(Missing):  # which becomes "not measured", or "does not apply"
        Artifacts(rows).call(NoResponseCache().detect)


def test_at_once_counts_answers_that_were_there_before():
    found = Artifacts(recording([(1, 2), (1, 2), (3, 4), (1, 2)], took=50, gap=30)).get(Repeats)
    assert (found.count, found.routes[0].repeats, found.routes[0].same) == (4, 1, 1)


def test_the_figures_of_a_service():
    rows = recording(SAME * 5, names=("POST /mood 200", "GET /stream 500"))
    found = served_use(rows, Artifacts(rows))
    everything, *routes = found.routes
    assert everything.requests == 500 and everything.failures == 250
    assert everything.latency == {name: pytest.approx(0.02) for name in ("mean", "p50", "p95", "p99")}
    assert {route.route: (route.requests, sorted(route.latency)) for route in routes} == {
        "POST /mood": (250, ["mean", "p50", "p95"]),
        "GET /stream": (250, ["mean", "p50", "p95"]),
    }
    assert everything.per_second == pytest.approx(33.4, abs=0.1)
    assert found.at_once == 1.0 and found.at_once_by_law == pytest.approx(2 / 3, abs=0.01)
    assert found.repeat_share == pytest.approx(0.98) and found.batch_rows is None
    assert [(cache.function, cache.hits, cache.misses) for cache in found.caches] == [("mood", 30, 10)]
