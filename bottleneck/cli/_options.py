"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def within_option(says: str = "The smallest change that counts as slower or faster.") -> Callable[[F], F]:
    """``--within``: in percent."""
    return click.option(
        "--within",
        type=click.FloatRange(min=0.1, max=100),
        default=5.0,
        show_default=True,
        metavar="PERCENT",
        help=says,
    )


def interval_option() -> Callable[[F], F]:
    """``--interval`` of a live table: in seconds."""
    return click.option(
        "--interval",
        type=click.FloatRange(min=0.1, max=3600),
        default=1.0,
        show_default=True,
        metavar="SECONDS",
        help="Time between two looks.",
    )
