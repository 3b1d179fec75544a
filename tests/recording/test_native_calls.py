"""The time of an operator, which is recorded at one of the next lines, goes to the operator's line."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Frame, Process, Recording, empty_steps
from bottleneck_profiler.recording.native_calls import return_time_of_operators

MS = 1_000_000
MAIN = Frame("<module>", "/home/ada/job.py", 20, True)
LATE, PROMPT, NATIVE = 2.0, 0.1, 1 << 8


def at(line: int, *below: Frame) -> tuple[Frame, ...]:
    return (*below, Frame("work", "/home/ada/job.py", line, True), MAIN)


OPERATOR, NEXT, LAST = at(7), at(8), at(12)
CALLED = at(8, Frame("norm", "/site-packages/numpy/linalg.py", 30, False))


def seconds(
    ticks: dict[tuple[Frame, ...], int],
    looks: dict[tuple[Frame, ...], tuple[int, float, int]],
    delay_ms: int = 40,
) -> dict[int, float]:
    """Seconds by line of ``work`` after the move.

    ``ticks``: stack -> number of ticks of 50 ms; ``looks``: stack -> (number, ms that each waited for the GIL, flag).
    """
    numbers = {stack: number for number, stack in enumerate({**ticks, **looks}, 1)}
    rows, seen = list[np.void](), list[np.void]()
    for stack, count in ticks.items():
        rows += [_row(signals.STACK_CPU, 50.0, numbers[stack], delay_ms << 8) for _ in range(count)]
    for stack, (count, wait, flag) in looks.items():
        seen += [_row(signals.MAIN_RUNS, wait, numbers[stack], flag) for _ in range(count)]
    none = np.zeros(0, RECORD_DTYPE)
    facts = Facts(processes=[Process(0, 1)], stacks={(0, number): stack for stack, number in numbers.items()})
    stacks, found = (np.array(each, RECORD_DTYPE) for each in (rows, seen))
    whole = Recording({}, facts, empty_steps(), none, none, stacks, none, {}, {}, 0, 10**10, looks=found)
    return_time_of_operators(whole)
    sums: dict[int, float] = {}
    for row in stacks:
        line = facts.stacks[0, int(row["arg"])][-2].line
        sums[line] = sums.get(line, 0.0) + float(row["t1"] - row["t0"]) / 1e9
    return sums


def _row(kind: int, ms: float, stack: int, flags: int) -> np.void:
    row = np.zeros(1, RECORD_DTYPE)[0]
    row["kind"], row["t1"], row["arg"], row["flags"] = kind, int(ms * MS), stack, flags
    return row  # type: ignore[no-any-return]


def test_looks_at_the_operator_take_its_time_back_from_the_next_line():
    found = seconds({NEXT: 90, LAST: 10}, {OPERATOR: (100, PROMPT, 0), LAST: (11, PROMPT, 0)})
    assert found[7] == pytest.approx(4.5, abs=0.1)
    assert found[12] == pytest.approx(0.5)


def test_the_next_lines_call_into_a_library_holds_it_too():
    found = seconds({CALLED: 100}, {OPERATOR: (60, PROMPT, 0), CALLED: (60, PROMPT, 0)})
    assert found == {8: pytest.approx(2.5, abs=0.1), 7: pytest.approx(2.5, abs=0.1)}


def test_the_operator_at_the_end_of_a_loop_is_followed_by_its_first_line():
    found = seconds({at(5): 100}, {LAST: (100, PROMPT, 0)})
    assert found == {12: pytest.approx(5.0)}


def test_ticks_that_were_not_delayed_are_of_their_own_line():
    looks = {OPERATOR: (100, PROMPT, 0)}
    assert seconds({NEXT: 100}, looks, delay_ms=3) == {8: pytest.approx(5.0)}
    surely = {OPERATOR: (100, PROMPT, NATIVE)}
    assert seconds({NEXT: 100}, surely, delay_ms=3) == {7: pytest.approx(5.0)}, "it was seen to run on"


def test_looks_that_waited_for_the_gil_tell_nothing():
    assert seconds({NEXT: 100}, {OPERATOR: (100, LATE, NATIVE)}) == {8: pytest.approx(5.0)}


def test_a_line_that_the_looks_agree_with_keeps_its_time():
    looks = {OPERATOR: (52, PROMPT, NATIVE), NEXT: (48, PROMPT, NATIVE)}
    assert seconds({OPERATOR: 50, NEXT: 50}, looks) == {7: pytest.approx(2.5), 8: pytest.approx(2.5)}


def test_few_looks_and_other_functions_tell_nothing():
    assert seconds({NEXT: 100}, {OPERATOR: (7, PROMPT, NATIVE)}) == {8: pytest.approx(5.0)}
    elsewhere = Frame("other", "/home/ada/job.py", 30, True), MAIN
    assert seconds({elsewhere: 100}, {OPERATOR: (50, PROMPT, NATIVE)}).keys() == {30}


def test_looks_without_any_tick_move_nothing():
    assert seconds({}, {OPERATOR: (100, PROMPT, NATIVE)}) == {}
