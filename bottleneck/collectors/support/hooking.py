"""Hooks library functions for recording: Python functions get new code, C functions a proxy that looks like them."""

import os
import sys

from ... import signals
from ...agent.frames import HOOKED
from ...agent.recorder import now
from .. import dress
from .recoding import FunctionType, MethodType, can_recode, forwarding, twin

SHORT_NS = 50_000  # calls of libraries that take less are not recorded one by one


def guard(collector, original, before, after):
    """``collector.wrap``, but a failing hook also restores the thread's phase, and there is no ``after`` to a token of
    None."""

    def hooked(*args, **kwargs):
        if not collector.on:
            return original(*args, **kwargs)
        ring = None
        try:
            ring = collector.recorder.ring()
            outer = ring.phase
            token = before(args, kwargs)
        except BaseException as error:
            if ring is not None:
                ring.phase = outer
            collector.off("before", error)
            token = None
        if token is None:
            return original(*args, **kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException:
            end(ring, outer, token, None, True)
            raise
        end(ring, outer, token, result, False)
        return result

    def end(ring, outer, token, result, failed):
        try:
            after(token, result, failed)
        except BaseException as error:
            ring.phase = outer
            collector.off("after", error)

    return like(hooked, original)


def like(hooked, original):
    return alike(unseen(dress(hooked, original), original), original)


def unseen(hooked, original):
    """Rename ``hooked``, a wrapper with ``*args``, so that warnings raised below it still point to the user's line.

    pandas and polars skip frames from their own folder, so our frame must look like one. Other libraries count a fixed
    number of frames, and ``warnings`` skips frames whose file name contains both "importlib" and "_bootstrap".
    """
    code = hooked.__code__
    if code.co_filename.endswith(HOOKED):
        return hooked
    home = _skips_its_own(original)
    if home:
        file = os.path.join(os.path.dirname(sys.modules[home].__file__), HOOKED[1])
    else:
        file = code.co_filename + HOOKED[0]
    hooked.__code__ = code.replace(co_filename=file, co_name=getattr(original, "__name__", code.co_name))
    return hooked


def _reads(file):
    def text():
        with open(file, encoding="utf-8") as opened:
            return opened.read()

    return text


def _skips_its_own(original):
    """The library of a function, if it is one that looks for the user's line outside of its folder; else ""."""
    library = (getattr(original, "__module__", None) or "").partition(".")[0]
    return library if library in ("pandas", "polars") else ""


def alike(hooked, original):
    """``hooked`` itself for a Python function; for a C function, a proxy that looks like one.

    A C function does not bind as a method when set on a class (Cython's do), and is not a ``FunctionType``.
    """
    kind = type(original)
    if isinstance(original, FunctionType):
        return hooked
    fields = {
        "__call__": staticmethod(hooked),
        "__class__": property(lambda self: kind),
        "__getattr__": lambda self, name: getattr(original, name),
        "__reduce__": lambda self: original.__qualname__,
        "__repr__": lambda self: repr(original),
    }
    if hasattr(kind, "__get__"):
        fields["__get__"] = lambda self, it, owner=None: self if it is None else MethodType(self, it)
    return dress(type(kind.__name__, (), fields)(), original)


def hook(collector, owner, name, make, by_name=True):
    """Hook ``owner.name`` with ``make(original) -> hooked``: a Python function gets new code, all else is replaced.

    A hook that reads no arguments does without their names (``by_name``): a dozen of them take half a microsecond.

    A replacement is also set in the module that defines the original, so that it still pickles by name.
    """
    original = getattr(owner, name)
    if can_recode(original):
        hooked = unseen(make(twin(original)), original)
        own = original.__code__.co_filename
        file = own + (" " + HOOKED[1] if _skips_its_own(original) else HOOKED[0])
        cache = getattr(sys.modules.get("linecache"), "cache", {})
        cache.setdefault(file, (_reads(own),))  # who asks for the function's source finds it
        collector.patches.recode(original, forwarding(original, hooked, file, by_name))
        return
    hooked = make(original)
    collector.patches.replace(owner, name, hooked)
    home = sys.modules.get(getattr(original, "__module__", None) or "")
    if home is not None and home is not owner and getattr(home, name, None) is original:
        collector.patches.replace(home, name, hooked)


def hook_timed(collector, owner, name, phase):
    """Hook ``owner.name`` to record outermost calls as ``phase``."""
    hook(collector, owner, name, lambda original: timed(collector, original, phase), by_name=False)


def timed(collector, original, phase):
    """Record ``original`` as ``phase`` if no other phase is open and it takes long enough; arg: call-site id.

    A library calls such functions thousands of times on tiny tables, so there is one layer, with nothing to allocate.
    """
    recorder = collector.recorder

    def hooked(*args, **kwargs):
        if not collector.on or recorder.sampling or recorder.role == signals.WORKER:
            return original(*args, **kwargs)
        try:
            ring = recorder.ring()
            outer = ring.phase
            t0 = now()
        except BaseException as error:
            collector.off("before", error)
            return original(*args, **kwargs)
        if outer > signals.IMPORT:
            return original(*args, **kwargs)
        ring.phase = phase
        try:
            return original(*args, **kwargs)
        finally:
            try:
                if now() - t0 < SHORT_NS:  # many cost more to record than they tell; the sampler sees their sum
                    ring.phase = outer
                else:
                    ring.close(phase, outer, t0, recorder.site())
            except BaseException as error:
                ring.phase = outer
                collector.off("after", error)

    return like(hooked, original)
