"""What each line of the user's holds, from made-up stacks of several processes and threads."""

from __future__ import annotations

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.artifacts import Missing
from bottleneck_profiler.artifacts.run.user_lines import UserLines

from .made_up import Stood, library, line, lines_of, numbers, recording, user

MAIN = user(9, "main")
APPLY = library("DataFrame.apply", "/site-packages/pandas/core/frame.py")
SELECT = library("BaseSelectorEventLoop.select", "/stdlib/selectors.py")
WAITS = library("Pool.map", "/stdlib/multiprocessing/pool.py")
FORK = library("BaseProcess._bootstrap", "/stdlib/multiprocessing/process.py")


def test_a_line_holds_all_that_it_calls_and_owns_what_no_deeper_line_of_the_user_does():
    lines = lines_of(Stood((APPLY, user(3), MAIN), 0, 3_000), Stood((MAIN,), 3_000, 4_000))
    outer, inner = line(lines, 9), line(lines, 3)
    assert (outer.seconds, inner.seconds) == (pytest.approx(4.0), pytest.approx(3.0))
    assert outer.own_seconds == pytest.approx(1.0)
    assert inner.own_share == pytest.approx(1.0)
    assert lines.share(inner) == pytest.approx(0.3)
    assert numbers(lines) == [9, 3]  # the largest first


def test_the_ways_of_a_line_tell_the_library_from_deeper_lines_of_the_user():
    lines = lines_of(Stood((APPLY, user(3), MAIN), 0, 3_000), Stood((APPLY, MAIN), 3_000, 4_000))
    deeper, called = line(lines, 9).ways
    assert deeper.own and not called.own  # the heaviest first
    assert [frame.function for frame in deeper.below] == ["work", "DataFrame.apply"]
    assert [frame.function for frame in next(iter(line(lines, 3).ways)).above] == ["main"]
    assert line(lines, 9).share_of({called}) == pytest.approx(0.25)


def test_a_recursion_is_counted_once():
    deep = Stood((user(5, "walk"), user(5, "walk"), user(5, "walk"), MAIN), 0, 2_000)
    walked = line(lines_of(deep), 5)
    assert walked.seconds == walked.thread_seconds == pytest.approx(2.0)
    assert walked.samples == 40


def test_threads_side_by_side_are_one_stretch_of_the_run_and_all_of_their_time():
    busy = [Stood((user(3),), 0, 4_000, thread=thread) for thread in (1, 2)]
    later = Stood((user(3),), 4_000, 5_000, thread=3)
    found = line(lines_of(Stood((MAIN,), 0, 500), *busy, later), 3)
    assert found.thread_seconds == pytest.approx(9.0)
    assert found.seconds == pytest.approx(5.0)


def test_threads_of_one_number_in_two_processes_are_two():
    both = [Stood((user(3),), 0, 2_000, process=process, thread=1) for process in (0, 1)]
    found = line(lines_of(*(Stood((MAIN,), 0, 500, process=p) for p in (0, 1)), *both), 3)
    assert (found.thread_seconds, found.seconds) == (pytest.approx(4.0), pytest.approx(2.0))
    assert found.processes == {0, 1}


def test_a_forked_process_does_not_count_for_the_line_that_started_it():
    started = (WAITS, user(20, "start"), MAIN)
    child = (user(3), library("worker", "/stdlib/multiprocessing/pool.py"), FORK, *started)
    lines = lines_of(Stood(started, 0, 4_000, blocked=True), Stood(child, 0, 4_000, process=1))
    assert line(lines, 20).processes == {0}
    assert line(lines, 3).processes == {1}
    assert line(lines, 20).thread_seconds == pytest.approx(4.0)


def test_a_line_that_starts_and_joins_processes_holds_the_time_of_that():
    launch = library("Popen._launch", "/stdlib/multiprocessing/popen_fork.py")
    starts = (launch, library("BaseProcess.start", "/stdlib/multiprocessing/process.py"), user(20, "start"), MAIN)
    assert line(lines_of(Stood(starts, 0, 4_000)), 20).seconds == pytest.approx(4.0)


def test_what_the_main_thread_waits_for_a_core_belongs_to_what_runs():
    """Of 8 s alive it ran 2 s and slept 2 s: the other 4 s it stood in the queue, and ran three times as long."""
    lines = lines_of(Stood((user(3),), 0, 2_000), Stood((user(4),), 2_000, 4_000, blocked=True), alive={0: (0, 8_000)})
    assert line(lines, 3).seconds == pytest.approx(6.0)
    assert line(lines, 4).seconds == pytest.approx(2.0)
    assert line(lines, 4).blocked_share == pytest.approx(1.0)
    assert line(lines, 3).blocked_share == 0.0


def test_processes_that_wait_for_cores_stand_in_a_line_for_longer_than_they_run():
    both = [Stood((user(3),), 0, 2_000, process=process) for process in (0, 1)]
    found = line(lines_of(*both, alive={0: (0, 8_000), 1: (0, 8_000)}), 3)
    assert (found.seconds, found.thread_seconds) == (pytest.approx(8.0), pytest.approx(16.0))
    turns = [Stood((user(3),), process * 2_000, process * 2_000 + 2_000, process=process) for process in (0, 1)]
    found = line(lines_of(*turns, alive={0: (0, 10_000), 1: (0, 10_000)}), 3)
    assert found.seconds == pytest.approx(10.0)  # of a run of ten


def test_no_line_is_stretched_beyond_reason():
    lines = lines_of(Stood((user(3),), 0, 1_000), wall_ms=100_000, alive={0: (0, 100_000)})
    assert line(lines, 3).seconds == pytest.approx(10.0)


def test_lines_with_few_samples_or_little_time_are_not_kept():
    def kept(samples: int, wall_ms: int = 10_000) -> list[int]:
        return numbers(lines_of(Stood((user(3),), 0, samples * 50), Stood((user(4),), 5_000, 9_000), wall_ms=wall_ms))

    assert kept(8) == [4, 3]
    assert kept(7) == [4]
    long = Stood((user(4),), 0, 9_000), Stood((user(3),), 9_000, 9_250, every_ms=25)
    assert numbers(lines_of(*long)) == [4]  # ten samples, and 2.5 % of the run


def test_only_lines_of_the_user_are_lines():
    assert lines_of(Stood((APPLY,), 0, 4_000)).lines == ()


def test_without_stacks_it_is_missing_and_says_why():
    empty = recording()
    with pytest.raises(Missing, match="not sampled"):
        UserLines.compute(empty)
    empty.facts.failed["stacks"] = "start: no timer"
    with pytest.raises(Missing, match="no timer"):
        UserLines.compute(empty)


def test_the_largest_is_the_line_with_most_time_of_its_own():
    lines = lines_of(Stood((APPLY, user(3), MAIN), 0, 5_000), Stood((user(4), MAIN), 5_000, 7_000))
    largest = lines.largest(0)
    assert largest is not None and largest.line == 3
    assert lines_of(Stood((user(3),), 0, 1_450)).largest(0) is None  # 29 samples name no line


def test_a_server_that_waits_for_requests_is_not_the_largest():
    idle = Stood((SELECT, user(30, "serve")), 0, 9_000, blocked=True)
    assert lines_of(idle).largest(0) is None
    answered = lines_of(idle, Stood((user(3, "answer"),), 0, 3_000, thread=1)).largest(0)
    assert answered is not None and answered.line == 3


def test_where_it_waits_for_others_the_line_with_which_they_are_busy_is_the_largest():
    waits = Stood((WAITS, user(20), MAIN), 0, 8_000, blocked=True)
    child = Stood((user(3, "task"), FORK, user(20), MAIN), 0, 4_000, process=1)
    lines = lines_of(waits, child)
    largest = lines.largest(0)
    assert largest is not None and largest.line == 3
    alone = lines_of(waits).largest(0)
    assert alone is not None and alone.line == 20  # nobody else is to be named


def test_where_it_does_not_wait_no_other_process_is_named():
    own = Stood((user(4), MAIN), 0, 1_450)  # too few samples to name it
    child = Stood((user(3, "task"), FORK, MAIN), 0, 4_000, process=1)
    assert lines_of(own, child).largest(0) is None
    short = Stood((WAITS, user(20), MAIN), 0, 4_500, blocked=True, every_ms=500)  # a wait needs fewer
    named = lines_of(short, child).largest(0)
    assert named is not None and named.line == 3
    assert lines_of(short).largest(0) is None


def test_others_that_wait_too_and_workers_of_a_loader_are_not_named():
    waits = Stood((WAITS, user(20), MAIN), 0, 8_000, blocked=True)
    waiting = lines_of(waits, Stood((user(3),), 0, 4_000, process=1, blocked=True)).largest(0)
    assert waiting is not None and waiting.line == 20
    made = recording(waits, Stood((user(3),), 0, 4_000, process=1))
    made.facts.processes[1].role = signals.WORKER
    loading = UserLines.compute(made).largest(0)
    assert loading is not None and loading.line == 20


def test_a_line_that_waits_for_events_is_not_the_largest():
    lines = lines_of(Stood((user(3), MAIN), 0, 5_000, blocked=True), Stood((user(4), MAIN), 5_000, 7_000))
    largest = lines.largest(0, {("/home/ada/job.py", 3, "work")})
    assert largest is not None and largest.line == 4


def test_a_line_tells_how_many_tasks_wait_beside_it():
    made = recording(Stood((user(3),), 0, 4_000, blocked=True), Stood((user(4),), 4_000, 8_000))
    made.stacks["flags"][:40] = signals.FORWARD | 1 << 8
    made.stacks["flags"][40:80] = 3 << 8
    lines = UserLines.compute(made)
    assert (line(lines, 3).tasks, line(lines, 4).tasks) == (pytest.approx(2.0), 0.0)
    assert line(lines, 3).samples == 80


def test_a_record_of_a_thread_that_shares_its_look_with_another_is_no_sample():
    made = recording(Stood((MAIN,), 0, 500), Stood((user(3),), 0, 4_000, thread=1))
    made.threads["flags"][1::2] = 0
    made.threads["flags"][0] = 3 << 8
    found = line(UserLines.compute(made), 3)
    assert (found.samples, found.thread_seconds) == (42, pytest.approx(4.0))


def test_what_a_server_does_where_no_line_of_the_user_called_it_is_line_0():
    validates = library("TypeAdapter.validate_python", "/site-packages/pydantic/type_adapter.py")
    serves = library("RequestResponseCycle.run_asgi", "/site-packages/uvicorn/protocols/http/httptools_impl.py")
    starts = library("Thread.run", "/stdlib/threading.py")
    lines = lines_of(
        Stood((MAIN,), 0, 4_000, blocked=True),
        Stood((validates, serves, starts), 0, 3_000, thread=1),
        Stood((SELECT, starts), 3_000, 4_000, thread=1),
        Stood((library("SocketIO.readinto", "/stdlib/socket.py"), serves, starts), 0, 4_000, thread=2, blocked=True),
    )
    assert numbers(lines) == [9]
    (server,) = lines.unclaimed
    assert (server.file, server.line, server.seconds) == (MAIN.file, 0, pytest.approx(3.0))
    assert [way.handler for way in server.ways] == [True]


def test_a_tick_that_came_at_the_end_of_a_long_c_call_stands_for_all_that_were_due():
    long_calls = Stood((APPLY, user(3), MAIN), 0, 3_500, every_ms=700)
    assert line(lines_of(long_calls), 3).samples == 50
    asleep = line(lines_of(long_calls._replace(blocked=True, to_ms=9_100)), 3)
    assert asleep.samples == 13, "a look at a blocked thread is one look"


def test_delayed_ticks_tell_native_code_from_python():
    made = recording(Stood((user(3), MAIN), 0, 3_000), Stood((user(5), MAIN), 3_000, 6_000))
    late = (made.stacks["t1"] > 3_000_000_000).astype("u2") * (40 << 8)
    made.stacks["flags"] |= late
    lines = UserLines.compute(made)
    assert [line(lines, number).native_share for number in (3, 5)] == [0.0, 1.0]
    beside = UserLines.compute(recording(Stood((MAIN,), 0, 3_000), Stood((user(3),), 0, 3_000, thread=1)))
    assert line(beside, 3).native_share is None
