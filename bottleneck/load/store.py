"""The folder of a load test: ``load.json`` with the figures, ``tables/load.parquet`` with every request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files import reason, write_json
from ..recording.folder import RunError
from . import LoadError
from .samples import DTYPE, OUTCOMES, Samples

SCHEMA = "bottleneck.load/1"
TABLE = Path("tables") / "load.parquet"


def store(folder: Path, samples: Samples, report: dict[str, Any]) -> None:
    """Write both. Raises LoadError naming the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = {str(i): name for i, name in enumerate(OUTCOMES)}
    table = pa.table({name: samples[name] for name in DTYPE.names or ()})
    table = table.replace_schema_metadata({f"outcome.{number}": name for number, name in names.items()})
    path = folder / TABLE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
        path = folder / "load.json"
        write_json(path, report)
    except OSError as error:
        raise LoadError(f"cannot write {path}: {reason(error)}") from None


def new_folder(name: str, given: Path | None) -> Path:
    """A folder as for a run. Raises LoadError."""
    from ..recording.folder import LOADS, create

    try:
        return create(None, name, given, LOADS)
    except RunError as error:
        raise LoadError(str(error)) from None
