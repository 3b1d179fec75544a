"""Files and mappings of ours that take no low descriptor number, so that the program's files get the numbers they
would get without us."""

import mmap
import os
import sys

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FIRST = 512  # most limits are at least 1024
_PROT_READ_WRITE, _MAP_SHARED = 3, 1


def open_high(path, flags, mode=0o600):
    """``os.open``, but not inherited by programs, and with a number from ``FIRST`` on where the limits allow it."""
    low = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), mode)
    try:
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, FIRST)
    except (OSError, AttributeError):
        return low
    os.close(low)
    return high


def mapped(descriptor, size):
    """A writable buffer of ``size`` bytes on an open file, which may be closed afterwards."""
    if sys.version_info >= (3, 13):
        return mmap.mmap(descriptor, size, trackfd=False)
    try:
        return _mapped(descriptor, size)
    except (ImportError, OSError):
        return mmap.mmap(descriptor, size)  # it keeps a duplicate of the descriptor


def _mapped(descriptor, size):
    """The same by the C library: before Python 3.13, ``mmap`` cannot do without a descriptor."""
    import _ctypes

    pointer = type("pointer", (_ctypes._SimpleCData,), {"_type_": "P"})
    number = type("number", (_ctypes._SimpleCData,), {"_type_": "L"})
    small = type("small", (_ctypes._SimpleCData,), {"_type_": "i"})
    flags = {"_flags_": _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO, "_restype_": pointer}
    function = type("function", (_ctypes.CFuncPtr,), flags)
    library = _ctypes.dlopen(None, 2)
    unmap = function(_ctypes.dlsym(library, "munmap"))

    def free(buffer):
        unmap(pointer(_ctypes.addressof(buffer)), number(size))

    found = function(_ctypes.dlsym(library, "mmap"))(
        pointer(None), number(size), small(_PROT_READ_WRITE), small(_MAP_SHARED), small(descriptor), number(0)
    )
    address = getattr(found, "value", found)
    if address is None or address == (1 << 8 * _ctypes.sizeof(pointer)) - 1:
        raise OSError(_ctypes.get_errno(), "mmap failed")
    byte = type("byte", (_ctypes._SimpleCData,), {"_type_": "B"})
    buffer = type("mapping", (_ctypes.Array,), {"_type_": byte, "_length_": size, "__del__": free})
    return buffer.from_address(address)
