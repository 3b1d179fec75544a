"""The patterns that we know, one file a topic."""

from ..model import Pattern
from . import batches, general, pandas_rows, pandas_tables, torch_switches, torch_training

PATTERNS: tuple[Pattern, ...] = (
    *pandas_rows.PATTERNS,
    *pandas_tables.PATTERNS,
    *general.PATTERNS,
    *batches.PATTERNS,
    *torch_training.PATTERNS,
    *torch_switches.PATTERNS,
)
