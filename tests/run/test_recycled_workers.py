"""Workers that replace one another: whose start-up is paid again and again, and what only looks like it."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Absent, Artifacts
from bottleneck_profiler.artifacts.run.crews import Crews
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.run.recycled_workers import RecycledWorkers
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotApplicable, NotMeasured, Outcome
from bottleneck_profiler.enrich.source.life_lines import enrich, find_life_lines
from bottleneck_profiler.recording.facts import LifeLine
from bottleneck_profiler.recording.model import RECORD_DTYPE, Frame, Recording
from helpers import bottleneck
from typed import add

from run.made_up import MS, Frames, Stood, library, recording, user

GUNICORN = "/site-packages/gunicorn/workers/"
WORKER = library("Worker.init_process", f"{GUNICORN}base.py")
FACTORY: Frames = (user(4, "create_app"), library("Worker.load_wsgi", f"{GUNICORN}base.py"), WORKER)
IDLE: Frames = (library("SyncWorker.wait", f"{GUNICORN}sync.py"), WORKER)
ANSWERS: Frames = (user(9, "score"), library("SyncWorker.handle", f"{GUNICORN}sync.py"), WORKER)
LIMIT = {"file": "/home/ada/job.py", "line": 30, "function": "serve", "option": "--max-requests", "limit": 20}
PARENT = Stood((user(40, "main"),), 0, 10_000, blocked=True)


def worker(process: int, begin: int, start: int, end: int, every_ms: int = 50) -> list[Stood]:
    """A server's worker that starts up for ``start`` ms, and then answers until ``end``."""
    return [
        Stood(FACTORY, begin, begin + start, process, every_ms=every_ms),
        Stood(ANSWERS, begin + start, end, process, every_ms=every_ms),
    ]


def one_after_another(count: int, start: int = 500, life: int = 1_000, pause: int = 0) -> list[Stood]:
    """Workers of one place, each of which begins when the one before has ended."""
    return [s for n in range(count) for s in worker(n + 1, n * (life + pause), start, n * (life + pause) + life)]


def made(*stood: Stood, limit: int = 20, answered: int = 20, queued_ms: int = 500, cores: int = 2) -> Recording:
    """``answered``: requests of each process, in the second half of its life, each after it waited ``queued_ms``."""
    run = recording(PARENT, *stood)
    run.run["machine"] = {"cores": cores}
    rows = []
    for process in sorted({each.process for each in stood}):
        lives = [each for each in stood if each.process == process]
        first, last = min(each.to_ms for each in lives), max(each.to_ms for each in lives)
        for number in range(answered):
            at = first + (last - first) * number // max(answered, 1)
            row = np.zeros(1, RECORD_DTYPE)[0]
            row["process"], row["kind"], row["t0"], row["t1"] = process, signals.REQUEST, at * MS, at * MS + MS
            row["arg"] = (1 + (queued_ms if number == 0 else 0)) << 32
            rows.append(row)
    if rows:
        run.requests = np.array(rows, RECORD_DTYPE)
    if limit:
        add(run.facts, "life_line", **{**LIMIT, "limit": limit}, pool=False)
    return run


def judge(run: Recording) -> Outcome:
    return run_all([RecycledWorkers()], Artifacts(run))["recycled-workers"]


def test_the_line_of_the_limit_is_named_and_the_time_without_a_worker_priced():
    found = judge(made(*one_after_another(9)))
    assert isinstance(found, Finding)
    assert str(found.location) == "/home/ada/job.py:30"
    said = {evidence.label: evidence.value for evidence in found.evidence}
    assert said["worker processes started"] == 9 and said["worker processes at once"] == 1
    assert said["start-up of a replaced worker"] == pytest.approx(0.5)
    assert said["CPU time of the repeated start-ups"] == pytest.approx(8 * 0.5)
    assert said["requests before a worker was replaced"] == 20 and said["limit of requests for each worker"] == 20
    assert found.gain is not None and found.gain.low <= 8 * 0.5 / 10 == pytest.approx(found.gain.share)
    assert "--max-requests" in found.fix.summary and "--preload" in found.fix.snippet


@pytest.mark.parametrize("start, kind", [(50, Fine), (100, Finding)])
def test_the_threshold_is_a_share_of_the_run(start: int, kind: type):
    """Eight times 50 ms are 4 % of 10 s; eight times 100 ms are 8 %."""
    assert isinstance(judge(made(*one_after_another(9, start), queued_ms=start)), kind)


def test_only_the_time_counts_in_which_requests_waited():
    assert isinstance(judge(made(*one_after_another(9), queued_ms=0)), Fine)
    some = judge(made(*one_after_another(9), queued_ms=200))
    assert isinstance(some, Finding) and some.gain is not None
    assert some.gain.share == pytest.approx(8 * 0.2 / 10, rel=0.05)


def test_a_successor_may_be_late_and_counts_while_requests_wait():
    """On a crowded machine, gunicorn notices after seconds that a worker has ended."""
    late = judge(made(*one_after_another(3, pause=3_000), queued_ms=3_500))
    assert isinstance(late, Finding) and late.gain is not None
    assert late.gain.share == pytest.approx(2 * 3.5 / 10, rel=0.05)


def test_one_of_two_places_is_half_of_the_capacity():
    stays = worker(10, 0, 500, 9_000)
    one, both = (
        judge(made(*stood, queued_ms=500)) for stood in (one_after_another(9), [*one_after_another(9), *stays])
    )
    assert isinstance(one, Finding) and isinstance(both, Finding) and one.gain is not None and both.gain is not None
    assert both.gain.share == pytest.approx(one.gain.share / 2)


def test_with_more_places_than_cores_only_the_cpu_time_is_priced():
    places = [
        Stood(each.frames, each.from_ms, each.to_ms, each.process + 20 * place)
        for place in range(4)
        for each in one_after_another(9)
    ]
    found = judge(made(*places, cores=8))
    crowded = judge(made(*places, cores=1))
    assert isinstance(found, Finding) and isinstance(crowded, Finding)
    assert found.gain is not None and crowded.gain is not None and "CPU time" in crowded.gain.method
    assert found.gain.share == pytest.approx(8 * 0.5 / 10)


def test_without_a_limit_every_place_has_to_be_filled_several_times():
    again = judge(made(*one_after_another(3), limit=0))
    assert isinstance(again, Finding) and again.detected_by < 1
    once = made(*one_after_another(2, start=900, life=2_000), limit=0, queued_ms=900)
    assert isinstance(judge(once), NotMeasured)
    told = diagnose(made(*one_after_another(2, start=2_000, life=3_000), limit=0, queued_ms=2_000))
    assert told.verdict == "unexplained" and "20 % of the run went to starting up" in told.headline


def test_a_limit_that_was_not_reached_is_not_the_reason():
    assert isinstance(judge(made(*one_after_another(2), limit=1000)), NotMeasured)
    assert isinstance(judge(made(*one_after_another(2), limit=40)), Finding)
    assert isinstance(judge(made(*one_after_another(2), limit=42)), NotMeasured)


HELPER: Frames = (library("_call_with_frames_removed", "<frozen importlib._bootstrap>"), user(1, "<module>", "/x/h.py"))
WATCHES = Stood((library("WatchFilesReload.should_restart", "/uvicorn/supervisors/watchfilesreload.py"),), 0, 9_000)


@pytest.mark.parametrize(
    "stood, kind",
    [
        ([*worker(1, 0, 500, 9_000), *worker(2, 0, 500, 9_000)], Fine),
        ([*worker(1, 0, 500, 4_000), *worker(2, 3_000, 500, 9_000)], Fine),
        ([Stood(HELPER, n * 900, n * 900 + 800, n + 1) for n in range(9)], NotApplicable),
        ([*one_after_another(9), WATCHES], NotApplicable),
        ([Stood((user(7, "other"),), 0, 5_000, 1)], NotApplicable),
    ],
    ids=["started once", "reloaded gracefully", "helpers", "reloader", "one child"],
)
def test_what_only_looks_like_it_is_silent(stood: list[Stood], kind: type):
    assert isinstance(judge(made(*stood)), kind)


def test_helpers_that_import_again_and_again_are_no_all_clear():
    told = diagnose(made(*(Stood(HELPER, n * 900, n * 900 + 800, n + 1) for n in range(9)), answered=0, limit=0))
    assert told.verdict == "unexplained" and "started 9 processes, at most 1 at once" in told.headline


POOL = "/lib/python3.11/multiprocessing/pool.py"
FORKED = user(50, "<module>")  # what the fork brought along


def in_pool(line: int, *inner: object) -> Frames:
    return (*inner, Frame("worker", POOL, line, False), FORKED)  # type: ignore[return-value]


def tasks(count: int, every_ms: int = 1_000) -> list[Stood]:
    """Processes of a pool that do one task each: 400 ms of the initializer, 100 ms of waiting, 500 ms of the task."""
    return [
        s
        for n, at in enumerate(range(0, count * every_ms, every_ms), 1)
        for s in (
            Stood(in_pool(109, user(4, "prepare")), at, at + 400, n),
            Stood(in_pool(114, library("get", "/multiprocessing/queues.py")), at + 400, at + 500, n),
            Stood(in_pool(125, user(8, "task")), at + 500, at + 1_000, n),
        )
    ]


def test_the_initializer_of_a_pool_is_told_from_its_tasks():
    run = made(*tasks(9), limit=0, answered=0)
    crew = Artifacts(run).get(Crews).crews[0]
    assert crew.kind == "pool" and crew.start_seconds == pytest.approx(0.4) and crew.tasks is None
    assert isinstance(judge(run), NotMeasured)  # pools that the program makes again and again look the same
    add(run.facts, "life_line", **{**LIMIT, "option": "maxtasksperchild", "limit": 1}, pool=True)
    found = judge(run)
    assert isinstance(found, Finding) and found.gain is not None
    assert found.gain.share == pytest.approx(8 * 0.4 / 10) and "maxtasksperchild" in found.fix.summary


def test_pools_that_are_made_later_replace_nothing():
    run = made(*tasks(2, every_ms=3_500), limit=0, answered=0)
    add(run.facts, "life_line", **{**LIMIT, "option": "maxtasksperchild", "limit": 1}, pool=True)
    assert isinstance(judge(run), Fine)


def test_a_fork_of_which_only_the_start_is_known_has_no_priced_gap():
    run = made(*tasks(3), limit=0, answered=0)
    run.stacks = run.stacks[run.stacks["process"] != 2]
    run.facts.processes[2].bye_ns = 0
    crew = Artifacts(run).get(Crews).crews[0]
    assert len(crew.processes) == 3 and [each.process for each in crew.replaced] == [3]
    assert crew.lost_seconds == pytest.approx(0.4)  # the second one may have worked until then


def test_one_process_has_no_crew():
    with pytest.raises(Absent):
        Artifacts(recording(PARENT)).get(Crews)


@pytest.mark.parametrize(
    "source, found",
    [
        ('run(["gunicorn", "a:b", "--max-requests", "30", "--max-requests-jitter", "5"])', ("--max-requests", 30)),
        ('run(("gunicorn", "--max-requests=30"))', ("--max-requests", 30)),
        ('run("uvicorn a:b --limit-max-requests 30", shell=True)', ("--limit-max-requests", 30)),
        ('MOST = 30\nrun(["gunicorn", "--max-requests", str(MOST)])', ("--max-requests", 30)),
        ('uvicorn.run("a:b", workers=2, limit_max_requests=30)', ("limit_max_requests", 30)),
        ('Application(app, {"workers": 2, "max_requests": 30})', ("max_requests", 30)),
        ("Pool(4, maxtasksperchild=1)", ("maxtasksperchild", 1)),
        ("multiprocessing.Pool(4, prepare, (), 1)", ("maxtasksperchild", 1)),
        ("ProcessPoolExecutor(4, max_tasks_per_child=1)", ("max_tasks_per_child", 1)),
        ("Pool(4, maxtasksperchild=None)", None),
        ("Pool(4, maxtasksperchild=most)", None),
        ('run(["gunicorn", "--max-requests", "0"])', None),
        ('run(["gunicorn", "--max-requests-jitter", "5"])', None),
        ("max_requests = 30", None),
    ],
)
def test_the_lines_that_set_a_limit(source: str, found: tuple[str, int] | None):
    lines = find_life_lines(ast.parse(source))
    assert [each[2:] for each in lines] == ([] if found is None else [found])
    assert all(line == len(source.splitlines()) for line, *_ in lines)


def test_the_configuration_file_and_the_command_are_read_too(tmp_path: Path):
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\nmax_requests = 30\n")
    run = recording(PARENT, *one_after_another(2))
    run.run.update(cwd=str(tmp_path), command="gunicorn app:app --max-requests 50")
    enrich(tmp_path, run)
    found = [(fact.line, fact.limit) for _, fact in run.facts.of(LifeLine)]
    assert found == [(2, 30), (0, 50)]
    alone = recording(PARENT)
    alone.run.update(cwd=str(tmp_path))
    enrich(tmp_path, alone)
    assert not alone.facts.of(LifeLine)


POOLED = """\
import multiprocessing

def prepare():
    global TABLE
    TABLE = [sum(i * i % 7 for i in range(100)) for _ in range(20_000)]

def task(n):
    return TABLE[n]

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1, prepare, (), 1) as pool:
        print(sum(pool.map(task, range(6), chunksize=1)))
"""


def test_a_pool_of_one_task_for_each_process(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(POOLED)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0 and ran.found[:1] == ["recycled-workers"], ran.err
    finding = ran.diagnosis["findings"][0]
    assert finding["location"]["line"] == 11 and finding["stage"] == "machine"
