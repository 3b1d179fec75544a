"""Writes records into memory-mapped rings: one per thread, no locks, nothing lost when the process is killed.

Runs inside the user's process. A put costs about half a microsecond. Everything here fails closed: a ring that
cannot be made turns recording off for that thread, and the reason goes to the side file.
"""

import mmap
import os
import sys
from itertools import count
from struct import Struct
from time import monotonic_ns, time_ns

from .. import signals
from ..signals import DATA_AT, HEADER, HIST_AT, MAIN_CAPACITY, PHASE_COUNT, THREAD_CAPACITY, TOTALS_AT
from .frames import OURS, library_prefixes, line_of
from .unpatched import get_ident

pack_record = Struct(signals.RECORD).pack_into
pack_header = Struct(HEADER).pack_into
now = monotonic_ns
_WRITTEN = signals.WRITTEN_AT // 8
_TOTALS = TOTALS_AT // 8
_HIST = HIST_AT // 8
_MAX_STACKS = 4096
_MAX_STRINGS = 65536


class Ring:
    """One thread's records; exactly one writer. ``phase`` is the innermost open phase of that thread, ``open`` the
    optimizer steps it is in: (optimizer id, enclosing phase, start)."""

    __slots__ = ("_map", "_mask", "_words", "number", "on", "open", "phase", "written")

    def __init__(self, path, number, capacity):
        size = DATA_AT + capacity * signals.RECORD_BYTES
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # A sparse file on a full disk would answer the first write with SIGBUS: reserve the space now.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, size)
            else:
                os.ftruncate(descriptor, size)
            self._map = mmap.mmap(descriptor, size)
        except BaseException:
            os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        self._words = memoryview(self._map).cast("Q")
        self._mask = capacity - 1
        self.number = number
        self.open = []
        self.phase = 0
        self.written = 0
        self.on = True
        pack_header(
            self._map, 0, signals.MAGIC, signals.LAYOUT_VERSION, os.getpid(), 0, capacity, number, now(), time_ns()
        )

    def put(self, kind, flags, t0, t1, arg):
        """Append one record (times in ns); the record is complete before its index is published."""
        written = self.written
        pack_record(self._map, DATA_AT + ((written & self._mask) << 5), t0, t1, kind, flags, self.number, arg)
        self.written = written + 1
        self._words[_WRITTEN] = written + 1

    def spent(self, ns):
        """Add to what recording itself has cost in this ring's thread, CPU nanoseconds; survives a kill."""
        self._words[_TOTALS] += 1
        self._words[_TOTALS + 1] += ns

    def count(self, phase):
        """How often ``phase`` has ended in this thread."""
        first = _TOTALS + phase * PHASE_COUNT * 2
        return sum(self._words[first : first + PHASE_COUNT * 2 : 2])

    def close(self, phase, outer, t0, arg=0, flags=0):
        """End ``phase`` that began at ``t0`` inside ``outer``: totals, histogram, record. Returns t1 in ns."""
        t1 = now()
        self.phase = outer
        words = self._words
        cell = _TOTALS + (phase * PHASE_COUNT + outer) * 2
        words[cell] += 1
        words[cell + 1] += t1 - t0
        words[_HIST + (phase << 6) + (t1 - t0).bit_length()] += 1
        written = self.written
        pack_record(self._map, DATA_AT + ((written & self._mask) << 5), t0, t1, phase, flags | outer, self.number, arg)
        self.written = written + 1
        words[_WRITTEN] = written + 1
        return t1


class NullRing:
    """Swallows records where no ring could be made."""

    __slots__ = ("number", "open", "phase", "written")
    on = False

    def __init__(self):
        self.number = 0
        self.open = []
        self.phase = 0
        self.written = 0

    def put(self, kind, flags, t0, t1, arg):
        pass

    def close(self, phase, outer, t0, arg=0, flags=0):
        self.phase = outer
        return now()


class Recorder:
    """The rings and the side file of this process. One instance a process: ``recorder()``."""

    def __init__(self, run_dir, role=signals.MAIN):
        self.run_dir = run_dir
        self.live = os.path.join(run_dir, signals.LIVE)
        self.role = role
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
        if self.active:
            try:
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
            function = getattr(code, "co_qualname", code.co_name)
            self.note("site", id=found, file=os.path.abspath(code.co_filename), line=line, function=function)
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
                (getattr(c, "co_qualname", c.co_name), c.co_filename, line, self.is_user(c))
                for c, line in zip(key[::2], key[1::2])
                if not c.co_filename.startswith(self.prefixes[0])  # our own wrappers are no part of the program
            ]
            self.note("stack", id=found, frames=frames)
        return found

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


def install(run_dir, role=signals.MAIN):
    """Make this process record into ``run_dir``; idempotent. Returns the recorder."""
    global _current, _watches_forks
    if _current is None:
        _current = Recorder(run_dir, role)
        if not _watches_forks:
            os.register_at_fork(after_in_child=_after_fork)
            _watches_forks = True
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
