"""The recorder of one process: one ring buffer per thread, and a side file with the data that records refer to.

Runs inside the user's process. Everything here fails closed: if a ring cannot be created, that thread is not recorded
and the reason goes to the side file.
"""

import os
import sys
from itertools import count
from time import monotonic_ns, time_ns

from .. import signals
from ..signals import MAIN_CAPACITY, THREAD_CAPACITY
from .descriptors import open_high
from .files import Files
from .frames import OURS, TYPED, function_of, is_ours, library_prefixes, line_of
from .phases import Phases
from .ring import NullRing, Ring, TimedRing
from .unpatched import get_ident

now = monotonic_ns
NEVER = 1 << 62  # later than any clock
_MAX_STACKS = 4096
_MAX_STRINGS = 65536
#: Launchers other than torchrun: a task's number, and how many tasks there are.
_LAUNCHERS = ("SLURM_PROCID", "SLURM_NTASKS"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")


class Recorder:
    """The rings and the side file of this process. One instance per process: ``recorder()``."""

    def __init__(self, run_dir, role=signals.MAIN, until=NEVER):
        self.run_dir = run_dir
        self.until = until  # when the recording ends; the program may continue
        self.at_end = None  # called at that time
        self.live = os.path.join(run_dir, signals.LIVE)
        self.role = role
        self.files = Files(self.live)
        self.rings = {}
        self._numbers = count(1)
        self._ids = count(1)  # of strings and call sites
        self._side = self._side_is = None
        self._strings = {}
        self._sites = {}
        self.stacks = {}
        self.failed = set()
        self.active = True
        self.first_thread = get_ident()
        self.pid = os.getpid()
        self.prefixes = library_prefixes()
        self.own = ()  # path prefixes in site-packages whose files are the user's
        self._codes = {}
        self.phases = Phases(self.rings)
        self.trainings = 0  # backward passes and optimizer steps so far
        self.compiling = False  # torch.compile is compiling
        self.sampling = False  # inside a timed Dataset item
        self.options = {}
        self.executors = {}  # identity of its queue -> number of an executor
        self.serving = None  # the serving collector's state, with ``in_flight``
        self.growth = None  # container growth; called by both collectors that see steps
        self.looping = False  # a loop over a DataLoader has begun
        self.clock = self.parents_clock = None  # of the device, once one is in use
        self.dask_tasks = {}  # thread -> key prefix of the Dask task that it runs
        self.look_again = None  # set by the training collector: note the callers of the next forwards

    # -- rings ---------------------------------------------------------------------------------------------

    def ring(self):
        """The calling thread's ring, created on first use."""
        found = self.rings.get(get_ident())
        return found if found is not None else self._open(get_ident())

    def extra_ring(self, key):
        """A separate ring for a writer that interrupts the thread, such as a signal handler."""
        return self._open(key)

    def _open(self, key):
        capacity = MAIN_CAPACITY if key == self.first_thread and self.role == signals.MAIN else THREAD_CAPACITY
        while True:
            number = next(self._numbers)  # atomic in C: two threads never get the same number
            path = os.path.join(self.live, "%d-%d.ring" % (self.pid, number))
            if not os.path.exists(path):  # after exec, the new program has the same pid
                break
        self.rings[key] = self._make(path, number, capacity)
        return self.rings[key]

    def _make(self, path, number, capacity):
        if self.lasts():
            try:
                if self.until != NEVER:
                    return TimedRing(path, number, capacity, self.until, self.end)
                return Ring(path, number, capacity)
            except Exception as error:
                self.note("failed", collector="recorder", where="ring", error=_brief(error))
        return NullRing()

    # -- side file -----------------------------------------------------------------------------------------

    def note(self, kind, **fields):
        """Append one fact to the side file; values are builtins only. Never raises."""
        if not self.active:
            return
        try:
            if not self._side_is_ours():
                path = os.path.join(self.live, "%d.side" % self.pid)
                self._side = open_high(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                self._side_is = _identity(self._side)
            line = repr((kind, fields)) + "\n"
            os.write(self._side, line.encode("utf-8", "backslashreplace"))
        except OSError:
            self.active = False  # disk full or folder gone: the supervisor reports it, we stop

    def _side_is_ours(self):
        """Whether the descriptor is still the side file. A daemon may close all descriptors and reuse the numbers."""
        if self._side is None:
            return False
        try:
            return _identity(self._side) == self._side_is
        except OSError:
            return False

    def close_side(self):
        """Close the side file unless the program already has; the next note opens it again."""
        if self._side_is_ours():
            os.close(self._side)
        self._side = None

    def string(self, text):
        """Id of the interned string; 0 when there are too many."""
        found = self._strings.get(text)
        if found is None:
            if len(self._strings) >= _MAX_STRINGS:
                return 0
            found = self._strings[text] = next(self._ids)
            self.note("string", id=found, text=text)
        return found

    # -- call sites ----------------------------------------------------------------------------------------

    def is_user(self, code):
        """Whether a code object belongs to the user's own files."""
        # Keyed by id, since hashing a code object hashes all its constants. We keep it alive so the id stays valid.
        known = self._codes.get(id(code))
        if known is None:
            name = code.co_filename
            own = name.startswith((*self.own, *TYPED)) and not name.startswith(OURS)
            users = own or not name.startswith(self.prefixes)
            known = self._codes[id(code)] = (users, code)
        return known[0]

    def user_frame(self, frame):
        """The nearest frame at or above ``frame`` in one of the user's own files; None if there is none."""
        while frame is not None:
            if self.is_user(frame.f_code):
                return frame
            frame = frame.f_back
        return None

    def site(self, depth=1):
        """Id of the nearest user call site above the caller; 0 if there is none."""
        frame = self.user_frame(sys._getframe(depth))
        if frame is None:
            return 0
        return self.site_of(frame.f_code, line_of(frame))

    def site_of(self, code, line):
        """Id of (code object, line)."""
        key = (id(code), line)
        found = self._sites.get(key)
        if found is None:
            self.is_user(code)  # keeps the code object, and with it its id
            found = self._sites[key] = next(self._ids)
            file = self.files.name(code.co_filename)
            self.note("site", id=found, file=file, line=line, function=function_of(code))
        return found

    def stack(self, frame, limit=64):
        """Id of the stack from ``frame`` outwards; 0 when the table of 4,096 is full."""
        walked = []
        while frame is not None and len(walked) < 2 * limit:
            walked.append(frame.f_code)
            walked.append(line_of(frame))
            frame = frame.f_back
        key = tuple(walked)
        found = self.stacks.get(key)
        if found is None:
            if len(self.stacks) >= _MAX_STACKS:
                return 0
            found = self.stacks[key] = len(self.stacks) + 1
            frames = [
                (function_of(c), self.files.name(c.co_filename), line, self.is_user(c))
                for c, line in zip(key[::2], key[1::2])
                if not is_ours(c.co_filename)
            ]
            self.note("stack", id=found, frames=frames)
        return found

    # -- the end -------------------------------------------------------------------------------------------

    def lasts(self):
        """Whether this process is still recording."""
        if now() >= self.until:
            self.end()
        return self.active

    def end(self):
        """Stop recording in this process. Any thread may call this while others are inside hooks; records that those
        still write to their rings are never read."""
        self.active = False
        for key in list(self.rings):
            self.rings[key] = NullRing()
        if self.serving is not None:
            self.serving.on = False
        if self.at_end is not None:
            self.at_end()

    # -- failures ------------------------------------------------------------------------------------------

    def fail(self, collector, where, error):
        """Handle an error in a hook: switch its collector off and report it once."""
        if collector not in self.failed:
            self.failed.add(collector)
            self.note("failed", collector=collector, where=where, error=_brief(error))

    def after_fork(self):
        """In a forked child: drop the parent's rings without writing to them."""
        self.role = signals.FORKED
        self.pid = os.getpid()
        # The events are the parent's: to destroy them here would call the driver, which does not survive a fork.
        self.parents_clock, self.clock = self.clock, None
        self.rings.clear()  # not a new dictionary: hooks hold a reference to this one
        self._numbers = count(1)
        self.first_thread = get_ident()
        self.close_side()
        self._strings = {}
        self._sites = {}
        self.stacks = {}
        if self.lasts():
            self.hello()

    def hello(self):
        """Announce this process: pid, parent, rank. Contains no arguments and no environment."""
        environ = os.environ
        rank, size = environ.get("RANK"), environ.get("WORLD_SIZE")
        for number, tasks in _LAUNCHERS:
            if rank is None and environ.get(tasks, "1") != "1":
                rank, size = environ.get(number), environ[tasks]
        self.note(
            "hello",
            pid=self.pid,
            ppid=os.getppid(),
            time_ns=now(),
            wall_ns=time_ns(),
            role=self.role,
            python="%d.%d.%d" % sys.version_info[:3],
            rank=rank,
            local_rank=environ.get("LOCAL_RANK"),
            world_size=size,
        )


def _identity(descriptor):
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def is_users_exception(error):
    """Whether ``error`` belongs to the user and only passed through our frame.

    True for Ctrl-C, for an exception from one of the user's signal handlers, and for a non-builtin exception that
    another thread raised asynchronously in our frame: our own code only raises builtin exceptions.
    """
    if isinstance(error, KeyboardInterrupt):
        return True
    if error.__traceback__ is None:
        return False
    if type(error).__module__ != "builtins":
        trace = error.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        if trace.tb_frame.f_code.co_filename.startswith(OURS):
            return True
    signal = sys.modules.get("signal")
    if signal is None:
        return False
    handlers = set()
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if code is not None and not code.co_filename.startswith(OURS):  # the sampler's handler is ours
            handlers.add(code)
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def _brief(error):
    return "%s: %s" % (type(error).__name__, str(error)[:200])


_current = None
_watches_forks = False


def recorder():
    """The recorder of this process; None if it is not recording."""
    return _current


def install(run_dir, role=signals.MAIN, until=NEVER):
    """Make this process record into ``run_dir``; idempotent. Returns the recorder."""
    global _current, _watches_forks
    if _current is None:
        _current = Recorder(run_dir, role, until)
        if not _watches_forks:
            os.register_at_fork(after_in_child=_after_fork)
            _watches_forks = True
        if _current.lasts():
            _current.hello()
    return _current


def uninstall():
    """Stop recording in this process; code that still holds the recorder writes to nothing."""
    global _current
    if _current is not None:
        _current.active = False
        _current.rings = {}
        _current.close_side()
        _current = None


def _after_fork():
    if _current is not None:
        try:
            _current.after_fork()
        except Exception:
            _current.active = False
