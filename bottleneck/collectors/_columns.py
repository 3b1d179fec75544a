"""Which columns of a frame that was read from a file are ever used.

While, and only while, a tracked frame is alive and not yet used as a whole, the public methods of ``DataFrame`` are
wrapped. Selecting columns adds them to the note "used"; a row filter or a copy is followed; anything else that can
see the values counts as the whole frame, which ends the tracking: when unsure, all columns are used.
"""

import weakref
from _thread import get_ident

from ..recorder import is_users_exception
from . import Patches, dress

MAX_TRACKED = 16  # frames followed at a time
#: Looks that do not read values.
HARMLESS = frozenset(
    "columns index shape ndim size dtypes empty axes attrs flags keys info memory_usage from_records from_dict "
    "from_arrow set_flags loc iloc at iat T style sparse plot".split()
)
#: Results have the same columns (or fewer), so they are followed instead.
DERIVED = frozenset(
    "copy head tail sample reset_index __copy__ __deepcopy__ drop add_prefix rename truncate sort_index".split()
)
SPECIAL = frozenset("__getitem__ __init__ groupby sort_values dropna drop_duplicates pop get".split())
#: Double-underscore methods that see values (the arithmetic ones go through operator methods with these names).
WHOLE = (
    "__array__ __arrow_c_stream__ __dataframe__ __getstate__ __reduce__ __reduce_ex__ __iter__ __add__ __sub__ "
    "__mul__ __truediv__ __floordiv__ __mod__ __pow__ __radd__ __rsub__ __rmul__ __rtruediv__ __matmul__ __rmatmul__ "
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __and__ __or__ __invert__ __neg__ __abs__ __array_ufunc__"
).split()
FUNCTIONS = (
    "concat merge merge_asof merge_ordered get_dummies melt pivot_table pivot crosstab wide_to_long isna isnull notna "
    "notnull to_pickle"
).split()
#: ``iter(frame)`` and ``frame.keys()`` give names only, but nearly always to visit every column.


class _Used:
    """What is known about one read: columns still unused, and those used."""

    __slots__ = ("all", "columns", "read", "used")

    def __init__(self, read, columns):
        self.read = read
        self.columns = frozenset(columns)
        self.used = set()
        self.all = False


class Columns:
    """Follows frames; ``track(frame, read id)`` begins. ``pandas`` is the imported module."""

    def __init__(self, recorder, pandas, off):
        self.recorder = recorder
        self.pandas = pandas
        self.off = off
        self.frames = {}  # id -> (weak reference, _Used)
        self.groups = {}
        self.busy = 0  # identity of the thread inside a wrapped method: pandas calls itself
        self.patches = Patches()
        self.installed = False

    # -- registry --------------------------------------------------------------------------------------------

    def track(self, frame, read):
        """Begin to follow ``frame``, the result of read ``read``."""
        if len(self.frames) >= MAX_TRACKED or not frame.columns.is_unique:
            return
        used = _Used(read, list(frame.columns))
        if not self.installed:
            self._install()
        self._follow(self.frames, frame, used)
        self.recorder.note("used", read=read, columns=[])

    def _follow(self, table, thing, used):
        key = id(thing)
        if used.all or len(table) >= 4 * MAX_TRACKED:
            self.whole(used)
            return
        table[key] = (weakref.ref(thing, lambda _: self._gone(table, key)), used)

    def _gone(self, table, key):
        table.pop(key, None)

    def settle(self):
        """Take the hooks away when nothing is left to follow."""
        if self.installed and not self.frames and not self.groups:
            self.patches.restore()
            self.installed = False

    def find(self, table, thing):
        found = table.get(id(thing))
        return found[1] if found is not None and found[0]() is thing else None

    # -- facts -----------------------------------------------------------------------------------------------

    def use(self, used, labels):
        """Columns ``labels`` of a read are used; unknown labels are columns made later."""
        new = [label for label in labels if label in used.columns and label not in used.used]
        if new and not used.all:
            used.used.update(new)
            if len(used.used) * 2 > len(used.columns):
                self.whole(used)
            else:
                self.recorder.note("used", read=used.read, columns=[str(label) for label in new])

    def whole(self, used):
        """The whole frame is used: say so and stop following it and what came of it."""
        if not used.all:
            used.all = True
            self.recorder.note("used", read=used.read, columns=None)
        for table in (self.frames, self.groups):
            for key in [key for key, (_, other) in table.items() if other is used]:
                table.pop(key, None)

    # -- hooks -----------------------------------------------------------------------------------------------

    def _install(self):
        self.installed = True
        frame = self.pandas.DataFrame
        for name in dir(frame):
            if name in HARMLESS or (name.startswith("_") and name not in WHOLE):
                continue
            if name in DERIVED or name in SPECIAL:
                continue
            self._hook(frame, name, self._see_whole)
        self._hook(frame, "__copy__", self._see_derived)
        self._hook(frame, "__deepcopy__", self._see_derived)
        for name in DERIVED:
            if not name.startswith("_"):
                self._hook(frame, name, self._see_derived)
        self._hook(frame, "__getitem__", self._see_item)
        self._hook(frame, "__init__", self._see_init)
        self._hook(frame, "groupby", self._see_group)
        self._hook(frame, "pop", self._see_item)
        self._hook(frame, "get", self._see_item)
        for name in ("sort_values", "dropna", "drop_duplicates"):
            self._hook(frame, name, self._see_by)
        for indexer, see in ((type(frame().loc), self._see_loc), (type(frame().iloc), self._see_iloc)):
            self._hook(indexer, "__getitem__", see)
        for indexer in (type(frame().at), type(frame().iat)):
            self._hook(indexer, "__getitem__", self._see_at)
        for name in ("T", "style", "sparse", "plot"):
            self._hook(frame, name, self._see_whole)
        for name in FUNCTIONS:
            if hasattr(self.pandas, name):
                self._hook(self.pandas, name, self._see_arguments)
        self._hook_groups()

    def _hook_groups(self):
        grouped = self.pandas.core.groupby.DataFrameGroupBy
        for name in dir(grouped):
            if name.startswith("_") or name in ("ndim", "ngroups", "groups", "indices", "size", "keys", "level"):
                continue
            self._hook(grouped, name, self._see_aggregation)
        self._hook(grouped, "__getitem__", self._see_selection)
        self._hook(grouped, "__iter__", self._see_aggregation)

    def _hook(self, owner, name, see):
        original = getattr(owner, name, None)
        descriptor = vars(owner).get(name)
        for base in getattr(owner, "__mro__", ()):
            if descriptor is None:
                descriptor = vars(base).get(name)
        if isinstance(descriptor, property) and descriptor.fget is not None:
            get = self._watched(descriptor.fget, see)
            self.patches.replace(owner, name, property(get, descriptor.fset, descriptor.fdel, descriptor.__doc__))
        elif callable(original) and not isinstance(descriptor, (classmethod, staticmethod, type)):
            if descriptor is not None and not callable(descriptor):
                return  # accessors (plot, sparse) reach the values through the frame itself
            self.patches.replace(owner, name, self._watched(original, see))

    def _watched(self, original, see):
        """``original`` with ``see(args, kwargs) -> after`` before it; ``after(result)`` when not None."""

        def hooked(*args, **kwargs):
            if self.busy == get_ident() or not (self.frames or self.groups):
                return original(*args, **kwargs)
            self.busy = get_ident()
            try:
                after = see(args, kwargs)
            except BaseException as error:
                self.busy = 0
                self._fail(error)
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            finally:
                self.busy = 0
            if after is not None:
                try:
                    after(result)
                except BaseException as error:
                    self._fail(error)
            return result

        return dress(hooked, original)

    def _fail(self, error):
        if is_users_exception(error):
            raise error
        for _, used in list(self.frames.values()):
            self.whole(used)
        self.frames.clear()
        self.groups.clear()
        self.off("columns", error)

    # -- what a call says about columns ------------------------------------------------------------------------

    def _see_arguments(self, args, kwargs):
        """Any tracked frame among the arguments (or in a list or dict of them) is used as a whole."""
        for value in (*args, *kwargs.values()):
            items = value if isinstance(value, (list, tuple)) else (value,)
            if isinstance(value, dict):
                items = tuple(value.values())
            for item in items:
                used = self.find(self.frames, item)
                if used is not None:
                    self.whole(used)
        return None

    _see_whole = _see_arguments

    def _see_derived(self, args, kwargs):
        used = self.find(self.frames, args[0])
        return None if used is None else lambda result: self._same(result, used)

    def _see_init(self, args, kwargs):
        data = args[1] if len(args) > 1 else kwargs.get("data")
        used = self.find(self.frames, data)
        if used is None:
            return self._see_arguments(args[1:], kwargs)
        return lambda _: self._same(args[0], used)

    def _see_item(self, args, kwargs):
        used = self.find(self.frames, args[0])
        key = args[1] if len(args) > 1 else kwargs.get("key", kwargs.get("item"))
        return None if used is None else self._key(used, key, args[0])

    def _key(self, used, key, frame):
        labels = self._labels(key, frame)
        if labels is not None:
            self.use(used, labels)
            return None
        return lambda result: self._same(result, used)

    def _labels(self, key, frame):
        """Column labels that a key selects; None when it selects rows."""
        if isinstance(key, (str, int, tuple)):
            return [key]
        if isinstance(key, (slice, self.pandas.DataFrame)):
            return None
        if getattr(key, "dtype", None) == "bool" or callable(key):
            return None
        labels = list(key) if hasattr(key, "__iter__") else [key]
        if labels and isinstance(labels[0], bool):
            return None
        return labels

    def _same(self, result, used):
        """Follow a result that has the same columns; a Series of a row means the whole row."""
        if isinstance(result, self.pandas.DataFrame):
            if any(column in used.columns for column in result.columns):
                self._follow(self.frames, result, used)
        elif result is not None:
            self.whole(used)

    def _see_loc(self, args, kwargs):
        frame = getattr(args[0], "obj", None)
        used = self.find(self.frames, frame)
        if used is None:
            return None
        key = args[1]
        if isinstance(key, tuple) and len(key) == 2 and not isinstance(key[1], slice):
            return self._key(used, key[1], frame)
        return lambda result: self._same(result, used)

    def _see_iloc(self, args, kwargs):
        used = self.find(self.frames, getattr(args[0], "obj", None))
        if used is None:
            return None
        if isinstance(args[1], tuple):
            self.whole(used)
            return None
        return lambda result: self._same(result, used)

    def _see_at(self, args, kwargs):
        used = self.find(self.frames, getattr(args[0], "obj", None))
        if used is not None and isinstance(args[1], tuple) and isinstance(args[1][-1], str):
            self.use(used, [args[1][-1]])
        elif used is not None:
            self.whole(used)

    def _see_by(self, args, kwargs):
        used = self.find(self.frames, args[0])
        if used is None:
            return None
        by = kwargs.get("by", kwargs.get("subset", args[1] if len(args) > 1 else None))
        if by is None:
            self.whole(used)
            return None
        self.use(used, [by] if isinstance(by, str) else list(by))
        return lambda result: self._same(result, used)

    def _see_group(self, args, kwargs):
        used = self.find(self.frames, args[0])
        if used is None:
            return None
        by = kwargs.get("by", args[1] if len(args) > 1 else None)
        keys = list(by) if isinstance(by, (list, tuple)) else [by]
        if not all(isinstance(key, str) for key in keys):
            self.whole(used)
            return None
        self.use(used, keys)
        return lambda result: self._follow(self.groups, result, used)

    def _see_selection(self, args, kwargs):
        used = self.find(self.groups, args[0])
        if used is not None:
            self.use(used, [args[1]] if isinstance(args[1], str) else list(args[1]))

    def _see_aggregation(self, args, kwargs):
        used = self.find(self.groups, args[0])
        if used is None or getattr(args[0], "_selection", None) is not None:
            return None
        func = args[1] if len(args) > 1 else kwargs.get("func")
        if isinstance(func, dict):
            self.use(used, list(func))
        elif func is None and kwargs and all(isinstance(v, tuple) and len(v) == 2 for v in kwargs.values()):
            self.use(used, [value[0] for value in kwargs.values()])
        else:
            self.whole(used)
        return None
