"""Recordings from wherever they were made: each module of this folder is an importer.

An importer has a ``name``, ``recognises(path)``, which is cheap and raises nothing, and ``read(path)``, which gives a
``Recording`` or raises RunError with one line that names the file. All but that of our own run folders have
``read_many(paths, how)`` too, for the files of one job. What the format does not say stays absent: empty tables, no
note; then the detectors say "not measured". Its processes need no hello, and there need be no run folder.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ..listing import modules
from ..recording.folder import RunError
from . import run_folder
from ._reading import ONE_BY_ONE as ONE_BY_ONE
from ._reading import Reading as Reading


def importer_of(path: Path) -> ModuleType:
    """The importer that recognises ``path``; of what nobody recognises, a folder is taken for a damaged run."""
    for importer in modules(__name__):
        if importer.recognises(path):
            return importer
    if path.is_dir():
        return run_folder
    raise RunError(f"{path} is not a recording that can be read here")
