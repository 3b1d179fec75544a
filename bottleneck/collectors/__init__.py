"""Collectors: each file watches one library and records what it does.

A collector's file name is the module it waits for, dots as underscores (``torch_utils_data.py`` waits for
``torch.utils.data``, ``torch__dynamo.py`` for ``torch._dynamo``), so that a starting process only lists this folder and
imports nothing. A file holds one class ``Collector`` with ``id``, ``module``, ``attach(recorder)`` and ``detach()``.
``Patches`` does the bookkeeping: attributes are replaced through it and ``detach`` puts the very same objects back,
in reverse order.
"""

import sys
from functools import WRAPPER_ASSIGNMENTS

from ..agent.recorder import is_users_exception, now

_MISSING = object()


class Patches:
    """Attributes replaced on modules and classes, and how to put them back.

    What somebody else has put in the place of ours meanwhile stays there: it most likely calls what it found.
    """

    def __init__(self):
        self._undo = []

    def replace(self, owner, name, value):
        """Set ``owner.name``; remembers whether the attribute was the owner's own or inherited."""
        before = vars(owner).get(name, _MISSING)
        setattr(owner, name, value)
        self._undo.append((owner, name, before, vars(owner).get(name)))

    def put_back(self, owner, name):
        """Undo the last replacement of one attribute."""
        for index in range(len(self._undo) - 1, -1, -1):
            if self._undo[index][0] is owner and self._undo[index][1] == name:
                self._put(*self._undo.pop(index))
                return

    @staticmethod
    def _put(owner, name, before, ours):
        if vars(owner).get(name) is not ours:
            return
        try:
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        except (AttributeError, TypeError):  # a class that has been closed since
            pass

    def restore(self):
        """Put every replaced attribute back, last first."""
        while self._undo:
            self._put(*self._undo.pop())


class BaseCollector:
    """What every collector shares: patches, the recorder, and the on/off state."""

    id = ""
    module = ""

    def __init__(self):
        self.patches = Patches()
        self.recorder = None
        self.on = False

    def attach(self, recorder):
        """Hook into the already imported target; calls ``hook(module)`` of the subclass. Never raises."""
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
        """Put everything back; harmless when never attached."""
        self.on = False
        self.patches.restore()

    def off(self, where, error):
        """A hook failed. The user's own exceptions (Ctrl-C, their signal handlers) go on; ours are reported."""
        if is_users_exception(error):
            raise error
        self.on = False
        self.recorder.fail(self.id, where, error)

    def wrap(self, function, before, after):
        """``function`` with ``before(args, kwargs) -> token`` and ``after(token, result, failed)`` around it.

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
        """``function`` recorded as ``phase``, outermost call only; ``argument(args, kwargs) -> int`` for the record."""
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
    """``functools.wraps`` for any callable, builtin ones too; the original stays at ``__wrapped__``."""
    for name in WRAPPER_ASSIGNMENTS:
        try:
            setattr(wrapper, name, getattr(wrapped, name))
        except (AttributeError, TypeError):
            pass
    wrapper.__wrapped__ = wrapped
    return wrapper
