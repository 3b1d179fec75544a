"""Samples all threads except the main one, from the sampling thread: where each one ran and where it waited.

Each sample reads a thread's stack and its CPU clock. The clock says how long the thread ran since its last sample; it
was blocked for the rest. Waiting for a core or for the GIL counts as blocked, since telling them apart would need a
file read per thread. All time is attributed to some stack however long the interval, so a late sample loses nothing.

A thread whose CPU clock has not advanced is still in the same place. We do not read its stack, and write its time as
one record per second, so an idle pool costs one clock read per thread.

A thread may end between two samples, as the thread of one request does. What the process used meanwhile beyond the
clocks of the threads that remain is theirs, and goes to the stack that each was last seen in.

The clock is addressed by the native thread id, which ``threading`` keeps in a dictionary. Threads that ``threading``
does not know (from C code or ``_thread``) have no clock, and all their time counts as blocked.
"""

import sys
from time import clock_gettime_ns, thread_time_ns

from ...agent.recorder import now
from ...agent.unpatched import get_ident
from ...signals import THREAD_BLOCKED, THREAD_CPU
from .gil import WAITS
from .thread_files import ThreadFiles

MAX_WALKED = 32  # stacks read per sample
MAX_NAMED = 512  # threads with a number; all later ones share number 0
MAX_LOOKS = 255  # samples in one record: a byte
KEPT_NS = 1_000_000_000  # longest wait in one place before it is written
CARRIED_NS = 1_000_000_000  # most time without a matching stack before the current stack gets it
SURE = 20  # less than 1/20 of the interval is too little to decide
NEW = 8  # a new thread that ran for less than 1/8 of the interval has waited since it started


class _Thread:
    """One thread. Its time up to ``at``, when its clock was ``cpu``, has been attributed or is carried over."""

    __slots__ = ("at", "clock", "cpu", "index", "last", "looks", "name", "native", "quiet", "ran", "stack", "waited")

    def __init__(self, native, name, at):
        self.native = native
        self.name = name
        self.clock = (~native << 3) | 6  # CPU clock of one thread; the kernel checks that the thread is in our process
        self.index = self.stack = None
        self.at = at
        self.cpu = self.last = 0  # its clock at the last sample
        self.quiet = self.looks = 0  # time of the last sample without CPU time since ``at``, and the number of them
        self.ran = self.waited = 0  # carried over

    def now_at(self):
        """Its CPU clock in ns; -1 if it has none."""
        if not self.native:
            return -1
        try:
            return clock_gettime_ns(self.clock)
        except OSError:  # the thread is just ending
            return -1

    def mixed(self, at, cpu):
        """Whether it both ran and waited since the last sample, so we must know which of the two it is doing now."""
        wall = at - self.at
        return wall < (cpu - self.cpu) * SURE < wall * (SURE - 1)


class OtherThreads:
    """Used only by the sampling thread. ``busy``: whether any of these threads ran before the last sample."""

    def __init__(self, recorder, stacks, tasks):
        self._recorder = recorder
        self._stacks = stacks
        self._tasks = tasks
        self._known = {}  # by Python's thread ident, which a later thread may reuse
        self._gone = []
        self._full = []  # threads whose wait is due to be written
        self._seen = []
        self._before = now()
        self._interval = self._clocks_ns = 0  # between the last two samples: wall time, and CPU time by the clocks
        self._own_ns = 0  # CPU time of the sampling thread so far
        self._indices = 0
        self.busy = False
        self.on = True

    def look(self, frames, main):
        """Sample the threads in ``frames``. Reads and writes no file, so we keep the GIL.

        Otherwise a function could return meanwhile, and our reference to its frame would keep its variables alive.
        """
        if self.on and (len(frames) > 2 or self._known):
            try:
                self._look(frames, main)
            except BaseException as error:
                self._fail("look", error)

    def write(self, ring, prompt, used_ns=0):
        """Attribute the time since the last sample, after the frames have been released.

        ``prompt``: the sampling thread woke on time, so the GIL is free and reading /proc is cheap. ``used_ns``: CPU
        time of all threads but the main one since the last sample.
        """
        if self.on:
            try:
                self._write(ring, prompt, used_ns)
            except BaseException as error:
                self._fail("write", error)

    def end(self, ring):
        """Write all remaining time after the last sample."""
        if self.on:
            self._gone += self._known.values()
            self._known.clear()
            self.write(ring, prompt=False)

    def _fail(self, where, error):
        self.on = self.busy = False
        self._known.clear()
        self._recorder.fail("threads", where, error)

    def _look(self, frames, main):
        at = now()
        ours = main, get_ident()
        registered = getattr(sys.modules.get("threading"), "_active", None) or {}
        due = []
        for ident in frames:
            if ident in ours:
                continue
            native, name = _who(registered.get(ident))
            thread = self._known.get(ident)
            if thread is None or thread.native != native:
                if thread is not None:
                    self._gone.append(thread)
                thread = self._known[ident] = _Thread(native, name, self._before)
            cpu = thread.now_at()
            self._clocks_ns += max(0, cpu - thread.last)
            thread.last = cpu
            if cpu == thread.cpu and thread.stack is not None:
                thread.quiet = at
                thread.looks += 1
                if at - thread.at >= KEPT_NS or thread.looks >= MAX_LOOKS:
                    self._full.append(thread)
            else:
                due.append((cpu < 0, thread.at, ident, thread, cpu))
        due.sort(key=lambda one: one[:3])
        for _, _, ident, thread, cpu in due[:MAX_WALKED]:
            place, lines, waits = self._stand(frames[ident], ident)
            # If its clock advances while we hold the GIL, it is running native code.
            self._seen.append((thread, at, cpu, place, lines, waits, cpu < thread.now_at()))
        self._gone += [self._known.pop(ident) for ident in [*self._known] if ident not in frames]
        self._interval, self._before = at - self._before, at

    def _stand(self, frame, ident):
        """(stack key, the lines if the stack is new, whether it is a wait in the standard library)."""
        place, lines, tasks = self._tasks.walk(frame, ident)
        code = frame.f_code
        waits = tasks or (code.co_filename.endswith(WAITS) and not self._recorder.is_user(code))
        return place, lines, waits

    def _write(self, ring, prompt, used_ns):
        seen, self._seen = self._seen, []
        full, self._full = self._full, []
        gone, self._gone = self._gone, []
        self.busy = False
        for thread in full:
            self._settle(ring, thread)
        for thread, at, cpu, place, lines, waits, runs in seen:
            if prompt and not (waits or runs) and thread.mixed(at, cpu):
                waits = _sleeps(thread.native)
            self._hand_out(ring, thread, at, cpu, self._stacks.number(place, lines), waits, runs)
        self._end(gone, used_ns)
        for thread in gone:
            self._settle(ring, thread)
            self._put(ring, THREAD_CPU, thread, thread.ran, 0)
            self._put(ring, THREAD_BLOCKED, thread, thread.waited, 0)

    def _end(self, gone, used_ns):
        """Give the threads that have ended the CPU time since the last sample that is no other thread's.

        That of threads that no sample has seen is part of it; those of native code are not meant: at most one core.
        """
        own_ns = thread_time_ns()
        left = min(used_ns - self._clocks_ns - (own_ns - self._own_ns), self._interval)
        self._clocks_ns, self._own_ns = 0, own_ns
        ended = [thread for thread in gone if thread.stack is not None]
        for thread in ended if left > 0 else ():
            thread.ran += left // len(ended)
            thread.at = self._before

    def _settle(self, ring, thread):
        """Write how long the thread has waited in one place without using CPU time."""
        if thread.quiet > thread.at:
            waited, thread.at = thread.quiet - thread.at, thread.quiet
            self._put(ring, THREAD_BLOCKED, thread, waited, thread.looks)
        thread.looks = 0

    def _hand_out(self, ring, thread, at, cpu, stack, waits, runs):
        """Attribute the time since the last sample to the thread's current stack.

        A thread that alternates between running and waiting is seen doing one of them. If we are sure which, the time
        of the other is carried over to the next sample that sees it.
        """
        self._settle(ring, thread)
        wall = at - thread.at
        ran = min(max(0, cpu - thread.cpu), wall)
        waited = wall - ran
        if thread.stack is None and ran * NEW >= wall:
            waited = 0  # it started after the last sample and has run since
        thread.at, thread.stack = at, stack
        thread.cpu = max(cpu, thread.cpu)
        thread.ran += ran
        thread.waited += waited
        self.busy = self.busy or ran * SURE >= wall
        waits = not runs and (waits or ran * SURE < wall)
        looks = 1
        if thread.ran and (not waits or thread.ran > CARRIED_NS):
            self._put(ring, THREAD_CPU, thread, thread.ran, looks)
            thread.ran = looks = 0
        runs = runs or waited * SURE < wall
        if thread.waited and (waits or not runs or thread.waited > CARRIED_NS):
            self._put(ring, THREAD_BLOCKED, thread, thread.waited, looks)
            thread.waited = 0

    def _put(self, ring, kind, thread, ns, looks):
        if ns <= 0 or thread.stack is None:
            return
        if thread.index is None:
            thread.index = self._introduce(thread)
        ring.put(kind, looks << 8, thread.at - ns, thread.at, thread.stack | thread.index << 32)

    def _introduce(self, thread):
        if self._indices == MAX_NAMED:
            return 0
        self._indices += 1
        self._recorder.note("thread", index=self._indices, name=thread.name[:100], native_id=thread.native)
        return self._indices


def _sleeps(native):
    """Whether a thread sleeps in the kernel instead of running or waiting for a core; False if it has ended."""
    files = ThreadFiles(native)
    try:
        return files.asleep()
    except OSError:
        return False
    finally:
        files.close()


def _who(thread):
    """(native id, name) of a ``threading`` object, read without running overrides in its class."""
    try:
        fields = object.__getattribute__(thread, "__dict__")
    except AttributeError:  # None, or a green thread
        return 0, ""
    native, name = fields.get("_native_id"), fields.get("_name")
    return (native if type(native) is int else 0), (name if type(name) is str else "")
