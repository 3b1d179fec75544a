"""Functions of the C library, by ``_ctypes``: it takes 0.4 ms at startup, and ``import ctypes`` would take 2.5 ms."""

import _ctypes
import os

_RTLD_NOW = 2
_found = {}


class Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "L"


class Pointer(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "P"


class Byte(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "B"


class _Returns(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Int


class _ReturnsPointer(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = Pointer


class Callback(_ctypes.CFuncPtr):
    """A Python function for C to call with one pointer. Must never be freed while C may call it."""

    _flags_ = _ctypes.FUNCFLAG_CDECL
    _restype_ = Pointer
    _argtypes_ = (Pointer,)


def function(name, returns=Int):
    """The C function ``name``, returning ``Int`` or ``Pointer``; before glibc 2.34 some are in librt."""
    if name not in _found:
        _found[name] = (_Returns if returns is Int else _ReturnsPointer)(_address(name))
    return _found[name]


def _address(name):
    for library in (None, "librt.so.1"):
        try:
            return _ctypes.dlsym(_ctypes.dlopen(library, _RTLD_NOW), name)
        except OSError:
            continue
    raise OSError(f"no {name} in the C library")


def byref(value):
    """A pointer to ``value`` for a call."""
    return _ctypes.byref(value)


def number(found):
    """The integer value of a C function's result; None for a null pointer."""
    return getattr(found, "value", found)


def check(result):
    """Raise ``OSError`` if a C function reports a failure by its result."""
    if number(result):
        errno = _ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))


def buffer_at(address, size, freed):
    """The memory at an address as a writable buffer; calls ``freed(address)`` when it is no longer used."""

    class Buffer(_ctypes.Array):  # type: ignore[type-arg]
        _type_ = Byte
        _length_ = size

        def __del__(self):
            freed(address)

    return Buffer.from_address(address)
