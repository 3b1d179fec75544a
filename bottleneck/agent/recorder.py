"""What one process records: a ring for each of its threads, and the side file with what the records refer to.

Runs inside the user's process. Everything here fails closed: a ring that cannot be made turns recording off for that
thread, and the reason goes to the side file.
"""

import os
import sys
from itertools import count
from time import monotonic_ns, time_ns

from .. import signals
from ..signals import MAIN_CAPACITY, THREAD_CAPACITY
from .files import Files
from .frames import OURS, function_of, library_prefixes, line_of
from .ring import NullRing, Ring, TimedRing
from .unpatched import get_ident

now = monotonic_ns
NEVER = 1 << 62  # later than any clock
_MAX_STACKS = 4096
_MAX_STRINGS = 65536


class Recorder:
    """The rings and the side file of this process. One instance a process: ``recorder()``."""

    def __init__(self, run_dir, role=signals.MAIN, until=NEVER):
        self.run_dir = run_dir
        self.until = until  # when the recording ends, though the program may go on
        self.at_end = None  # called then
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
        self._codes = {}
        self.trainings = 0  # backward passes and optimizer steps so far
        self.compiling = False  # torch.compile compiles something
        self.sampling = False  # a timed item of a Dataset is being made
        self.options = {}
        self.serving = None  # the serving collector's state, with ``in_flight``
        self.growth = None  # of containers; both collectors that see steps look
        self.looping = False  # a loop over a DataLoader has begun
        self.learn_models = None  # the training collector's: look for models that were not called before

    # -- rings ---------------------------------------------------------------------------------------------

    def ring(self):
        """The calling thread's ring, made at the first use."""
        found = self.rings.get(get_ident())
        return found if found is not None else self._open(get_ident())

    def extra_ring(self, key):
        """A ring of its own for a writer that interrupts the thread's code, such as a signal handler."""
        return self._open(key)

    def _open(self, key):
        capacity = MAIN_CAPACITY if key == self.first_thread and self.role == signals.MAIN else THREAD_CAPACITY
        while True:
            number = next(self._numbers)  # one step of C code: two threads never get the same
            path = os.path.join(self.live, "%d-%d.ring" % (self.pid, number))
            if not os.path.exists(path):  # a program that has been replaced by exec keeps its process's number
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
                self._side = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                self._side_is = _identity(self._side)
            line = repr((kind, fields)) + "\n"
            os.write(self._side, line.encode("utf-8", "backslashreplace"))
        except OSError:
            self.active = False  # disk full or folder gone: the supervisor says so, we go quiet

    def _side_is_ours(self):
        """Whether the descriptor is still the side file: a daemon closes all, and its numbers are used again."""
        if self._side is None:
            return False
        try:
            return _identity(self._side) == self._side_is
        except OSError:
            return False

    def close_side(self):
        """Close the side file, unless the program has done so; the next note opens it again."""
        if self._side_is_ours():
            os.close(self._side)
        self._side = None

    def string(self, text):
        """Id of an interned string, 0 when too many."""
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
        # By identity: the hash of a code object goes through all of its constants. It is kept alive for that.
        known = self._codes.get(id(code))
        if known is None:
            name = code.co_filename
            known = self._codes[id(code)] = (
                not name.startswith(self.prefixes) and not name.startswith("<frozen"), code
            )  # fmt: skip
        return known[0]

    def user_frame(self, frame):
        """The nearest frame of the user's own files at or above ``frame``; None when there is none."""
        while frame is not None:
            if self.is_user(frame.f_code):
                return frame
            frame = frame.f_back
        return None

    def site(self, depth=1):
        """Id of the nearest user call site above the caller, 0 when there is none."""
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
                if not c.co_filename.startswith(self.prefixes[0])  # our own wrappers are no part of the program
            ]
            self.note("stack", id=found, frames=frames)
        return found

    # -- the end -------------------------------------------------------------------------------------------

    def lasts(self):
        """Whether this process still records."""
        if now() >= self.until:
            self.end()
        return self.active

    def end(self):
        """This process records no more. Any thread may say so, while others are inside hooks: what those still write
        into the rings that they hold is read by nobody."""
        self.active = False
        for key in list(self.rings):
            self.rings[key] = NullRing()
        if self.serving is not None:
            self.serving.on = False
        if self.at_end is not None:
            self.at_end()

    # -- failures ------------------------------------------------------------------------------------------

    def fail(self, collector, where, error):
        """A hook of ours failed: switch its collector off, say so once, and go on."""
        if collector not in self.failed:
            self.failed.add(collector)
            self.note("failed", collector=collector, where=where, error=_brief(error))

    def after_fork(self):
        """In a forked child: forget the parent's rings, never write to them."""
        self.role = signals.FORKED
        self.pid = os.getpid()
        self.rings.clear()  # not a new dictionary: hooks hold this one
        self._numbers = count(1)
        self.first_thread = get_ident()
        self.close_side()
        self._strings = {}
        self._sites = {}
        self.stacks = {}
        if self.lasts():
            self.hello()

    def hello(self):
        """Say that this process records: who it is, whose child, which rank; no arguments, no environment."""
        environ = os.environ
        self.note(
            "hello",
            pid=self.pid,
            ppid=os.getppid(),
            time_ns=now(),
            wall_ns=time_ns(),
            role=self.role,
            python="%d.%d.%d" % sys.version_info[:3],
            rank=environ.get("RANK"),
            local_rank=environ.get("LOCAL_RANK"),
            world_size=environ.get("WORLD_SIZE"),
        )


def _identity(descriptor):
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def is_users_exception(error):
    """Whether ``error`` came from the user through our frame.

    Ctrl-C, the raise of a signal handler of theirs, or an exception of a class of theirs that another thread has
    raised here: our own code raises builtin ones only, and theirs leaves a frame below ours when it is called by us.
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
        if code is not None and not code.co_filename.startswith(OURS):  # the sampler's own is one
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
    """The recorder of this process, None when nothing records."""
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
    """This process records no more; what still holds the recorder writes nowhere."""
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
