"""The patterns that we know, one file a topic."""

from ..model import Pattern
from . import pandas_rows, pandas_tables

PATTERNS: tuple[Pattern, ...] = (
    *pandas_rows.PATTERNS,
    *pandas_tables.PATTERNS,
)
