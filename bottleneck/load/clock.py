"""Calls a function at planned times, with the kernel's precision where an event loop would round up to 1 ms."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Callable

_MONOTONIC, _NONBLOCK_CLOEXEC, _ABSOLUTE = 1, 0o2000000 | 0o4000, 1


class _Times(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "at_s", "at_ns")]


class Alarm:
    """``call`` is called in the event loop soon after each time that was ``set``; one time is pending at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None
        self._descriptor = self._libc = None
        if sys.platform == "linux":
            try:
                self._libc = ctypes.CDLL(None, use_errno=True)
                descriptor = self._libc.timerfd_create(_MONOTONIC, _NONBLOCK_CLOEXEC)
                if descriptor >= 0:
                    self._descriptor = descriptor
                    loop.add_reader(descriptor, self._rings)
            except (OSError, AttributeError):
                pass

    def set(self, at_ns: int) -> None:
        """Monotonic ns; a time in the past means at once."""
        if self._descriptor is None or self._libc is None:
            self._timer = self._loop.call_later(max(0.0, (at_ns - time.monotonic_ns()) / 1e9), self._call)
            return
        seconds, rest = divmod(max(1, at_ns), 10**9)
        self._libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(_Times(0, 0, seconds, rest)), None)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None

    def _rings(self) -> None:
        try:
            os.read(self._descriptor or 0, 8)
        except (BlockingIOError, ValueError):
            return  # it was set anew in between
        self._call()
