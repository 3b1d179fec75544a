"""What a diagnosis is shown as, written to or sent to: each module of this folder is an exporter.

An exporter has a ``name``, ``after`` (the names of those whose turn comes first), and ``write(recording, diagnosis,
folder)``, which returns warnings for the user, one line each. It may have options of its own, each a keyword with a
default, and may raise: that costs it alone. Helpers stand in ``support`` and ``tracing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import reason
from ..listing import modules

if TYPE_CHECKING:
    from ..diagnosis.model import Diagnosis
    from ..recording.model import Recording


def write_all(
    recording: Recording, diagnosis: Diagnosis, folder: Path, options: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Let every exporter write; ``options``: those of an exporter by its name. Returns warnings, raises nothing."""
    warnings: list[str] = []
    for exporter in modules(__name__):
        try:
            warnings += exporter.write(recording, diagnosis, folder, **options.get(exporter.name, {}))
        except OSError as error:
            warnings.append(f"cannot write {error.filename or folder}: {reason(error)}")
        except Exception as error:
            warnings.append(f"the {exporter.name} export failed: {type(error).__name__}: {error}")
    return warnings
