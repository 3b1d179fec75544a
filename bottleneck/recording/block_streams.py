"""The two block formats that Spark writes with its JVM libraries: LZ4Block (lz4-java) and Snappy (xerial).

Neither is the format of the command-line tools of these names. Arrow unpacks the single blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

LZ4_BLOCK = b"LZ4Block"
#: A stream, and each one appended to it, begins with this and two versions of four bytes.
SNAPPY = b"\x82SNAPPY\x00"
_LZ4_HEADER = struct.Struct("<8sBiii")  # magic, method and level, packed size, size, checksum
_RAW, _PACKED = 0x10, 0x20
_MOST = 1 << 26  # bytes of a block: twice the largest that lz4-java writes; larger ones are damage
_CUT = "it ends inside a block"


def lz4_blocks(file: BinaryIO) -> Iterator[bytes]:
    """The content of each block. Raises EOFError at one that is cut off or damaged."""
    codec = _codec("lz4_raw")
    while head := file.read(_LZ4_HEADER.size):
        if len(head) < _LZ4_HEADER.size:
            raise EOFError(_CUT)
        magic, token, packed, size, _ = _LZ4_HEADER.unpack(head)
        if magic != LZ4_BLOCK or not 0 <= packed <= _MOST or not 0 <= size <= _MOST:
            raise EOFError("a block has no header")
        if not size:  # the end of a stream; another one may follow
            continue
        data = _exactly(file, packed)
        yield data if token & 0xF0 == _RAW else _unpacked(codec, data, size)


def snappy_blocks(file: BinaryIO) -> Iterator[bytes]:
    """The content of each block. Raises EOFError at one that is cut off or damaged."""
    codec = _codec("snappy")
    while head := file.read(4):
        if len(head) == 4 and SNAPPY.startswith(head):
            _exactly(file, 12)
            continue
        if len(head) < 4:
            raise EOFError(_CUT)
        (packed,) = struct.unpack(">i", head)
        if not 0 < packed <= _MOST:
            raise EOFError("a block has no header")
        data = _exactly(file, packed)
        yield _unpacked(codec, data, _size(data))


def _codec(name: str) -> Any:
    import pyarrow as pa

    if not pa.Codec.is_available(name):
        raise EOFError(f"this pyarrow was built without {name}")
    return pa.Codec(name)


def _unpacked(codec: Any, data: bytes, size: int) -> bytes:
    try:
        return codec.decompress(data, size, asbytes=True)  # type: ignore[no-any-return]
    except (ValueError, OSError) as error:  # arrow's own errors are both
        raise EOFError(str(error).partition("\n")[0]) from None


def _size(data: bytes) -> int:
    """Of a Snappy block's content: the varint in front."""
    size = 0
    for index, byte in enumerate(data[:5]):
        size |= (byte & 0x7F) << (7 * index)
        if byte < 0x80 and size <= _MOST:
            return size
    raise EOFError("a block says no size")


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError(_CUT)
    return data
