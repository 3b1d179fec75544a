"""Records the index and a checksum of Dataset samples, to see later whether an index always gives the same sample.

Reads only values that are certainly plain data and does not modify them. Records nothing for other values.
"""

import sys
from zlib import crc32

from ... import signals
from ...agent.recorder import is_users_exception

_WORTH_NS = 500_000  # a faster item is not worth caching
_WHOLE = 1 << 16  # bytes of an array to checksum; of a larger one, as many in 16 evenly spread parts
_PART = 1 << 12
_MAX_BYTES = 1 << 20  # bytes to copy for a checksum
_DEPTH, _LEAVES = 6, 64
_PLAIN = "biuf"  # kinds of numbers whose memory can be read as it is


class _Unknown(Exception):
    """The value is not certainly plain data."""


def note_output(recorder, ring, index, value, t0, t1):
    """Record the checksum of the sample for ``index``, made between ``t0`` and ``t1``, if both are plain data."""
    if t1 - t0 < _WORTH_NS or "outputs" in recorder.failed:
        return
    try:
        key = _key(index)
        checksum, size, _ = _add(value, 0, 0, 0, 0)
    except _Unknown:
        return
    except BaseException as error:
        if is_users_exception(error):
            raise
        recorder.fail("outputs", "after", error)
        return
    ring.put(signals.SAMPLE_KEY, min(-(-size >> 10), 65535), t0, t1, key << 32 | checksum)


def _key(index):
    kind = type(index)
    if kind is int and 0 <= index <= 0xFFFFFFFF:
        return index
    if kind is int or kind is str:
        return crc32(repr(index).encode())
    raise _Unknown


def _add(value, checksum, size, leaves, depth):
    """Add ``value``; returns the new (checksum, bytes, leaves)."""
    kind = type(value)
    if kind is tuple or kind is list or kind is dict:
        if depth == _DEPTH:
            raise _Unknown
        for each in value.items() if kind is dict else value:
            checksum, size, leaves = _add(each, checksum, size, leaves, depth + 1)
        return crc32(kind.__name__.encode(), checksum), size, leaves
    if leaves == _LEAVES:
        raise _Unknown
    if kind in (int, float, bool, str, type(None)):
        data = repr(value).encode()
    elif kind is bytes:
        data = value
    else:
        data = _memory(value, kind)
    view = memoryview(data).cast("B")
    count = len(view)
    if count <= _WHOLE:
        checksum = crc32(view, checksum)
    else:
        for start in range(0, count - _PART + 1, (count - _PART) // (_WHOLE // _PART - 1)):
            checksum = crc32(view[start : start + _PART], checksum)
    return checksum, size + count, leaves + 1


def _memory(value, kind):
    """The bytes of a torch tensor or a numpy array, if they are in host memory."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and kind is torch.Tensor:
        return _tensor(torch, value)
    if numpy is None or not (kind is numpy.ndarray or issubclass(kind, numpy.generic)):
        raise _Unknown
    dtype = value.dtype
    if dtype.hasobject or (value.nbytes > _MAX_BYTES and not value.flags.c_contiguous):
        raise _Unknown
    simple = kind is numpy.ndarray and dtype.kind in _PLAIN and dtype.itemsize <= 8 and dtype.isnative
    return value if simple and value.size and value.flags.c_contiguous else value.tobytes()


def _tensor(torch, value):
    # Not through numpy(): the tensor could no longer be resized.
    if value.device.type != "cpu" or value.layout is not torch.strided:
        raise _Unknown
    if value.is_conj() or value.is_neg() or value.is_quantized:
        raise _Unknown
    size = value.numel() * value.element_size()
    dense = 1  # read a permuted tensor in memory order
    for stride, count in sorted(zip(value.stride(), value.size())):
        if count > 1 and stride != dense:
            raise _Unknown
        dense *= count
    return (sys.modules["ctypes"].c_ubyte * size).from_address(value.data_ptr()) if size else b""
