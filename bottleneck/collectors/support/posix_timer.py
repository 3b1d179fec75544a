"""A POSIX timer on the CPU clock of one thread. It signals that thread, and only while the thread uses a CPU.

It uses ``_ctypes`` directly, which takes 0.4 ms at startup; ``import ctypes`` would take 2.5 ms.
"""

import _ctypes
import os
import struct

_SIGEV_THREAD_ID = 4
_SIGEV_BYTES = 64
_CLOCK_THREAD_CPUTIME_ID = 3
_RTLD_NOW = 2
_SECOND = 1_000_000_000


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "i"


class _Word(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "L"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Int


def _function(name):
    """The C library function ``name``; before glibc 2.34 it is in librt."""
    for library in (None, "librt.so.1"):
        try:
            return _Function(_ctypes.dlsym(_ctypes.dlopen(library, _RTLD_NOW), name))
        except OSError:
            continue
    raise OSError(f"no {name} in the C library")


class Timer:
    """Sends ``signal_number`` to the calling thread, which must be ``native_id``, as it uses CPU time."""

    def __init__(self, signal_number, native_id):
        self._settime = _function("timer_settime")
        self._delete = _function("timer_delete")
        self._id = _Word()
        event = struct.pack("<Qiii", 0, signal_number, _SIGEV_THREAD_ID, native_id).ljust(_SIGEV_BYTES, b"\0")
        _check(_function("timer_create")(_CLOCK_THREAD_CPUTIME_ID, event, _ctypes.byref(self._id)))

    def set(self, first_ns, interval_ns):
        """First expiry after ``first_ns`` of CPU time, then every ``interval_ns``; 0, 0 stops it."""
        times = struct.pack(
            "@llll", interval_ns // _SECOND, interval_ns % _SECOND, first_ns // _SECOND, first_ns % _SECOND
        )
        _check(self._settime(self._id, 0, times, None))

    def delete(self):
        """Delete the timer. If the owning thread calls this, signals already sent have been delivered."""
        self._delete(self._id)


def _check(result):
    if result:
        number = _ctypes.get_errno()
        raise OSError(number, os.strerror(number))
