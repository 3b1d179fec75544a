"""When the device got to the borders between the phases: an event at each border of one step in k, read later.

The host notes an event and goes on. A later step asks whether the device has got there, and writes both times. Nothing
here waits for the device, and nothing happens while a graph is being captured.
"""

from collections import deque
from functools import partial

from ... import signals
from ...agent.accelerator import in_use
from ...agent.recorder import now
from ...signals import MOST_TOOK, MOST_WAITED, TOOK_AT, WAITED_AT
from .hooking import hook

_EARLY = 20  # timed steps: until then, at least one step in _MOST is timed
_MOST = 10
_MANY = 500  # timed steps: with each further as many, fewer are timed, so that the recording of a long run stays small
_BUDGET_NS, _SHARE = 6_000, 0.006  # of a step, whichever is more: what timing may cost on average
_FOREVER = 1 << 62
_MAX_WAITING = 512  # events that the device has not got to
_MAX_MARKS = 64  # in one step: a step with more of them is not timed
_REBASE_NS = 60_000_000_000  # events give their distance as a float32 of milliseconds: 4 us after a minute


def follow(collector, ring):
    """Time the device that the program uses, at the borders of this thread. Called where a model or optimizer is new.

    ``collector``: the one that a failure belongs to; it hooks the capture of graphs.
    """
    recorder = collector.recorder
    if recorder.clock is not None or ring.clock is not None or not ring.on or "device-clock" in recorder.failed:
        return
    try:
        accelerator = in_use()
        if accelerator is None:
            return
        for graph in accelerator.graphs():
            begin = partial(collector.wrap, before=accelerator.begins, after=accelerator.begun)
            hook(collector, graph, "capture_begin", begin)
            end = partial(collector.wrap, before=lambda args, kwargs: None, after=accelerator.ended)
            hook(collector, graph, "capture_end", end)
        recorder.clock = ring.clock = DeviceClock(recorder, accelerator)
        recorder.note("accelerator", name=accelerator.name)
    except Exception as error:
        recorder.fail("device-clock", "attach", error)


class DeviceClock:
    """Marks of one thread. A stretch is a sequence of marks with none left out in between; ``stretch`` is its number.

    ``k``: one step in k is timed.
    """

    def __init__(self, recorder, accelerator):
        self.k = 1
        self.stretch = 1
        self._recorder = recorder
        self._accelerator = accelerator
        self._free = []  # events
        self._waiting = deque()  # of _Mark
        self._base = None  # event that times are counted from
        self._base_ns = 0  # its time, on a clock that begins with the first event, at the host's time then
        self._open = False  # the step is timed
        self._others = None
        self._chosen = None  # the device: none is timed before one has tensors
        self._steps = self._timed = self._marks = 0
        self._cost_ns = self._began = 0  # of the timed step
        self._least_ns = _FOREVER  # cost of a timed step, of the last few

    def mark(self, ring, border, at):
        """The host is at a border at ``at`` (ns). ``border``: a phase that begins, or that ends: | DEVICE_END."""
        begins = self._begins(border)
        if not (self._open or begins):
            return
        try:
            if not self._accelerator.may_be_asked():
                self.pause()
                return
            self._read(ring, at)
            if begins:
                self._step(border, at)
            elif self._marks < _MAX_MARKS:
                self._record(border, at)
            else:
                self.pause()
            self._cost_ns += now() - at
        except Exception as error:
            ring.clock = None
            self._recorder.fail("device-clock", "mark", error)

    def may_ask(self):
        """Whether the driver may be asked about memory now."""
        return self._accelerator.may_be_asked()

    def pause(self):
        """Marks are missing from here on, as in steps that are not recorded in full: the stretch is over."""
        if self._open:
            self._open = False
            self.stretch += 1

    def _begins(self, border):
        """Whether a step begins at this border."""
        if self._recorder.looping:
            return border == signals.DATA_WAIT | signals.DEVICE_END
        return border in (signals.OPTIMIZER | signals.DEVICE_END, signals.EVAL | signals.DEVICE_END)

    def _step(self, border, at):
        if not self._steps & (self._steps - 1):  # few times, and ever more rarely
            self._look()
        if self._chosen is None:
            self._steps += 1
            return
        was_open = self._open
        if was_open:
            self._timed += 1
            self._adapt(at)
        self._steps += 1
        self._open = not self._steps % self.k and len(self._waiting) < _MAX_WAITING
        if was_open or self._open:
            self._record(border, at)
        if was_open and not self._open:
            self.stretch += 1
        self._marks = self._cost_ns = 0
        self._began = at

    def _look(self):
        """Choose the device that is timed, and note which others have tensors."""
        held = self._accelerator.held()
        if held is None:
            self._chosen = -1
        elif held:
            if self._chosen is None:
                self._chosen = self._accelerator.choose(held)
            others = [index for index in held if index != self._chosen]
            if others != self._others:
                self._others = others
                self._recorder.note("devices_held", index=self._chosen, others=others)

    def _adapt(self, at):
        """Set ``k`` so that the marks stay within their budget."""
        self._least_ns = min(self._least_ns, self._cost_ns)
        if not self._timed & 3:
            wanted = int(self._least_ns / max(_BUDGET_NS, _SHARE * (at - self._began))) + 1
            self.k = min(wanted, _MOST) if self._timed < _EARLY else max(wanted, self._timed // _MANY)
            self._least_ns = _FOREVER

    def _record(self, border, at):
        event = self._free.pop() if self._free else self._accelerator.event()
        self._accelerator.record(event)
        self._waiting.append(_Mark(event, border, self.stretch, at, now()))
        self._marks += 1

    def _read(self, ring, at):
        """Write the marks that the device has got to by ``at``."""
        waiting = self._waiting
        while waiting:
            mark = waiting[0]
            event = mark.event
            if not event.query():
                mark.waited = at - mark.at
                return
            waiting.popleft()
            if self._base is None:
                self._base, self._base_ns = event, mark.at
            since = 0 if event is self._base else int(self._base.elapsed_time(event) * 1e6)
            ring.put(signals.DEVICE_MARK, mark.border, mark.at, max(0, self._base_ns + since), mark.facts())
            if since > _REBASE_NS:
                self._base, event = event, self._base
                self._base_ns += since
            if event is not self._base:
                self._free.append(event)


class _Mark:
    """An event that the device has not got to yet. ``waited``: how long after ``at`` (ns) it was seen so."""

    __slots__ = ("at", "border", "event", "recorded", "stretch", "waited")

    def __init__(self, event, border, stretch, at, recorded):
        self.event = event
        self.border = border
        self.stretch = stretch
        self.at = at
        self.recorded = recorded
        self.waited = 0

    def facts(self):
        """The argument of its record."""
        waited, took = self.waited // 1000, (self.recorded - self.at) // 1000
        return self.stretch | min(waited, MOST_WAITED) << WAITED_AT | min(took, MOST_TOOK) << TOOK_AT
