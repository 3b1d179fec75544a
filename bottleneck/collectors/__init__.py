"""Collectors: each file watches one library and records what it does.

A collector's file name is the module it waits for, dots as underscores (``torch_utils_data.py`` waits for
``torch.utils.data``, ``torch__dynamo.py`` for ``torch._dynamo``), so a starting process only lists this folder and
imports nothing. A file has one class ``Collector`` with ``id``, ``module``, ``attach(recorder)`` and ``detach()``.
All that is hooked goes through ``Patches``, so that ``detach`` can restore it in reverse order.
"""

import sys

from ..agent.recorder import is_users_exception, now

_MISSING = object()
_FUNCTION = type(is_users_exception)
#: As in ``functools``, whose import takes as long as half of ours.
_COPIED = (
    "__module__",
    "__name__",
    "__qualname__",
    "__doc__",
    "__annotations__" if sys.version_info < (3, 14) else "__annotate__",
    "__type_params__",
)


def one_each(make):
    """A function that gives a recorder's only ``make(recorder)``, which it makes on first use."""
    made = {}

    def of(recorder):
        found = made.get(id(recorder))
        if found is None or found.recorder is not recorder:
            found = made[id(recorder)] = make(recorder)
        return found

    return of


class Patches:
    """Replaces attributes of modules and classes and the code of functions, and restores them.

    If other code has since replaced our replacement, we leave its object in place: it most likely calls ours.
    """

    def __init__(self):
        self._undo = []

    def replace(self, owner, name, value):
        """Set ``owner.name`` and remember whether the attribute was defined on the owner or inherited."""
        before = vars(owner).get(name, _MISSING)
        setattr(owner, name, value)
        self._undo.append((owner, name, before, vars(owner).get(name)))

    def recode(self, function, code):
        """Make ``function`` run ``code``, which takes the same parameters and free variables."""
        before, function.__code__ = function.__code__, code
        self._undo.append((function, "__code__", before, code))

    def put_back(self, owner, name):
        """Undo the last replacement of one attribute."""
        for index in range(len(self._undo) - 1, -1, -1):
            if self._undo[index][0] is owner and self._undo[index][1] == name:
                self._put(*self._undo.pop(index))
                return

    @staticmethod
    def _put(owner, name, before, ours):
        now_there = getattr(owner, name) if isinstance(owner, _FUNCTION) else vars(owner).get(name)
        if now_there is not ours:
            return
        try:
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        except (AttributeError, TypeError):  # the class no longer allows it
            pass

    def restore(self):
        """Restore all replaced attributes in reverse order."""
        while self._undo:
            self._put(*self._undo.pop())


class BaseCollector:
    """Base class of the collectors: patches, the recorder, and the on/off state."""

    id = ""
    module = ""

    def __init__(self):
        self.patches = Patches()
        self.recorder = None
        self.on = False

    def attach(self, recorder):
        """Hook the already imported module by calling the subclass's ``hook(module)``. Never raises."""
        self.recorder = recorder
        self.on = True
        try:
            self.hook(sys.modules[self.module])
        except BaseException as error:
            self.off("attach", error)
            self.patches.restore()
        else:
            recorder.note("attached", collector=self.id)

    def hook(self, module):
        raise NotImplementedError

    def detach(self):
        """Restore everything; harmless if never attached."""
        self.on = False
        self.patches.restore()

    def off(self, where, error):
        """Handle an error in a hook: re-raise the user's (Ctrl-C, their signal handlers) and report ours."""
        if is_users_exception(error):
            raise error
        self.on = False
        self.recorder.fail(self.id, where, error)

    def wrap(self, function, before, after):
        """Wrap ``function`` with ``before(args, kwargs) -> token`` and ``after(token, result, failed)``.

        A failing hook switches this collector off and never reaches the caller; the result and the exceptions
        of ``function`` pass through untouched.
        """

        def hooked(*args, **kwargs):
            if not self.on:
                return function(*args, **kwargs)
            try:
                token = before(args, kwargs)
            except BaseException as error:
                self.off("before", error)
                return function(*args, **kwargs)
            try:
                result = function(*args, **kwargs)
            except BaseException:
                try:
                    after(token, None, True)
                except BaseException as error:
                    self.off("after", error)
                raise
            try:
                after(token, result, False)
            except BaseException as error:
                self.off("after", error)
            return result

        return dress(hooked, function)

    def phase(self, function, phase, argument=None):
        """Record outermost calls of ``function`` as ``phase``; ``argument(args, kwargs) -> int`` goes to the record."""
        recorder = self.recorder

        def before(args, kwargs):
            ring = recorder.ring()
            outer = ring.phase
            if outer == phase:
                return None
            arg = argument(args, kwargs) if argument is not None else 0
            ring.phase = phase
            return ring, outer, now(), arg

        def after(token, result, failed):
            if token is not None:
                ring, outer, t0, arg = token
                ring.close(phase, outer, t0, arg)

        return self.wrap(function, before, after)


def dress(wrapper, wrapped):
    """``functools.wraps`` for any callable, including builtins; ``__wrapped__`` is the original."""
    for name in _COPIED:
        try:
            setattr(wrapper, name, getattr(wrapped, name))
        except (AttributeError, TypeError):
            pass
    wrapper.__wrapped__ = wrapped
    return wrapper
