"""The wire format of Protocol Buffers, read without a schema: (field number, value) of one message after another."""

from __future__ import annotations

from collections.abc import Iterator

_FIXED = {1: 8, 5: 4}


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an int for varints, else its bytes. Raises ValueError for what is no message."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        wire = key & 7
        value: int | memoryview
        if wire == 0:
            value, at = _varint(message, at)
        elif wire == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        elif wire in _FIXED:
            value, at = message[at : at + _FIXED[wire]], at + _FIXED[wire]
        else:
            raise ValueError(f"no field has the wire type {wire}")
        if at > end:
            raise ValueError("the file ends in the middle of a field")
        yield key >> 3, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at
            shift += 7
            if shift > 63:
                raise ValueError("a number is longer than 64 bits")
    except IndexError:
        raise ValueError("the file ends in the middle of a number") from None


def text(value: int | memoryview) -> str:
    """A string field."""
    return "" if isinstance(value, int) else bytes(value).decode("utf-8", "replace")


def number(value: int | memoryview) -> int:
    """A varint field; 0 for anything else."""
    return value if isinstance(value, int) else 0
