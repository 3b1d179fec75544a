"""The bytes of a trace's file, piece by piece: plain, or compressed with gzip, zstd, or Spark's LZ4 or Snappy.

They are told apart by content.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from .block_streams import LZ4_BLOCK, SNAPPY, lz4_blocks, snappy_blocks

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PIECE, _BLOCK = 1 << 20, 1 << 16  # bytes, after decompression

#: Told how far a file has been read: (its path, bytes read, bytes in all).
Progress = Callable[[Path, int, int], object]


class Damaged(Exception):
    """The file ends too early or cannot be decompressed; the message is the end of a sentence about it."""


def pieces(path: Path, progress: Progress | None = None) -> Iterator[bytes]:
    """The content from its start, as far as it can be read. Raises OSError, and Damaged after the last good piece."""
    size, held, length, problem = path.stat().st_size, list[bytes](), 0, ""
    with open(path, "rb") as file:
        blocks = _blocks(file)
        while True:
            try:
                block = next(blocks, b"")
            except (EOFError, zlib.error, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                problem, block = str(error).partition("\n")[0].rstrip("."), b""
            held.append(block)
            length += len(block)
            if length >= _PIECE or (length and not block):
                if progress is not None:
                    progress(path, file.tell(), size)
                yield b"".join(held)
                held, length = [], 0
            if not block:
                break
    if problem:
        raise Damaged(f"its compressed data is damaged: {problem}")


def start_of(path: Path, size: int) -> bytes:
    """The first ``size`` bytes of the content; fewer if there are no more that can be read. Raises OSError."""
    start = b""
    try:
        for piece in pieces(path):
            start += piece
            if len(start) >= size:
                break
    except Damaged:
        pass
    return start[:size]


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Small enough that little is lost with the one that cannot be read."""
    magic = file.read(len(LZ4_BLOCK))
    file.seek(0)
    if magic.startswith(_GZIP):
        unpacked = gzip.GzipFile(fileobj=file, mode="rb")
        return iter(lambda: unpacked.read1(_BLOCK), b"")
    if magic.startswith((LZ4_BLOCK, SNAPPY)):
        return lz4_blocks(file) if magic == LZ4_BLOCK else snappy_blocks(file)
    if magic.startswith(_ZSTD):
        import pyarrow as pa

        if not pa.Codec.is_available("zstd"):
            raise EOFError("this pyarrow was built without zstd")
        stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
        return iter(lambda: stream.read(_BLOCK), b"")
    return iter(lambda: file.read(_PIECE), b"")
