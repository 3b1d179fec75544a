"""Finds the largest list or dict of Python objects in a dataset. Forked workers copy its pages by counting references.

We search once, when a loader with workers starts: the dataset's attributes and the attributes of those objects. We
measure some elements of each container and call none of the user's methods.
"""

import os
import sys
from itertools import islice

_MAX_ATTRIBUTES = 256
_MIN_LENGTH = 10_000  # fewer objects take less than megabytes
_LOOKED_AT = 32
_DEPTH = 3
_MIN_BYTES = 16 << 20  # of objects: below this, do not read the workers' pages
_dict_of = object.__getattribute__
_CONTAINERS = (list, dict, tuple, set)


def largest(dataset):
    """(attribute as written after ``self.``, type, length, bytes of its objects, class that has it), or None."""
    best, left, seen = None, _MAX_ATTRIBUTES, set()
    todo = [("", dataset, 0)]
    while todo:
        prefix, owner, depth = todo.pop(0)
        try:
            inside = _dict_of(owner, "__dict__")
        except Exception:
            continue
        if type(inside) is not dict or id(inside) in seen:
            continue
        seen.add(id(inside))
        for name, value in list(inside.items()):
            left -= 1
            if left < 0:
                return best
            if type(name) is not str:
                continue
            kind = type(value)
            if kind in (list, dict):
                if len(value) >= _MIN_LENGTH:
                    size = _size_of_all(kind, value)
                    if best is None or size > best[3]:
                        best = (prefix + name, "list" if kind is list else "dict", len(value), size, type(owner))
            elif depth == 0 and kind not in _LEAVES:
                todo.append((prefix + name + ".", value, 1))
    return best


def note_largest(recorder, dataset, number):
    """Note the result of ``largest`` for the loader with this number; returns whether it is large."""
    found = largest(dataset)
    name, kind, length, size, owner = found or ("", "", 0, 0, None)
    module = sys.modules.get(getattr(owner, "__module__", ""))
    file = getattr(module, "__file__", None)
    recorder.note(
        "objects",
        loader=number,
        name=name,
        container=kind,
        length=length,
        bytes=size,
        owner=getattr(owner, "__name__", ""),
        file=os.path.abspath(file) if type(file) is str else "",
    )
    return size >= _MIN_BYTES


def note_pages(recorder):
    """Note the private and shared written pages of this process, once, when a worker starts.

    It takes about as long as the fork that created the worker, which copied the same page tables.
    """
    try:
        with open("/proc/self/smaps_rollup", "rb") as file:
            lines = [line.split() for line in file]
    except OSError:
        return  # not Linux, or an old kernel
    sizes = {line[0]: int(line[1]) * 1024 for line in lines[1:]}
    private, shared = sizes.get(b"Private_Dirty:"), sizes.get(b"Shared_Dirty:")
    if private is not None and shared is not None:
        recorder.note("pages", private_bytes=private, shared_bytes=shared)


def _size_of_all(kind, value):
    """Estimated bytes of a container and its elements, from evenly spaced list elements or a dict's first ones."""
    length = len(value)
    if kind is list:
        items = [value[index * length // _LOOKED_AT] for index in range(_LOOKED_AT)]
    else:
        items = list(islice(dict.items(value), _LOOKED_AT))
    return kind.__sizeof__(value) + length * sum(_size(item, _DEPTH) for item in items) // max(1, len(items))


def _size(item, depth):
    """Bytes of one object and its contents. For an array or a tensor, the data is not counted."""
    kind = type(item)
    if kind in _LEAVES:
        return 0 if kind in (type(None), bool, type) else sys.getsizeof(item)
    total = kind.__basicsize__
    if kind in _CONTAINERS:
        total = sys.getsizeof(item)
        parts = list(islice(dict.items(item) if kind is dict else kind.__iter__(item), _LOOKED_AT)) if depth else ()
        if parts:
            inside = sum(_size(part[1] if kind is dict else part, depth - 1) for part in parts)
            total += inside * len(item) // len(parts)
        return total
    if depth:
        try:
            inside = _dict_of(item, "__dict__")
        except Exception:
            return total
        if type(inside) is dict:
            total += sys.getsizeof(inside) + sum(_size(value, depth - 1) for value in list(inside.values())[:8])
    return total


_LEAVES = frozenset((int, float, complex, bool, str, bytes, type, type(None), range, slice, type(len), type(_size)))
