"""The option ``--price-per-hour``, which several commands have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..prices import Prices

F = TypeVar("F", bound=Callable[..., Any])


def price_option(of: str = "the machine per hour, with its accelerators") -> Callable[[F], F]:
    """The option. ``of``: what the price is of."""
    return click.option(
        "--price-per-hour",
        metavar="PRICE",
        help=f"Price of {of}: 2.50, '2.50 EUR', or auto, which assumes list prices.",
    )


def prices_of(text: str | None, of_accelerator: bool = False) -> Prices | None:
    """What the user says that things cost; ends the program with one line if that makes no sense.

    ``of_accelerator``: the text gives the price of one accelerator, where the machine around it is not known.
    """
    from ..configuration import prices
    from ..prices import PriceError

    try:
        found = prices(text)
    except PriceError as error:
        click.echo(f"bottleneck: {error}", err=True)
        sys.exit(2)
    if found is None or not of_accelerator:
        return found
    return replace(found, machine=None, accelerator=found.machine if text is not None else found.accelerator)
