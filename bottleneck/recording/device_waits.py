"""Makes waiting for the device a phase of its own: ``sync``.

The host queues work and goes on, until it needs a result. There it waits, in whatever call that is, often at 100 % CPU.
No hook knows all such calls, but the marks do: the host waits where the queue was not empty at a border and is at the
next one, and the host got there just then, or was in one native call all the time. What the host does before such a
wait costs nothing either, as long as the device has work: with less of it, the host would only wait for longer. The
same holds for the wait for a batch while the device is still busy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import signals
from . import intervals
from .marks import EMPTY_NS, Bools, Ints, Marks, marks_of, within
from .model import STEP_PHASES, Recording, Records, Table
from .native_calls import PROMPT_NS

_LEAST_NS = 50_000  # less is not worth a span
_MEETS_NS, _MEETS_SHARE = 200_000, 0.05  # of the time since the mark: the host resumes so soon after the device is done
_ALWAYS, _MIN_INTERVALS = 0.9, 10  # of the intervals of a kind end after the device is done
_SOON_SHARE = 0.3  # of such an interval, in the median: that much is all that Python in its place could cost
_TIGHTER = 0.5  # times the spread of the intervals: that of the time after the device is done
_MIN_SAMPLES = 3  # in native code, while work is pending,
_LARGE_SHARE = 0.25  # of those samples: a stack with fewer may be of another call
_NATIVE_SHARE = 0.6  # and of all samples there: those at the end of a call look like Python
_SWITCH_NS = 3_000_000  # Python code that runs gives up the GIL after 5 ms
_DELAYED_MS = 2  # a tick of the CPU timer
_NATIVE = 1 << 8  # the flag of a look: the main thread ran on while we held the GIL
_PHASE = 0xFF
#: Where the time of a span is taken from, in this order. A batch is waited for in no other phase.
_BETWEEN = ("other", "h2d", "checkpoint")
_WAITING = ("data_wait", "loader_start")
_LAUNCHES = (signals.FORWARD, signals.EVAL, signals.BACKWARD, signals.OPTIMIZER)


@dataclass(frozen=True)
class Spans:
    """Intervals (ns) in which the host waited for the device; ``loading``: those inside the wait for a batch."""

    t0: Ints
    t1: Ints
    loading: Bools


@dataclass(frozen=True)
class _Samples:
    """The samples of a main thread: when it was there, its stack, and whether that was in a native call.

    A look finds it blocked, running on while we hold the GIL, or without the GIL, so that the look need not wait for
    it. A tick of the CPU timer is handled when the call ends, and says how late that is. ``python``: surely not in one.
    """

    at: Ints
    stack: Ints
    native: Bools
    python: Bools

    @classmethod
    def of(cls, recording: Recording, process: int) -> _Samples:
        looks = recording.looks[recording.looks["process"] == process]
        rows = recording.stacks[recording.stacks["process"] == process]
        late = looks["t1"] - looks["t0"]
        sure = (looks["flags"] & _NATIVE > 0) | (late < PROMPT_NS)
        asleep = rows["kind"] == signals.STACK_BLOCKED
        delay = (rows["flags"] >> 8).astype("i8")
        held = asleep | (delay >= _DELAYED_MS)
        return cls(
            np.concatenate([looks["t1"], _taken_at(rows)]),
            np.concatenate([looks["arg"], rows["arg"]]).astype("i8"),
            np.concatenate([sure, held]),
            np.concatenate([~sure & (late > _SWITCH_NS), ~held]),
        )

    def share_in_call(self, inside: Bools, after: Bools) -> float | None:
        """The share of the samples ``after`` that are of a native call which those ``inside`` were in; None if the
        latter were not, or if there are too few of them."""
        native, python = int((inside & self.native).sum()), int((inside & self.python).sum())
        if native < _MIN_SAMPLES or native < _NATIVE_SHARE * (native + python):
            return None
        stacks, counts = np.unique(self.stack[inside & self.native], return_counts=True)
        there = np.isin(self.stack[after], stacks[counts >= _LARGE_SHARE * native])
        return float(there.mean()) if len(there) else 0.0


def _taken_at(rows: Records) -> Ints:
    """When the thread was where a sample found it: its length is not that of an interval before its end."""
    late = np.where(rows["kind"] == signals.STACK_CPU, (rows["flags"] >> 8).astype("i8"), 0)
    found: Ints = rows["t1"] - 1_000_000 * late
    return found


def name_device_waits(recording: Recording) -> None:
    """Move the time of such spans in ``recording.steps`` to ``sync``, and the samples in them to that phase."""
    for process in np.unique(recording.marks["process"]).tolist():
        marks = marks_of(recording, process)
        spans = spans_of(recording, process, marks)
        if len(spans.t0):
            _move_in_steps(recording, process, marks, spans)
            _move_samples(recording, process, marks, spans)


def spans_of(recording: Recording, process: int, marks: Marks) -> Spans:
    """Where the host of this process waited for its device."""
    loading = ~marks.ends & (marks.phase == signals.DATA_WAIT)
    waited = _waited(marks, _Samples.of(recording, process), ~launching(marks) & ~loading)
    free = _free(marks, waited > 0)
    length = np.maximum(marks.pending, waited)
    use = (length >= _LEAST_NS) & (loading | (free & ~launching(marks)))
    return Spans(marks.host[use], (marks.host + length)[use], loading[use])


def launching(marks: Marks) -> Bools:
    """Intervals in which the host launches all the time: that the queue is empty then does not say that it waited."""
    found: Bools = ~marks.ends & np.isin(marks.phase, _LAUNCHES)
    return found


def _waited(marks: Marks, samples: _Samples, may: Bools) -> Ints:
    """How long after each mark, up to the next, the host waited for what was queued before the mark, and for what the
    call itself gives the device to do, such as a copy; 0 if it did not."""
    if marks.count < 2:
        return np.zeros(marks.count, "i8")
    pending = marks.pending
    following = np.append(marks.host[1:], marks.host[-1])
    whole = following - marks.host
    late = np.maximum(0, following - marks.device)  # the host is at the next border so long after the device was done
    busy = may & marks.joined & ~marks.empty
    done = busy & (marks.device <= following + EMPTY_NS)
    empty, ends = np.append(marks.empty[1:], False), np.append(marks.ends[1:], False)
    meets = done & empty & (late <= np.maximum(_MEETS_NS, _MEETS_SHARE * whole))
    found: Ints = np.where(meets, pending, 0)
    kinds = np.append(marks.phase[1:], 0) + 100 * ends + 1000 * marks.phase + 100_000 * marks.ends
    for kind in np.unique(kinds[done]):
        these = done & (kinds == kind)
        begin, end, there = marks.host[these], following[these], (marks.host + pending)[these]
        share = samples.share_in_call(within(samples.at, begin, there), within(samples.at, there, end))
        if share is not None:
            found[these] = pending[these] + (share * late[these]).astype("i8")
        elif these.sum() >= _ALWAYS * (busy & (kinds == kind)).sum() and _follows(pending[these], late[these]):
            found[these] = pending[these]
    return found


def _follows(pending: Ints, late: Ints) -> bool:
    """Whether the host always goes on soon after the device is done, however long that takes."""
    if len(late) < _MIN_INTERVALS:
        return False
    whole = pending + late
    if np.median(late) <= _SOON_SHARE * np.median(whole):
        return True
    return _spread(late) <= _TIGHTER * _spread(whole) and _spread(whole) > _LEAST_NS


def _spread(values: Ints) -> float:
    return float(np.median(np.abs(values - np.median(values))))


def _free(marks: Marks, waits: Bools) -> Bools:
    """Per mark, whether time after it costs nothing while work is pending: the host waits for the device later on,
    before the device waits for the host."""
    free = np.zeros(marks.count, bool)
    following = False
    for at in range(marks.count - 1, -1, -1):
        if not marks.joined[at]:
            following = not marks.empty[at]  # the last of a stretch: is the device behind?
            continue
        following = bool(waits[at]) or (following and not marks.empty[at + 1])
        free[at] = following
    return free


def _move_in_steps(recording: Recording, process: int, marks: Marks, spans: Spans) -> None:
    steps = recording.steps
    mine = np.flatnonzero(steps["process"] == process)
    t0, t1 = steps["t0"][mine], steps["t1"][mine]
    timed = _timed(marks, t0, t1)
    before = {name: steps[name][mine].astype(float) for name in STEP_PHASES}
    for columns, chosen in ((_BETWEEN, ~spans.loading), (_WAITING, spans.loading)):
        waits = intervals.spans_of(spans.t0[chosen], spans.t1[chosen])
        owed = intervals.overlap(intervals.spans_of(t0, t1), waits) / 1e3
        for name in columns:
            taken = np.minimum(owed, before[name])
            moved = np.where(timed, taken, before[name] * _share(taken[timed], before[name][timed]))
            _take(steps, mine, name, moved)
            owed = owed - taken


def _share(moved: npt.NDArray[np.float64], of: npt.NDArray[np.float64]) -> float:
    return float(moved.sum() / of.sum()) if of.sum() > 0 else 0.0


def _take(steps: Table, rows: Ints, name: str, moved: npt.NDArray[np.float64]) -> None:
    whole = moved.astype("i4")
    steps[name][rows] -= whole
    steps["sync"][rows] += whole


def _timed(marks: Marks, t0: Ints, t1: Ints) -> Bools:
    """Which of these steps lie inside a stretch of marks."""
    last = np.flatnonzero(~marks.joined)
    begin = marks.host[np.append(0, last[:-1] + 1)]
    at = np.searchsorted(begin, t0 + 1000, side="right") - 1  # a step begins where its first mark is made
    found: Bools = (at >= 0) & (t1 <= marks.host[last][np.maximum(at, 0)] + 1000)
    return found


def _move_samples(recording: Recording, process: int, marks: Marks, spans: Spans) -> None:
    """Samples taken in a span are of the phase sync, and so are, in steps that were not timed, those of a stack that is
    mostly seen there."""
    stacks = recording.stacks
    mine = np.flatnonzero(stacks["process"] == process)
    t0, t1, number = stacks["t0"][mine], stacks["t1"][mine], stacks["arg"][mine]
    inside = within(_taken_at(stacks[mine]), spans.t0, spans.t1)
    timed = _timed(marks, t0, t1)
    weights = np.where(timed, t1 - t0, 0)
    kinds, of = np.unique(number, return_inverse=True)
    waited = np.bincount(of, weights * inside, len(kinds))
    mostly = 2 * waited > np.bincount(of, weights, len(kinds))
    chosen = mine[inside | (~timed & mostly[of])]
    stacks["flags"][chosen] = stacks["flags"][chosen] & ~_PHASE | signals.SYNC
