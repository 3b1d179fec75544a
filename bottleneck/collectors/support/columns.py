"""Tracks which columns of a frame read from a file are ever used.

pandas keeps a frame's columns in a manager, and all access to values goes through it. We wrap nothing public, because
pandas checks reference counts and the callers of its methods. Instead, the manager of a tracked frame gets a subclass
that behaves the same and takes notes. Selecting a column counts as use. Row filters, copies and drops are tracked. Any
other access counts as use of all the manager's columns: when in doubt, a column is used.
"""

import weakref

from ...agent.recorder import is_users_exception, now
from .hooking import unseen
from .reads import SMALL_NS

MAX_FOLLOWED = 64  # managers at a time, including those of row filters and copies
MAX_MOVES = 64  # described per read
#: Attributes that hold no values; and those that are worked out from what does.
ATTRIBUTES = frozenset(
    "axes items ndim shape blknos blklocs _blknos _blklocs _known_consolidated _is_consolidated __doc__".split()
)
SUMMARIES = frozenset("is_single_block any_extension_types is_view nblocks __class__".split())
#: Methods that look at no values, or put new ones in.
LOOKS = frozenset(
    "get_dtypes get_unique_dtypes is_consolidated _consolidate_inplace _has_no_reference _has_no_reference_block "
    "add_references insert iset set_axis".split()
)
#: Methods whose result is followed: the same columns, or some of them.
DERIVED = frozenset(
    "copy take reindex_indexer reindex_axis get_slice idelete consolidate get_numeric_data get_bool_data "
    "_get_data_subset".split()
)
#: Methods about the column at the position given first.
COLUMN = frozenset("iget iget_values column_setitem".split())


class _Used:
    """The columns of one read, and which of them are used."""

    __slots__ = ("all", "columns", "filtered", "moves", "read", "used")

    def __init__(self, read, columns):
        self.read = read
        self.moves = 0
        self.filtered = False
        self.columns = frozenset(columns)
        self.used = set()
        self.all = False


class Columns:
    """Tracks frames from ``track(frame, read id)`` on. Calls ``off(where, error)`` when it cannot continue."""

    def __init__(self, recorder, off):
        self.recorder = recorder
        self.off = off
        self.followed = weakref.WeakKeyDictionary()  # manager -> _Used
        self.plain = self.watched = None  # classes of managers

    def track(self, frame, read):
        """Start tracking ``frame``, the result of read ``read``."""
        manager = frame._mgr
        if self.plain is None and type(manager).__name__ == "BlockManager":
            self.plain = type(manager)
            self.watched = _watched(self, self.plain)
        if type(manager) is not self.plain or not frame.columns.is_unique or len(self.followed) >= MAX_FOLLOWED:
            return
        self._follow(manager, _Used(read, frame.columns))
        self.recorder.note("used", read=read, columns=[])

    def _follow(self, manager, used):
        if used.all or len(self.followed) >= MAX_FOLLOWED:
            self._use(used, manager.items)
        elif type(manager) is self.plain:
            self.followed[manager] = used
            manager.__class__ = self.watched

    def forget(self, used=None):
        """Stop tracking the frames of one read, or all frames."""
        for manager, other in list(self.followed.items()):
            if used is None or other is used:
                del self.followed[manager]
                manager.__class__ = self.plain

    def _use(self, used, labels):
        """Mark columns ``labels`` of a read as used; unknown labels are columns created later."""
        new = [label for label in labels if label in used.columns and label not in used.used]
        if not new or used.all:
            return
        used.used.update(new)
        used.all = len(used.used) * 2 > len(used.columns)
        self.recorder.note("used", read=used.read, columns=None if used.all else [str(label) for label in new])
        if used.all:
            self.forget(used)

    # -- called by the managers ----------------------------------------------------------------------------------

    def release(self, manager):
        """Mark all columns in ``manager`` as used and stop tracking it."""
        used = self.followed.pop(manager, None)
        manager.__class__ = self.plain
        if used is not None:
            self._use(used, manager.items)

    def seen(self, manager, name, args, result, took_ns):
        """Method ``name`` was called with ``args`` (positional or by name) and took ``took_ns``."""
        used = self.followed.get(manager)
        if used is None:
            return
        if name in COLUMN:
            self._use(used, [manager.items[args[0]]])
        elif name in DERIVED and result is not manager:
            if name == "take" and not used.filtered and len(result.axes[1]) < len(manager.axes[1]):
                used.filtered = True
                self.recorder.note("kept", read=used.read, rows=len(result.axes[1]))
            # A selection names the columns in use; a drop keeps the rest, which says nothing about their use.
            if len(result.items) * 2 > len(used.columns):
                if took_ns >= SMALL_NS and used.moves < MAX_MOVES:
                    used.moves += 1
                    self.recorder.note("moved", read=used.read, wall_ns=took_ns)
                self._follow(result, used)
            else:
                self._use(used, result.items)

    def fail(self, error):
        """Handle an error in a hook: stop tracking and report all columns as used."""
        if is_users_exception(error):
            raise error
        for used in set(self.followed.values()):
            self.recorder.note("used", read=used.read, columns=None)
        self.forget()
        self.off("columns", error)


def _watched(columns, plain):
    """A subclass of the manager class ``plain`` that reports every access to ``columns``."""

    def plainly(manager, name, args=None, kwargs=None):
        """Get an attribute or call a method with the plain class: internal access is not use, and results are plain."""
        manager.__class__ = plain
        try:
            value = getattr(manager, name)
            return value if args is None else value(*args, **kwargs)
        finally:
            if manager in columns.followed:
                manager.__class__ = watched

    unseen(plainly, plain)

    def method(name):
        def call(manager, *args, **kwargs):
            try:
                if name == "set_axis" and args[:1] != (1,):  # we do not track renamed columns
                    columns.release(manager)
            except BaseException as error:
                columns.fail(error)
            t0 = now()
            result = plainly(manager, name, args, kwargs)
            try:
                columns.seen(manager, name, (*args, *kwargs.values()), result, now() - t0)
            except BaseException as error:
                columns.fail(error)
            return result

        return unseen(call, plain)

    methods = {name: method(name) for name in LOOKS | DERIVED | COLUMN if hasattr(plain, name)}
    inherited = plain.__getattribute__

    def __getattribute__(manager, name):
        if name in ATTRIBUTES or name in methods:
            return inherited(manager, name)
        if name in SUMMARIES:
            return plainly(manager, name)
        try:
            columns.release(manager)
        except BaseException as error:
            columns.fail(error)
        return getattr(manager, name)

    fields = {"__slots__": (), "__getattribute__": __getattribute__, "__module__": plain.__module__}
    watched = type(plain.__name__, (plain,), {**methods, **fields})
    return watched
