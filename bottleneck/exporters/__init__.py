"""Exporters show, write or send a diagnosis. Each module in this folder is an exporter.

An exporter has a ``name``, ``after`` (the exporters that must run before it), and ``write(recording, diagnosis,
folder)``, which returns one-line warnings for the user. It may take options as keywords with defaults, and
``artifacts``, which all exporters share. If it raises, the other exporters still run. Helpers are in ``support`` and
``tracing``.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..artifacts import Artifacts
from ..files import reason
from ..listing import modules

if TYPE_CHECKING:
    from ..diagnosis.model import Diagnosis
    from ..recording.model import Recording


def write_all(
    recording: Recording, diagnosis: Diagnosis, folder: Path, options: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Run every exporter. ``options``: exporter name -> its options. Returns warnings; never raises."""
    warnings: list[str] = []
    artifacts = Artifacts(recording)
    for exporter in modules(__name__):
        given = dict(options.get(exporter.name, {}))
        if "artifacts" in inspect.signature(exporter.write).parameters:
            given["artifacts"] = artifacts
        try:
            warnings += exporter.write(recording, diagnosis, folder, **given)
        except OSError as error:
            warnings.append(f"cannot write {error.filename or folder}: {reason(error)}")
        except Exception as error:
            warnings.append(f"the {exporter.name} export failed: {type(error).__name__}: {error}")
    return warnings
