"""The patterns that we know, one file a topic."""

from ..model import Pattern
from . import (
    batches,
    event_loop,
    general,
    handlers,
    pandas_rows,
    pandas_tables,
    responses,
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
)
