"""The patterns that we know, one file a topic."""

from ..model import Pattern
from . import (
    arrays,
    batches,
    event_loop,
    frameworks,
    general,
    handlers,
    numerics,
    pandas_rows,
    pandas_tables,
    plain,
    queries,
    repeated,
    responses,
    sample_files,
    samples,
    servers,
    torch_switches,
    torch_training,
)

PATTERNS: tuple[Pattern, ...] = (
    *pandas_rows.PATTERNS,
    *pandas_tables.PATTERNS,
    *general.PATTERNS,
    *batches.PATTERNS,
    *torch_training.PATTERNS,
    *torch_switches.PATTERNS,
    *handlers.PATTERNS,
    *event_loop.PATTERNS,
    *responses.PATTERNS,
    *servers.PATTERNS,
    *samples.PATTERNS,
    *sample_files.PATTERNS,
    *frameworks.PATTERNS,
    *plain.PATTERNS,
    *arrays.PATTERNS,
    *repeated.PATTERNS,
    *queries.PATTERNS,
    *numerics.PATTERNS,
)
