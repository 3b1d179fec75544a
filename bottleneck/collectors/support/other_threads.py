"""The threads beside the main one, as the looking thread sees them: where each ran, and where it waited.

At a look every thread stands somewhere, and its CPU clock says how long it ran since the last look at it; the rest of
that time it was blocked. What it waited for a core or for the GIL is part of the rest: the kernel does not tell them
apart without a read of a file for each thread. All of the time is handed out, however far apart the looks are, so a
late look loses nothing.

A thread whose CPU clock stands still has not left its place: it is not looked at, and its time is written in one record
a second, so that a pool that waits costs one read of a clock for each of its threads.

A clock is asked for by the kernel's number of its thread, which ``threading`` has noted in a dictionary. A thread that
``threading`` does not know, as one of C code or of ``_thread``, has none: all of its time counts as blocked.
"""

import sys
from time import clock_gettime_ns

from ...agent.recorder import now
from ...agent.unpatched import get_ident
from ...signals import THREAD_BLOCKED, THREAD_CPU
from .gil import WAITS
from .thread_files import ThreadFiles

MAX_WALKED = 32  # threads whose stack is read at one look
MAX_NAMED = 512  # threads that are told apart; all later ones are number 0
MAX_LOOKS = 255  # of one record: a byte
KEPT_NS = 1_000_000_000  # of waiting in one place, until it is written
CARRIED_NS = 1_000_000_000  # of running or waiting that belongs to no stack seen so far, until the present one gets it
SURE = 20  # one part in so many is too little to tell
NEW = 8  # a thread seen first that ran for less than one part in so many has waited since it began


class _Thread:
    """One thread: all of its time until ``at``, with ``cpu`` on its clock, has been handed out or is carried on."""

    __slots__ = ("at", "clock", "cpu", "index", "looks", "name", "native", "quiet", "ran", "stack", "waited")

    def __init__(self, native, name, at):
        self.native = native
        self.name = name
        self.clock = (~native << 3) | 6  # of one thread, its CPU time; the kernel checks that the thread is ours
        self.index = self.stack = None
        self.at = at
        self.cpu = 0
        self.quiet = self.looks = 0  # the last look at which it had not run since ``at``, and how many such
        self.ran = self.waited = 0  # carried on

    def now_at(self):
        """Its CPU clock, -1 when it has none."""
        if not self.native:
            return -1
        try:
            return clock_gettime_ns(self.clock)
        except OSError:  # it ends just now
            return -1

    def mixed(self, at, cpu):
        """Whether it has both run and waited since the last look, so that one must know which of both it does now."""
        wall = at - self.at
        return wall < (cpu - self.cpu) * SURE < wall * (SURE - 1)


class OtherThreads:
    """Used by the looking thread alone. ``busy``: whether one of them ran for a while before the last look."""

    def __init__(self, recorder, stacks, tasks):
        self._recorder = recorder
        self._stacks = stacks
        self._tasks = tasks
        self._known = {}  # by the number that Python gives a thread, which a later one may get again
        self._gone = []
        self._full = []  # waiting for so long that it is to be written
        self._seen = []
        self._before = now()
        self._indices = 0
        self.busy = False
        self.on = True

    def look(self, frames, main):
        """See where the threads in ``frames`` stand. No file is read or written, so the GIL stays with us.

        Otherwise a function could return meanwhile, and its variables would live until we let its frame go.
        """
        if self.on and (len(frames) > 2 or self._known):
            try:
                self._look(frames, main)
            except BaseException as error:
                self._fail("look", error)

    def write(self, ring, prompt):
        """Hand out the time since the last look, once the frames are gone.

        ``prompt``: the looking thread woke on time, so the GIL is free and files of the kernel can be asked for little.
        """
        if self.on:
            try:
                self._write(ring, prompt)
            except BaseException as error:
                self._fail("write", error)

    def end(self, ring):
        """Write what is still kept back: the last look has been."""
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
            # Where its clock goes on although we have the GIL, it is in native code.
            self._seen.append((thread, at, cpu, place, lines, waits, cpu < thread.now_at()))
        self._gone += [self._known.pop(ident) for ident in [*self._known] if ident not in frames]
        self._before = at

    def _stand(self, frame, ident):
        """(its place, the lines of a new place, whether the standard library waits there)."""
        place, lines, tasks = self._tasks.walk(frame, ident)
        code = frame.f_code
        waits = tasks or (code.co_filename.endswith(WAITS) and not self._recorder.is_user(code))
        return place, lines, waits

    def _write(self, ring, prompt):
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
        for thread in gone:
            self._settle(ring, thread)
            self._put(ring, THREAD_CPU, thread, thread.ran, 0)
            self._put(ring, THREAD_BLOCKED, thread, thread.waited, 0)

    def _settle(self, ring, thread):
        """Write how long it has waited in its place without running at all."""
        if thread.quiet > thread.at:
            waited, thread.at = thread.quiet - thread.at, thread.quiet
            self._put(ring, THREAD_BLOCKED, thread, waited, thread.looks)
        thread.looks = 0

    def _hand_out(self, ring, thread, at, cpu, stack, waits, runs):
        """Give the time since the last look to the stack that it stands in.

        A thread that runs and waits in turns is seen doing one of the two: where that is certain, the other one's time
        is carried on to the next look that finds it there.
        """
        self._settle(ring, thread)
        wall = at - thread.at
        ran = min(max(0, cpu - thread.cpu), wall)
        waited = wall - ran
        if thread.stack is None and ran * NEW >= wall:
            waited = 0  # it has run since it began, which was after the last look
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
    """Whether a thread sleeps in the kernel, rather than running or waiting for a core; False where it has gone."""
    files = ThreadFiles(native)
    try:
        return files.asleep()
    except OSError:
        return False
    finally:
        files.close()


def _who(thread):
    """(the kernel's number, name) of an object of ``threading``; read past what its class may have put in the way."""
    try:
        fields = object.__getattribute__(thread, "__dict__")
    except AttributeError:  # None, or a green thread
        return 0, ""
    native, name = fields.get("_native_id"), fields.get("_name")
    return (native if type(native) is int else 0), (name if type(name) is str else "")
