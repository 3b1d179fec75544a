"""Which columns of a frame that was read from a file are ever used.

pandas keeps the columns of a frame in a manager, and whatever sees values asks it for them. So nothing public is
wrapped (pandas looks at the reference count and at the caller of its methods): the manager of a followed frame, and
no other, gets a class that answers the same and takes notes. Taking a column out counts as using it; rows, copies and
drops are followed; any other request counts as all columns of that manager: when unsure, they are used.
"""

import weakref

from ...agent.recorder import is_users_exception, now
from .hooking import unseen
from .reads import SMALL_NS

MAX_FOLLOWED = 64  # managers at a time, those of row filters and copies included
MAX_MOVES = 64  # of one read that are described
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
    """What is known about one read: its columns, and those in use."""

    __slots__ = ("all", "columns", "moves", "read", "used")

    def __init__(self, read, columns):
        self.read = read
        self.moves = 0
        self.columns = frozenset(columns)
        self.used = set()
        self.all = False


class Columns:
    """Follows frames; ``track(frame, read id)`` begins. ``off(where, error)`` is told when it cannot go on."""

    def __init__(self, recorder, off):
        self.recorder = recorder
        self.off = off
        self.followed = weakref.WeakKeyDictionary()  # manager -> _Used
        self.plain = self.watched = None  # classes of managers

    def track(self, frame, read):
        """Begin to follow ``frame``, the result of read ``read``."""
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
        """Follow no more what came of one read, or anything."""
        for manager, other in list(self.followed.items()):
            if used is None or other is used:
                del self.followed[manager]
                manager.__class__ = self.plain

    def _use(self, used, labels):
        """Columns ``labels`` of a read are used; unknown labels are columns made later."""
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
        """Somebody sees everything in ``manager``, which is no longer followed."""
        used = self.followed.pop(manager, None)
        manager.__class__ = self.plain
        if used is not None:
            self._use(used, manager.items)

    def seen(self, manager, name, args, result, took_ns):
        """Method ``name`` has been called with ``args``, by name or not, and took so long."""
        used = self.followed.get(manager)
        if used is None:
            return
        if name in COLUMN:
            self._use(used, [manager.items[args[0]]])
        elif name in DERIVED and result is not manager:
            # A selection names the columns that are wanted; a drop keeps the rest and says nothing about it.
            if len(result.items) * 2 > len(used.columns):
                if took_ns >= SMALL_NS and used.moves < MAX_MOVES:
                    used.moves += 1
                    self.recorder.note("moved", read=used.read, wall_ns=took_ns)
                self._follow(result, used)
            else:
                self._use(used, result.items)

    def fail(self, error):
        """A hook of ours is broken: follow nothing, and say that all columns were used."""
        if is_users_exception(error):
            raise error
        for used in set(self.followed.values()):
            self.recorder.note("used", read=used.read, columns=None)
        self.forget()
        self.off("columns", error)


def _watched(columns, plain):
    """A subclass of the manager class ``plain`` that tells ``columns`` what it is asked for."""

    def plainly(manager, name, args=None, kwargs=None):
        """An attribute, or the result of a method: what it asks of itself is no use, and its results are plain."""
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
                if name == "set_axis" and args[:1] != (1,):  # new names for the columns are more than we follow
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
