"""The wire format of Protocol Buffers, read without a schema: (field number, value) of one message after another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

_FIXED = {1: 8, 5: 4}
_VARINT = 10  # bytes of the longest number
Integers = npt.NDArray[np.int64]


def fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an int for varints, else its bytes. Raises ValueError for what is no message."""
    for key, value, _ in fields_until(message):
        yield key, value


def fields_until(message: memoryview, at: int = 0) -> Iterator[tuple[int, int | memoryview, int]]:
    """The same from a place on, with where each field ends."""
    end = len(message)
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
        yield key >> 3, value, at


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


def messages_in_a_row(data: bytes, number: int) -> tuple[list[int], list[int], int]:
    """(where each begins, where each ends, where what follows them does): complete messages of one field at the start.

    Only messages shorter than 16 KiB are found here; ``fields`` reads the others.
    """
    tag, at, end = number << 3 | 2, 0, len(data)
    begins, ends = list[int](), list[int]()
    while at + 2 < end and data[at] == tag:
        begin, length = at + 2, data[at + 1]
        if length > 127:
            if data[begin] > 127:
                break
            length += (data[begin] << 7) - 128
            begin += 1
        if begin + length > end:
            break
        at = begin + length
        begins.append(begin)
        ends.append(at)
    return begins, ends, at


def first_numbers(data: bytes, begins: list[int], ends: list[int], count: int) -> list[Integers]:
    """The varint fields 1 to ``count`` of each message, 0 for those that it lacks."""
    padded = np.frombuffer(data + bytes(_VARINT + 1), np.uint8)
    at, end = np.array(begins, np.int64), np.array(ends, np.int64)
    found, first = [], at
    for number in range(1, count + 1):
        there = (padded[at] == number << 3) & (at < end)
        values, after = _varints(padded, at + 1, there)
        at = np.where(there, after, at)
        found.append(values)
    turned = (at < end) & ((at == first) | np.isin(padded[at], [number << 3 for number in range(1, count + 1)]))
    for row in np.flatnonzero(turned).tolist():  # nobody writes the others first, or these turned, but anybody may
        known = dict(fields(memoryview(data)[begins[row] : ends[row]]))
        for number in range(1, count + 1):
            found[number - 1][row] = _signed(known.get(number, 0))
    return found


def _varints(data: npt.NDArray[np.uint8], at: Integers, there: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """(the numbers that begin at these places, where they end)."""
    values, rows = np.zeros(len(at), np.uint64), np.flatnonzero(there)
    at = at.copy()
    for shift in range(0, 7 * _VARINT, 7):
        byte = data[at[rows]]
        values[rows] |= (byte & 127).astype(np.uint64) << np.uint64(shift)
        at[rows] += 1
        rows = rows[byte > 127]
        if not len(rows):
            break
    else:
        raise ValueError("a number is longer than 64 bits")
    return values.view(np.int64), at


def text(value: int | memoryview) -> str:
    """A string field."""
    return "" if isinstance(value, int) else bytes(value).decode("utf-8", "replace")


def number(value: int | memoryview) -> int:
    """A varint field; 0 for anything else."""
    return value if isinstance(value, int) else 0


def _signed(value: int | memoryview) -> int:
    unsigned = number(value) & (1 << 64) - 1
    return unsigned - (unsigned >> 63 << 64)
