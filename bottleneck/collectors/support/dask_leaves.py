"""What lazy collections of Dask are made from: the names of the first parts of their graphs, and how large that is."""

import glob
import os

_MAX_WALK = 2000  # parts of an expression
_MAX_LEAVES = 50
_MAX_FILES = 1000


def leaves_of(collections):
    """The names of what lazy collections are made from; what is no collection, or too large to look through, has
    none."""
    found = {}
    for each in _flat(collections):
        kind = type(each)  # an object that is computed later answers to every name
        if not kind.__module__.startswith("dask."):
            continue
        if hasattr(kind, "expr"):
            _walk(each.expr, found)
        elif kind.__module__ != "dask.delayed":  # which has a name of its own for each call
            graph = each.__dask_graph__() if hasattr(kind, "__dask_graph__") else None
            for name, needs in list(getattr(graph, "dependencies", {}).items())[:_MAX_WALK]:
                if not needs:
                    found[str(name)[:200]] = None
        if len(found) > _MAX_LEAVES:
            break
    return list(found)[:_MAX_LEAVES]


def _flat(collections):
    for each in list(collections)[:_MAX_WALK]:
        if isinstance(each, (list, tuple)):
            yield from each[:_MAX_WALK]
        else:
            yield each


def _walk(expression, found):
    todo, seen = [expression], set()
    while todo and len(seen) < _MAX_WALK:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        # By its class: to ask an operand would run the user's code, and one that is computed later has every name.
        inner = [each for each in part.operands if hasattr(type(each), "_parameters")]
        if inner:
            todo += inner
        else:
            found[str(part._name)[:200]] = None


def size_of(source):
    """Bytes of a pandas table, or of local files by name, pattern or folder; None if unknown.

    A column of objects counts its pointers alone.
    """
    try:
        if hasattr(type(source), "memory_usage") and type(source).__module__.startswith("pandas"):
            return int(source.memory_usage().sum())
        several = source if isinstance(source, (list, tuple)) else [source]
        files = [file for each in several[:_MAX_FILES] for file in _files(os.fspath(each))]
        return sum(os.stat(file).st_size for file in files) if 0 < len(files) < _MAX_FILES else None
    except (OSError, TypeError, ValueError):
        return None


def _files(path):
    if "://" in path:
        return []
    if any(each in path for each in "*?["):
        return glob.glob(path)[:_MAX_FILES]
    if os.path.isdir(path):
        return glob.glob(os.path.join(glob.escape(path), "**", "*.*"), recursive=True)[:_MAX_FILES]
    return [path]
