"""Samples call stacks weighted by time: a CPU timer for the running main thread, a slow thread for all else.

The timer counts the main thread's CPU time, so it never interrupts a blocked system call, never wakes an idle event
loop, and costs nothing while the program waits. Its signal handler runs at the next bytecode and weights the sample by
the CPU time since the last one, so a long C call is attributed in full to the line that called it. A blocked thread has
released the GIL, so a second, slow thread can sample it: blocked time = wall time - CPU time - time waiting for a core,
and all of it is attributed to the stacks seen blocked. Running and blocked time add up to the wall time. While the
program has set a wakeup descriptor, each signal would write to it: then the slow thread samples running code, too. It
also samples all other threads (``other_threads``) and the suspended tasks of an event loop (``tasks``).

The signal is SIGURG, which is ignored by default (the Go runtime uses it for the same reason): a signal that arrives
after the interpreter has restored the default handlers, or just before an exec, is harmless.
"""

import _signal
import atexit
import os
import sys
import time
from _thread import get_native_id

from ...agent import native_thread
from ...agent.frames import AllFrames
from ...agent.recorder import is_users_exception, now
from ...agent.ring import Ring
from ...agent.unpatched import allocate_lock, get_ident, sleep
from ...signals import GIL_HELD, MAIN_RUNS, QUEUED, STACK_BLOCKED, STACK_CPU, THREAD_CAPACITY
from .. import BaseCollector, dress
from .gil import PROMPT_NS, GilWatch
from .hooking import alike
from .other_threads import OtherThreads
from .pace import SIGNAL_NS, TICK_NS, Pace
from .posix_timer import Timer
from .sampled_forks import follow_forks
from .stack_table import MAX_STACKS, StackTable
from .tasks import LOOP, SuspendedTasks
from .thread_files import ThreadFiles
from .thread_pools import Executors

SIGNAL = _signal.SIGURG
RUNS = 0.97  # of the time since the last look: above this, a thread was not blocked
NATIVE = 0.8  # of the time that a look takes
TICKS, LOOKS = 32001, 32002  # numbers of our two rings, above those that the recorder assigns

_collector = None  # the last one attached


class Collector(BaseCollector):
    """The sampler of this process's main thread."""

    id = "stacks"

    def __init__(self):
        super().__init__()
        self._timer = None
        self._files = ThreadFiles(0)
        self._factor = 1  # of the share of a core that sampling may cost
        self._forget()

    def _forget(self):
        """Reset to the state of a process that has not been sampled yet."""
        self._rings = {}  # each opened by its one writer: most processes end before either has a record
        self._stacks = StackTable(self.recorder)
        self._tasks = SuspendedTasks(self.recorder, self._stacks)
        self._other_threads = OtherThreads(self.recorder, self._stacks, self._tasks)
        self._executors = Executors(self.recorder)
        self._thread = None  # (lock that tells it to exit, [native id once it runs])
        self._gil = None  # of the sampling thread
        self._others_ns = 0  # CPU time of all threads except the main one
        self._forking = 0  # fork calls in progress, each in a different thread
        self._busy = False
        self._wakeup = False  # a wakeup descriptor is set: each signal would write to the user's pipe
        self._masked = False  # our signal is blocked: it would stay pending and wake sigwait callers
        self.pace = Pace(self._factor)
        self._owed = self._last_blocked = 0
        self._unticked = 0  # CPU time of the main thread that no tick has attributed, while there are none

    # -- on and off ----------------------------------------------------------------------------------------

    def attach(self, recorder):
        """Start sampling the calling thread, which must be the main one. Never raises."""
        global _collector
        self.recorder = recorder
        self.on = True
        self._factor = int(recorder.options.get("pace", 1))
        self._forget()
        try:
            if recorder.options.get("stacks") == "pyinstrument" and self._by_pyinstrument():
                self.on = False
                return
            if _signal.getsignal(SIGNAL) not in (_signal.SIG_DFL, None):
                raise RuntimeError("the program uses SIGURG itself")
            self._patch()
            _signal.signal(SIGNAL, self._tick)
            _signal.siginterrupt(SIGNAL, False)
            if _collector is None:
                follow_forks(lambda: _collector)
            _collector = self
            atexit.register(self._at_exit)
            self._arm()
            self._start_thread()  # do not wait for a tick: the main thread may only wait from now on
        except BaseException as error:
            self.off("attach", error)
            self._disarm()
        else:
            recorder.note("attached", collector=self.id)
            recorder.note("gil", enabled=getattr(sys, "_is_gil_enabled", lambda: True)())

    def _by_pyinstrument(self):
        from . import pyinstrument

        return pyinstrument.start(self.recorder)

    def detach(self):
        """Stop sampling, and restore the signal handler and all patched attributes."""
        was_on = self.on
        self.on = False
        self._disarm()
        if was_on:
            atexit.unregister(self._at_exit)

    def _arm(self):
        self._main = get_ident()
        self._native = get_native_id()
        self._files = ThreadFiles(self._native)
        self._clock = time.pthread_getcpuclockid(self._main)
        self._cpu_ns = time.thread_time_ns()
        self._look_at = now(), self._cpu_ns, self._files.run_delay()
        self._timer = Timer(SIGNAL, self._native)
        self._set_timer(TICK_NS)

    def _disarm(self):
        self.stop_thread()
        self._files.close()
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.delete()
        try:
            # Runs the handler of a signal that has arrived, then discards any that is still pending.
            if _signal.getsignal(SIGNAL) == self._tick:
                _signal.signal(SIGNAL, _signal.SIG_IGN)
                _signal.signal(SIGNAL, _signal.SIG_DFL)
        except ValueError:  # not the main thread: our handler stays and does nothing
            pass
        ours = vars(_signal)["set_wakeup_fd"]
        self.patches.restore()
        module = sys.modules.get("signal")
        if module is not None and module.set_wakeup_fd is ours:
            vars(module)["set_wakeup_fd"] = vars(_signal)["set_wakeup_fd"]  # imported while ours was installed

    def _at_exit(self):
        if self.on:
            self.on = False
            self._disarm()
            self.recorder.note(
                "sampler", **self.pace.so_far(), stacks=len(self._stacks), full=len(self._stacks) >= MAX_STACKS
            )

    def _give_up(self, where, error):
        """Stop for good and report it without disturbing the user's program."""
        self.on = False
        self.recorder.fail(self.id, where, error)
        self._disarm()

    def _patch(self):
        """Patch signal functions to notice if the program uses SIGURG, sets a wakeup descriptor, or blocks signals."""
        set_handler = _signal.signal
        set_wakeup = vars(_signal)["set_wakeup_fd"]
        set_mask = _signal.pthread_sigmask

        def signal(signalnum, handler, /):
            if self.on and signalnum == SIGNAL and handler != self._tick:
                self._give_up("signal", RuntimeError("the program installed a handler for SIGURG"))
            return set_handler(signalnum, handler)

        def set_wakeup_fd(fd, /, **options):
            before = set_wakeup(fd, **options)
            self._wakeup = fd >= 0
            if self.on and self._timer is not None:
                self._set_timer(self.pace.tick_ns)
            return before

        def pthread_sigmask(how, mask, /):
            main = self.on and self._timer is not None and get_ident() == self._main
            if main and not self._masked:
                self._masked = True
                self._set_timer(0)  # before the mask is set, so that no signal stays pending
            before = set_mask(how, mask)
            if main:
                self._masked = SIGNAL in set_mask(_signal.SIG_BLOCK, ())
                self._set_timer(self.pace.tick_ns)
            return before

        for hooked, original in ((pthread_sigmask, set_mask), (signal, set_handler), (set_wakeup_fd, set_wakeup)):
            self.patches.replace(_signal, original.__name__, alike(dress(hooked, original), original))
        module = sys.modules.get("signal")
        if module is not None:
            self.patches.replace(module, "set_wakeup_fd", vars(_signal)["set_wakeup_fd"])

    def _set_timer(self, first_ns, start=True):
        self._timed_from = time.clock_gettime_ns(self._clock) + first_ns
        try:
            if self._wakeup or self._masked:
                self._timer.set(0, 0)
                if start and not (self._thread or self._forking):  # in a forked child, where no tick will start it
                    self._start_thread()
            else:
                self._timer.set(first_ns, self.pace.tick_ns)
        except OSError as error:
            self._give_up("timer", error)

    # -- running -------------------------------------------------------------------------------------------

    def _tick(self, number, frame):
        """The signal handler: attribute the CPU time since the last sample to the current stack."""
        if self._busy or self._timer is None or not self.on:
            return
        self._busy = True
        try:
            cpu_ns = time.thread_time_ns()
            at = now()
            if not self.recorder.lasts():
                return self.detach()
            weight = cpu_ns - self._cpu_ns
            self._cpu_ns, self._unticked = cpu_ns, 0
            ring = self._rings.get(TICKS) or self._open_ring(TICKS)
            tick_ns = self.pace.tick_ns
            # Timers are due at multiples of the tick; while the kernel waits for us, further ones are dropped.
            delay_ns = max((cpu_ns - self._timed_from) % tick_ns, weight - tick_ns)
            flags = self.recorder.phases.of(self._main, frame) | min(delay_ns // 1_000_000, 255) << 8
            ring.put(STACK_CPU, flags, at - weight, at, self._stacks.id_of(frame))
            if not (self._thread or self._forking):
                self._start_thread()
            cost = time.thread_time_ns() - cpu_ns + SIGNAL_NS
            ring.spent(cost)
            if self.pace.ticked(cost):
                self._set_timer(self.pace.tick_ns)
        except RecursionError:
            pass  # the program is a frame or two below the limit: this sample is lost, and it must not notice
        except BaseException as error:
            if is_users_exception(error):
                raise
            self._give_up("tick", error)
        finally:
            self._busy = False

    def _open_ring(self, number):
        recorder = self.recorder
        path = os.path.join(recorder.live, "%d-%d.ring")
        free = number
        while os.path.exists(path % (recorder.pid, free)):  # from the program that exec replaced with this one
            free += 2
        ring = self._rings[number] = Ring(path % (recorder.pid, free), free, THREAD_CAPACITY)
        recorder.rings["stacks.%d" % number] = ring
        return ring

    # -- blocked -------------------------------------------------------------------------------------------

    def _start_thread(self):
        leave = allocate_lock()
        leave.acquire()
        thread = leave, []
        if self._thread is None:  # a tick and a forking thread may both try to start it
            self._thread = thread
            native_thread.start(self._run, *thread)

    def stop_thread(self):
        """Tell the sampling thread to exit and wait, at most 50 ms, until the system no longer counts it."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        leave, native = thread
        try:
            leave.release()
        except RuntimeError:  # two threads fork at once: the other one has already told it
            return
        for _ in range(500):
            if native and (native[0] == 0 or not os.path.exists(f"/proc/self/task/{native[0]}")):
                return
            sleep(0.0001)

    def _run(self, leave, native):
        gil = None
        try:
            _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
            native.append(get_native_id())
            gil = self._gil = GilWatch(self._main)
            spent = time.thread_time_ns()
            until = self.recorder.until
            due = min(now() + self.pace.look_ns, until)
            while now() < until and not leave.acquire(True, max(0, due - now()) / 1e9):
                self._look(due)
                total = time.thread_time_ns()
                self.pace.looked(total - spent)
                self._rings[LOOKS].spent(total - spent)
                spent = total
                # A fixed interval would alias with a loop of the same period.
                varied = self.pace.look_ns + (self.pace.looks * 7 % 11 - 5) * self.pace.look_ns // 40
                due = min(now() + varied, until)
                self._gil.falls_asleep()
            if (not self.on or now() >= until) and LOOKS in self._rings:  # for good, not just for a fork
                self._other_threads.end(self._rings[LOOKS])
            self.recorder.lasts()
        except BaseException as error:
            native.append(0)
            self.on = False
            self.recorder.fail(self.id, "look", error)
        finally:
            if gil is not None:  # the next thread may already have a new one
                gil.close()

    def _look(self, due):
        """If the main thread is blocked now, attribute its blocked time since the last look to its current stack.
        If it runs, write where: a tick inside a native call is handled after it. Also sample the other threads.

        Reads no file before the frames are released: a read releases the GIL, and with contention the main thread
        would run before we get it back, so we would hardly ever see it waiting.
        """
        at = now()
        cpu_ns = time.clock_gettime_ns(self._clock)
        before_at, before_cpu, before_delay = self._look_at
        wall, ran = at - before_at, cpu_ns - before_cpu
        pauses = ran < RUNS * wall
        with AllFrames() as frames:
            seen = self._walked(frames, pauses)
            # If its clock advances all the time while we hold the GIL, it is in a native call that needs no GIL.
            native = time.clock_gettime_ns(self._clock) - cpu_ns > NATIVE * (now() - at)
            self._other_threads.look(frames, self._main)
        ring = self._rings.get(LOOKS) or self._open_ring(LOOKS)
        asleep = pauses and self._files.asleep()
        delay_ns = self._files.run_delay()
        self._look_at = at, cpu_ns, delay_ns
        others_ns = time.process_time_ns() - cpu_ns
        others, self._others_ns = others_ns - self._others_ns, others_ns
        late = self._gil.waited(at - due)
        held = self._gil.held_by_others(late, others)
        blocked = wall - ran - (delay_ns - before_delay)
        self._owed += blocked
        still = blocked > 0.9 * wall
        certain = asleep and seen is not None and self._owed > 0 and (still or held or at - due < PROMPT_NS)
        stack = self._hand_out(ring, seen, at, held) if certain else 0
        if self._wakeup or self._masked:
            self._unticked += cpu_ns - max(before_cpu, self._cpu_ns)
        if seen is not None and not asleep:
            number = self._stacks.number(*seen[0][:2])
            ring.put(MAIN_RUNS, seen[1] | native << 8, at - max(0, late), at, number)
            if self._unticked > 0:
                ring.put(STACK_CPU, seen[1], at - self._unticked, at, number)
                self._cpu_ns, self._unticked = cpu_ns, 0
        self._other_threads.write(ring, late < PROMPT_NS, others)
        self._executors.look(ring)
        self._put_queue(ring, at)
        unchanged = still and stack and stack == self._last_blocked and not self._other_threads.busy
        self.pace.look_again(wall, unchanged)
        self._last_blocked = stack

    def _put_queue(self, ring, at):
        """Record the longest queue of tasks that an event loop had at this look."""
        queued, self._tasks.queued = self._tasks.queued, None
        if queued is not None:
            place, lines, tasks, others = queued
            ring.put(QUEUED, tasks, at, at, self._stacks.number(place, lines) | others << 32)

    def _walked(self, frames, pauses):
        """(main thread's stack and phase, stack of one thread that wants the GIL, how many want it), or None.

        ``pauses``: the main thread may be blocked; only then do we ask who wants the GIL.
        """
        frame = frames.get(self._main)
        if frame is None:
            return None
        wanting = self._gil.wanting(frames) if pauses and len(frames) > 2 else ()
        other = self._stacks.walk(wanting[self.pace.looks % len(wanting)]) if wanting else None
        return self._tasks.walk(frame, self._main), self.recorder.phases.of(self._main, frame), other, len(wanting)

    def _hand_out(self, ring, seen, at, held):
        """Write the main thread's blocked time; returns a key that identifies its stack."""
        (place, lines, tasks), phase, other, wanting = seen
        stack = self._stacks.number(place, lines)
        ring.put(STACK_BLOCKED, phase | tasks << 8, at - self._owed, at, stack)
        if held and wanting:
            number = self._stacks.number(*other)
            ring.put(GIL_HELD, phase | wanting << 8, at - self._owed, at, number)
        self._owed = 0
        return LOOP if tasks else stack


def restart(recorder):
    """Start sampling this process's main thread if it is not sampled yet, as in a worker. Never raises."""
    collector = _collector
    sampled = collector is not None and collector.on
    if not sampled and "stacks" not in recorder.failed and recorder.options.get("stacks", "auto") == "auto":
        Collector().attach(recorder)
