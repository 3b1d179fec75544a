"""What is known of the requests that a process serves, and a probe in its event loop.

A handler that blocks the event loop hides the requests queued behind it, which have not reached the application yet.
We therefore measure the lag of a heartbeat in the loop. A watchdog thread samples the loop's thread while the heartbeat
is late, because the blocking frame is gone afterwards.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time

from ... import signals
from ...agent import native_thread
from ...agent.frames import AllFrames, line_of
from ...agent.recorder import is_users_exception, now
from ...agent.unpatched import allocate_lock, get_ident, sleep
from ...signals import REQUEST
from .lru_caches import LruCaches
from .served import ALL_AT_FIRST, OFTEN, QUICK_NS, RARELY, Names, short, waited
from .thread_pools import limiter_of

TYPE_CHECKING = False
if TYPE_CHECKING:  # the import of typing takes time
    from typing import Any

BEAT_SECONDS = 0.05  # wakes the loop 20 times a second; a 20 ms heartbeat cost 0.9 % of a core
LATE_NS = 10_000_000  # a heartbeat later than this is recorded
WATCH_SECONDS = 0.025  # the watchdog samples this long after a heartbeat was due
LOOK_SECONDS = 0.02  # and repeats at this interval while the loop stays blocked
MAX_LOOKS = 50  # after this many samples, ten times less often
GIL_WAIT_NS = 3_000_000  # a thread that wakes this late was waiting for the GIL
CACHE_BEATS = 200  # the user's caches are looked at every so many beats, and at the end
QUIET_BEATS = 100  # the probe rests after this many beats without a request
GARBAGE = 0xFFFF  # flags of a LAG record caused by the garbage collector
_FORWARD_HOOK = os.sep + os.path.join("collectors", "support", "forward.py")
_LOOP_FOLDERS = (os.sep + "asyncio" + os.sep, os.sep + "uvloop" + os.sep, os.sep + "selectors.py")


class Serving:
    """The serving state of this process; ``in_flight``: number of requests inside the application."""

    id = "serving"
    __slots__ = (
        "_asked", "_beats", "_caches", "_cpu", "_free", "_garbage", "_garbage_began", "_ids", "_limiter", "_looks",
        "_models", "_names", "_quiet", "_seen", "_sites", "_stop", "_stopped", "_watching", "addressed", "arrivals",
        "beating", "due", "environs", "in_flight", "inside", "key", "loop", "on", "open", "recorder", "spared",
        "thread", "threads", "users",
    )  # fmt: skip
    _watching: bool
    beating: bool
    loop: Any

    def __init__(self, recorder):
        self.recorder = recorder
        self.on = True
        self.users = 0  # collectors and manual layers that use this state
        self.arrivals = 0
        self.spared = 0  # so many of the next requests are not asked how long they waited
        self.thread = 0
        self._asked = 0
        self._seen = 0
        self._quiet = 0
        self._beats = 0
        self._cpu = 0
        self._garbage = 0
        self._garbage_began = 0
        self._stop = None
        self._stopped = None
        self._forget()
        os.register_at_fork(before=self.stop_watching, after_in_parent=self._resume, after_in_child=self._forget)
        atexit.register(self._tell_caches)

    # -- requests ------------------------------------------------------------------------------------------

    def put(self, t0, t1, in_flight, name, queue, size):
        """Record a finished request.

        ``name``: method, path, template of the route or None, and status, 0 if it has no answer. ``queue``: as
        ``waited`` says. ``size``: 1 + bytes of the answer, 0 unknown.
        """
        number = self._names.known.get(name) or self._names.of(name)
        ring = self.recorder.rings.get(get_ident()) or self.recorder.ring()
        size = size if size < 2048 else short(size)
        ring.put(REQUEST, in_flight if in_flight < 65535 else 65535, t0, t1, number | queue << 32 | size << 48)

    def ask(self, sock, t0):
        """How long a request that began at ``t0`` waited for the server; to be called unless it is ``spared``."""
        if self.arrivals >= ALL_AT_FIRST:
            self.spared = RARELY if t0 - self._asked < (self.spared + 1) * QUICK_NS else OFTEN
            self._asked = t0
        return waited(sock)

    def put_likeness(self, t0, t1, like):
        """Record what a finished request and its answer hash to, if that was kept."""
        found = like.found()
        if found is not None:
            ring = self.recorder.rings.get(get_ident()) or self.recorder.ring()
            ring.put(signals.LIKENESS, found[0], t0, t1, found[1])

    def tell_address(self, text, server=""):
        """Note once where this process's server listens. ``server``: its library, if its applications are its own."""
        self.addressed = True
        if text:
            self.recorder.note("serving", event="address", time_ns=now(), address=text, server=server)

    # -- the heartbeat, in the loop's thread ---------------------------------------------------------------

    def begin(self):
        """Start the heartbeat in the running loop unless it is already running."""
        from asyncio import get_running_loop

        try:
            loop = get_running_loop()
        except RuntimeError:  # a loop of another kind, such as trio's, which is not watched
            return
        if self.beating and self.loop is loop:
            return
        if self.loop is not loop:
            self._limiter = None
        self.loop = loop
        self.thread = get_ident()
        self.beating = True
        self._quiet = 0
        self._cpu = time.thread_time_ns()
        if self._collected not in gc.callbacks:
            gc.callbacks.append(self._collected)
        self.recorder.note("serving", event="begin", time_ns=now())
        self._arm(now())
        self._watch()

    def revive(self):
        """Start the heartbeat again if it rests, or if its loop is closed."""
        if not self.beating or self.loop.is_closed():
            self.begin()

    def _rest(self):
        self.beating = False
        self.due = 0

    def end(self):
        """Stop the heartbeat: the application has shut down."""
        if self.beating:
            self._rest()
            self.recorder.note("serving", event="end", time_ns=now(), arrivals=self.arrivals, beats=self._beats)
        self.stop_watching()

    def _arm(self, time_ns):
        self.due = time_ns + int(BEAT_SECONDS * 1e9)
        self.loop.call_later(BEAT_SECONDS, self._beat, self.loop)

    def _beat(self, loop):
        if loop is not self.loop:
            return
        if not self.beating or not self.on:
            self._rest()
            return
        try:
            ran = now()
            cpu = time.thread_time_ns()
            self._beats += 1
            if ran - self.due > LATE_NS:
                self._put_lag(ran, cpu)
            self._cpu = cpu
            self._garbage = 0
            self._sample_pool(ran)
            self._quiet = 0 if self.arrivals != self._seen or self.in_flight else self._quiet + 1
            self._seen = self.arrivals
            if self._beats % CACHE_BEATS == 0:
                self._caches.tell()
            if self._quiet > QUIET_BEATS:
                self._rest()
                return
            self._arm(now())
        except BaseException as error:
            self._rest()
            self.off("heartbeat", error)

    def _tell_caches(self):
        if self.on:
            self.guard(self._caches.tell, "caches")

    def _put_lag(self, ran, cpu):
        """Record a late heartbeat. flags: CPU percent of the loop's thread, 1 + percent of looks with a free GIL."""
        late = ran - self.due
        stack = 0
        flags = min(100, int(100 * (cpu - self._cpu) / (late + BEAT_SECONDS * 1e9)))
        if self._garbage > late // 2:
            flags = GARBAGE
        elif self._sites:
            stack = self._ids[max(self._sites, key=self._sites.__getitem__)]
            if self._looks:
                flags |= (1 + 100 * self._free // self._looks) << 8
        self._reset_block()
        ring = self.recorder.rings.get(get_ident()) or self.recorder.ring()
        ring.put(signals.LAG, flags, self.due, ran, stack)

    def _sample_pool(self, time_ns):
        """Record anyio's thread pool if one is in use and has changed."""
        limiter = self._limiter
        if limiter is None:
            limiter = self._limiter = limiter_of(self.loop) if self.in_flight else None
        if limiter is None:
            return
        borrowed = limiter.borrowed_tokens
        if borrowed:
            waiting = limiter.statistics().tasks_waiting
            total = min(int(limiter.total_tokens), 0xFFFFFFFF) if limiter.total_tokens < 2**31 else 0
            ring = self.recorder.ring()
            ring.put(signals.POOL, min(waiting, 65535), time_ns, time_ns, borrowed << 32 | total)

    def _collected(self, phase, info):
        if phase == "start":
            self._garbage_began = now()
        else:
            self._garbage += now() - self._garbage_began

    # -- the watchdog, in a thread of its own --------------------------------------------------------------

    def _reset_block(self):
        self._sites = {}  # (code, line) of the user's innermost frame -> times seen
        self._ids = {}
        self._looks = 0
        self._free = 0

    def watch_models(self):
        """Look for the line that calls the model; a server without an event loop has no other use for the thread."""
        if not self._watching:
            self.thread = self.thread or get_ident()
            self._watch()

    def _watch(self):
        if self._watching:
            return
        self._watching = True
        self._stop, self._stopped = allocate_lock(), allocate_lock()
        self._stop.acquire()
        self._stopped.acquire()
        native_thread.start(self._watchdog, self._stop, self._stopped)

    def stop_watching(self):
        """Stop the watchdog and wait for it (before a fork, since a process with threads must not fork)."""
        if self._watching:
            self._watching = False
            self._stop.release()
            if self.thread != 0 and self._stopped is not None:
                self._stopped.acquire(timeout=1.0)

    def _resume(self):
        if self.beating and self.on:
            self._watch()

    def _forget(self):
        """At first, and in a forked child, where the parent's loop, thread and requests do not exist."""
        self._watching = False
        self._rest()
        self.in_flight = 0
        self.inside = set()  # ids of the scopes of the requests inside
        self.loop = None
        self._limiter = None
        self.open = {}  # id -> request of a WSGI server
        self.threads = {}  # thread -> the last of those that it began
        self.environs = {}  # id of a WSGI environment -> its request, where the server tells
        self.addressed = False
        self.key = os.urandom(16)  # of hashes; it never leaves the process
        self._names = Names(self.recorder)
        self._caches = LruCaches(self.recorder)
        self._models = {}  # call-site id -> times seen inside a forward
        self._reset_block()

    def _pause(self, looked):
        """Seconds until the watchdog's next look: no more often than somebody needs it, as each takes the GIL."""
        if looked == self.due:
            return LOOK_SECONDS
        if not self.beating or "torch" in sys.modules:
            return WATCH_SECONDS
        return max(0.001, (self.due - now()) / 1e9 + WATCH_SECONDS)

    def _watchdog(self, stop, stopped):
        try:
            looked, looks = None, 0
            while self.on and not stop.acquire(timeout=self._pause(looked)):
                due = self.due
                if self.in_flight:
                    self._look_at_model()
                if not self.beating or now() - due < WATCH_SECONDS * 1e9:
                    continue
                if looked != due:
                    looked, looks = due, 0
                looks += 1
                if looks < MAX_LOOKS or looks % 10 == 0:
                    self._look()
        except BaseException as error:
            try:
                self.recorder.fail(self.id, "watchdog", error)
            except BaseException:
                pass
        finally:
            stopped.release()

    def _look(self):
        """Note the user's innermost frame that blocks the loop's thread, and whether we could run meanwhile."""
        before = now()
        sleep(0.001)
        self._looks += 1
        self._free += now() - before < 1_000_000 + GIL_WAIT_NS
        with AllFrames() as frames:
            self._blame(frames.get(self.thread))

    def _blame(self, top):
        """Count the user's line of the loop's thread, whose innermost frame is ``top``."""
        frame, inner, user = top, None, None
        while frame is not None and not any(folder in frame.f_code.co_filename for folder in _LOOP_FOLDERS):
            if inner is None:
                inner = frame
            if user is None and self.recorder.is_user(frame.f_code):
                user = frame
            frame = frame.f_back
        site = user or inner
        if site is None:  # waiting in its selector: late because it waits for a core or the GIL
            return
        key = (site.f_code, line_of(site))
        if key not in self._ids:
            self._ids[key] = self.recorder.stack(top)
        self._sites[key] = self._sites.get(key, 0) + 1

    def _look_at_model(self):
        """Note the line that calls the model: the user's frame above a thread's outermost forward."""
        for thread, ring in list(self.recorder.rings.items()):
            if ring.phase != signals.FORWARD and ring.phase != signals.EVAL:
                continue
            caller = None
            with AllFrames() as frames:
                frame = frames.get(thread)
                while frame is not None:
                    if frame.f_code.co_filename.endswith(_FORWARD_HOOK):
                        caller = frame
                    frame = frame.f_back
                user = self.recorder.user_frame(caller)
            if user is not None:
                site = self.recorder.site_of(user.f_code, line_of(user))
                count = self._models[site] = self._models.get(site, 0) + 1
                if count & (count - 1) == 0:  # only at 1, 2, 4, ...: a note costs a write
                    self.recorder.note("model_call", site=site, count=count)

    # -- failures ------------------------------------------------------------------------------------------

    def guard(self, function, where):
        """Call one of our functions; an error switches the collector off and never reaches the application."""
        try:
            function()
        except BaseException as error:
            self.off(where, error)

    def off(self, where, error):
        """Handle an error in a hook: pass requests through from now on."""
        if is_users_exception(error):
            raise error
        self.on = False
        self.recorder.serving = None
        self.recorder.fail(self.id, where, error)

    def release(self):
        """Drop one user; the last one stops everything."""
        self.users -= 1
        if self.users <= 0:
            self.on = False
            self.guard(self.end, "detach")
            atexit.unregister(self._tell_caches)
            if self._collected in gc.callbacks:
                gc.callbacks.remove(self._collected)
            if self.recorder.serving is self:
                self.recorder.serving = None


def serving(recorder):
    """The serving state of this process, created on first use; counts its users."""
    state = recorder.serving
    if state is None:
        state = recorder.serving = Serving(recorder)
    state.users += 1
    return state
