"""Files and mappings of ours that take no low descriptor number, so that the program's files get the numbers they
would get without us."""

import os
import sys

if sys.version_info >= (3, 13):
    import mmap

FIRST = 512  # most limits are at least 1024
_DUPLICATE = 1030  # F_DUPFD_CLOEXEC
_PROT_READ_WRITE, _MAP_SHARED = 3, 1
_FAILED = 2 * sys.maxsize + 1  # -1 as an address


def open_high(path, flags, mode=0o600):
    """``os.open``, but not inherited by programs, and with a number from ``FIRST`` on where the limits allow it."""
    low = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), mode)
    try:
        high = _duplicate(low)
    except (ImportError, OSError):
        return low
    os.close(low)
    return high


def _duplicate(low):
    """A duplicate from ``FIRST`` on, by the C library: we need it anyway, and ``fcntl`` takes 0.2 ms to import."""
    if "fcntl" not in sys.modules and sys.platform.startswith("linux"):
        try:
            from . import libc

            high = libc.number(libc.function("fcntl")(low, _DUPLICATE, FIRST))
            if high < 0:
                raise OSError("no such number is left")
            return high
        except ImportError:
            pass
    import fcntl

    return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, FIRST)


def mapped(descriptor, size):
    """A writable buffer of ``size`` bytes on an open file, which may be closed afterwards."""
    if sys.version_info >= (3, 13):
        return mmap.mmap(descriptor, size, trackfd=False)
    try:
        return _mapped(descriptor, size)
    except (ImportError, OSError):
        from mmap import mmap as mapping

        return mapping(descriptor, size)  # it keeps a duplicate of the descriptor


def _mapped(descriptor, size):
    """The same by the C library: before Python 3.13, ``mmap`` cannot do without a descriptor."""
    from . import libc

    number, long, pointer, unmap = libc.Int, libc.Long, libc.Pointer, libc.function("munmap")

    def free(address):  # no globals: they are gone when the interpreter exits
        unmap(pointer(address), long(size))

    found = libc.function("mmap", libc.Pointer)(
        pointer(), long(size), number(_PROT_READ_WRITE), number(_MAP_SHARED), number(descriptor), long(0)
    )
    address = libc.number(found)
    if address is None or address == _FAILED:
        raise OSError("mmap failed")
    return libc.buffer_at(address, size, free)
