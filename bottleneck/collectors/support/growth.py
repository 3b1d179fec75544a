"""Finds the container that grows together with the process's memory. Called by the collectors that see steps.

We read lengths only if RSS has grown since the first look, and for 0.2 % of the time at most. We check lists, dicts,
sets, deques and bytearrays among the loop's local variables, its module's globals, and the attributes of those objects;
also containers inside small dicts, such as a history of losses. We store only names and numbers, call none of the
user's methods, and bound each look in names and in time.
"""

import sys

from ...agent.recorder import now
from .newest import newest
from .watches import CollectorWatch, DeviceWatch, ResidentMemory

_GROWN_BYTES = 4 << 20  # below this we read no lengths
_FIRST_MASK = 15  # one step in 16
_LOOKS = 256  # after this many, half as often: a long run takes a few thousand
_MAX_NAMES = 1500
_MAX_NS = 2_000_000
_PAUSE = 500  # times as long as the last reading of lengths took: reading takes 0.2 % of the time at most
_MAX_FRAMES = 4  # the loop's function and its callers in the user's code
_MIN_LENGTH = 8
_MAX_KEYS = 32  # a dict with more keys is a table, and we only read its length
_MAX_KEY_LETTERS = 40
_MAX_DICTS = 2  # nesting depth: history["train"]["loss"]
_MAX_NOTES = 4000
_mro_of = type.__dict__["__mro__"].__get__
_dict_of = object.__getattribute__
_OPTIMIZED = 1  # code flag: local names live in slots, and f_locals is a copy
_SNAPSHOT = frozenset(("locals", "vars", "eval", "exec", "dir", "f_locals"))
_COPIES_LOCALS = sys.version_info < (3, 13)


class Growth:
    """Call ``if due(): look(frame)`` once per step with the user's frame that runs it; several callers are fine."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.looks = 0
        self.steps = 0
        self.mask = _FIRST_MASK
        self._notes = 0
        self._base = None
        self._lengths = {}
        self.rss = ResidentMemory()
        collections = sys.modules.get("collections")
        self._kinds = {list: "list", dict: "dict", set: "set", bytearray: "bytearray"}
        if collections is not None:
            self._kinds[collections.deque] = "deque"
        self._until = self._due = 0
        self._left = 0
        self._looking = False
        self._device = DeviceWatch(recorder)
        self._watches = {"device-memory": self._device}

    def due(self):
        """Whether to look in this step: counts ``steps`` and is True when ``steps & mask`` is 0."""
        self.steps += 1
        return not self.steps & self.mask

    def look(self, frame):
        """If memory has grown, note every container that has grown since the last look.

        Does nothing without a frame or while another thread is in here.
        """
        if self._looking:
            return
        self._looking = True
        try:
            self._watch()
            self._look(frame)
        finally:
            self._looking = False

    def watch_collections(self):
        """Start summing the time of Python's garbage collector; call ``detach`` on the result to stop."""
        watch = CollectorWatch(self.recorder)
        watch.attach()
        self._watches["garbage-collector"] = watch  # type: ignore[assignment]
        return watch

    def _watch(self):
        """Run the watches of things other than containers; one that fails is dropped, the others continue."""
        for name, watch in list(self._watches.items()):
            try:
                watch()
            except Exception as error:
                del self._watches[name]
                self.recorder.fail(name, "look", error)

    def _look(self, frame):
        rss = self.rss()
        self.looks += 1
        if not self.looks % _LOOKS:
            self.mask = 2 * self.mask + 1
        if self._base is None:
            self._base = rss
        # The first look reads lengths too: growth needs an earlier length to compare with.
        grown = rss - self._base >= _GROWN_BYTES or self._device.grown
        if frame is None or (self.looks > 1 and not grown) or self._notes >= _MAX_NOTES:
            return
        began = now()
        if began < self._due:
            return
        self._until = began + _MAX_NS
        self._left = _MAX_NAMES
        seen = set()
        user, frames = frame, 0
        while user is not None and frames < _MAX_FRAMES:
            self._frame(user, rss, seen)
            user, frames = self.recorder.user_frame(user.f_back), frames + 1
        ended = now()
        self._due = ended + _PAUSE * (ended - began)

    def _frame(self, frame, rss, seen):
        code = frame.f_code
        # Before 3.13, reading f_locals updates the dict that locals() returns in that function.
        if code.co_flags & _OPTIMIZED and not (_COPIES_LOCALS and _SNAPSHOT.intersection(code.co_names)):
            names = frame.f_locals
            try:
                self._names("local", names, code, rss, seen)
            finally:
                # The frame keeps that dict, which would keep the user's objects alive: clear it unless other code
                # (a debugger) holds it too.
                if _COPIES_LOCALS and sys.getrefcount(names) <= 3:
                    names.clear()
        if id(frame.f_globals) not in seen:
            seen.add(id(frame.f_globals))
            self._names("global", frame.f_globals, code, rss, seen)

    def _names(self, scope, names, code, rss, seen):
        """Check the containers in ``names``, then those in attributes of the objects in ``names``."""
        file = code.co_filename
        for name, value in list(names.items()):
            if type(name) is not str or name.startswith("__") or not self._go_on():
                continue
            if self._container(scope, name, value, code, file, rss, seen):
                continue
            kind = type(value)
            if kind in _LEAVES or id(value) in seen:
                continue
            seen.add(id(value))
            is_module = kind is _MODULE
            try:
                inside = _dict_of(value, "__dict__")
            except Exception:
                continue
            if type(inside) is not dict:
                continue
            if is_module:
                where = inside.get("__file__")
                if type(where) is not str or where.startswith(self.recorder.prefixes) or id(inside) in seen:
                    continue
                seen.add(id(inside))
            else:
                where = _file_of(kind) or file
            for attribute, held in list(inside.items()):
                if type(attribute) is str and not attribute.startswith("__") and self._go_on():
                    self._container("attribute", name + "." + attribute, held, code, where, rss, seen)

    def _go_on(self):
        self._left -= 1
        return self._left > 0 and (self._left & 31 or now() < self._until)

    def _container(self, scope, name, value, code, file, rss, seen, key=""):
        """Whether ``value`` is a container; notes its length if it has grown. ``key``: its position inside ``name``."""
        kind = self._builtin_of(type(value))
        if kind is None:
            return False
        if id(value) in seen:
            return True
        seen.add(id(value))
        length = kind.__len__(value)  # the builtin's __len__, even if a subclass overrides it
        if kind is dict and length <= _MAX_KEYS and key.count("[") < _MAX_DICTS:
            self._inside(scope, name, value, code, file, rss, seen, key)
        known = (scope, name, key, code)
        before = self._lengths.get(known)
        if before is None and len(self._lengths) >= 4 * _MAX_NAMES:
            return True
        self._lengths[known] = length
        if before is not None and length > before and length >= _MIN_LENGTH:
            self._grown(known, kind, value, length, file, rss)
        return True

    def _builtin_of(self, kind):
        """The builtin container class that ``kind`` is or derives from; None if it is not a container."""
        if kind in self._kinds:
            return kind
        return next((base for base in _mro_of(kind) if base in self._kinds), None)

    def _grown(self, known, kind, value, length, file, rss):
        scope, name, key, code = known
        self._notes += 1
        item_kind, item_bytes = newest(kind, value)
        self.recorder.note(
            "container",
            name=name,
            key=key,
            container=self._kinds[kind],
            length=length,
            step=self.steps or self.looks,
            time_ns=now(),
            rss_bytes=rss,
            site=self.recorder.site_of(code, code.co_firstlineno),
            scope=scope,
            file=self.recorder.files.name(file),
            item=item_kind,
            item_bytes=item_bytes,
        )

    def _inside(self, scope, name, value, code, file, rss, seen, key):
        """Check the containers in a dict whose keys can be printed without calling the user's code."""
        for inner, held in list(dict.items(value)):
            if type(held) in _LEAVES or not self._go_on():
                continue
            if type(inner) is int or (type(inner) is str and len(inner) <= _MAX_KEY_LETTERS and "[" not in inner):
                self._container(scope, name, held, code, file, rss, seen, f"{key}[{inner!r}]")


_MODULE = type(sys)
_LEAVES = frozenset(
    (
        int,
        float,
        complex,
        bool,
        str,
        bytes,
        tuple,
        frozenset,
        type,
        type(None),
        type(len),
        type(lambda: 0),
        range,
        slice,
    )
)


def _file_of(kind):
    """The file of a class; "" if unknown."""
    try:
        module = sys.modules.get(type.__dict__["__dict__"].__get__(kind).get("__module__"))
        where = getattr(module, "__file__", None)
    except Exception:
        return ""
    return where if type(where) is str else ""
