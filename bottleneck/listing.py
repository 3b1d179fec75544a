"""Finds the modules of a folder, so that a new file in it is all that a new importer, enrichment or exporter takes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from graphlib import TopologicalSorter
from types import ModuleType


def modules(package: str, nested: bool = False) -> list[ModuleType]:
    """The modules of a package, each behind those that its ``after`` names, else by name.

    Those that begin with ``_`` are helpers, and so is every package inside, unless ``nested``. A module that fails to
    import is an error naming it.
    """
    found = {name.rpartition(".")[2]: importlib.import_module(name) for name in sorted(_names(package, nested))}
    order = TopologicalSorter({name: sorted(getattr(module, "after", ())) for name, module in found.items()})
    return [found[name] for name in order.static_order()]


def _names(package: str, nested: bool) -> Iterator[str]:
    for item in pkgutil.iter_modules(importlib.import_module(package).__path__, package + "."):
        if item.name.rpartition(".")[2].startswith("_"):
            continue
        if not item.ispkg:
            yield item.name
        elif nested:
            yield from _names(item.name, nested)
