"""Reads the rings and side files of a run folder the way signals.py describes them."""

import ast
import struct
from pathlib import Path

from bottleneck_profiler import signals

_HEADER = struct.Struct(signals.HEADER)
_RECORD = struct.Struct(signals.RECORD)


def records(run_dir):
    """[(pid, t0, t1, kind, flags, thread, arg)] of every ring, in writing order per ring."""
    found = []
    for path in sorted(Path(run_dir, signals.LIVE).glob("*.ring")):
        data = path.read_bytes()
        _, _, pid, written, capacity, *_ = _HEADER.unpack_from(data)
        for index in range(max(0, written - capacity), written):
            found.append((pid, *_RECORD.unpack_from(data, signals.DATA_AT + (index % capacity) * 32)))
    return found


def notes(run_dir):
    """[(kind, fields)] of every side file."""
    lines = []
    for path in sorted(Path(run_dir, signals.LIVE).glob("*.side")):
        lines += [ast.literal_eval(line) for line in path.read_text().splitlines()]
    return lines


def of_kind(run_dir, kind):
    """Records of one kind as dicts."""
    names = ("pid", "t0", "t1", "kind", "flags", "thread", "arg")
    return [dict(zip(names, record, strict=True)) for record in records(run_dir) if record[3] == kind]


def name_of(request):
    """The id of a request's name."""
    return request["arg"] & 0xFFFFFFFF


def names(run_dir):
    """The name of each request, sorted."""
    texts = strings(run_dir)
    return sorted(texts[name_of(request)] for request in of_kind(run_dir, signals.REQUEST))


def queued(request):
    """Milliseconds that a request waited for its server; -1 if not measured."""
    return (request["arg"] >> 32 & 0xFFFF) - 1


def size(request):
    """Bytes of a request's answer; -1 if not measured."""
    code = request["arg"] >> 48
    return ((code & 0x7FF) << (code >> 11)) - 1


def strings(run_dir):
    return {fields["id"]: fields["text"] for kind, fields in notes(run_dir) if kind == "string"}


def stacks(run_dir):
    return {fields["id"]: fields["frames"] for kind, fields in notes(run_dir) if kind == "stack"}


def failures(run_dir):
    return [fields for kind, fields in notes(run_dir) if kind == "failed"]
