"""Prices: how they are written, what a machine costs by them, and a small table for those who have none at hand. Pure.

Nothing has a price unless the user gives one. ``auto`` stands for the table below, an assumption with a date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

AUTO = "auto"
TABLE_DATE = "May 2026"
ASSUMPTION = f"an assumption: our table of rounded on-demand list prices, {TABLE_DATE}"
#: US dollars per hour: of a core and a GiB of memory in general-purpose machines of large clouds, and of a GPU alone.
_CORE, _GIB = 0.032, 0.004
_GPUS = {
    "B200": 6.00, "H200": 4.50, "H100": 3.00, "A100": 2.00, "L40S": 1.60, "A10": 0.80, "L4": 0.60, "T4": 0.40,
    "V100": 1.00,
}  # fmt: skip
#: US dollars per GB (10 ** 9 bytes) and month in object storage.
_STORAGE = {"standard": 0.023, "infrequent access": 0.0125, "archive": 0.004, "deep archive": 0.001}

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "¥", "INR": "₹"}
_CURRENCY = rf"[{''.join(dict.fromkeys(_SIGNS.values()))}]|[A-Z]{{3}}"
_PRICE = re.compile(rf"(?P<before>{_CURRENCY})?\s*(?P<amount>\d+(?:\.\d*)?|\.\d+)\s*(?P<after>{_CURRENCY})?", re.ASCII)
_MOST = 1e6
_HOW = "give a positive number, such as 2.50 or '2.50 EUR'"
_GIB_BYTES = 1 << 30


class PriceError(ValueError):
    """What was given is no price; the text says so in one line."""


@dataclass(frozen=True)
class Rate:
    """What one machine costs per hour. ``assumption``: where the price comes from unless the user gave it."""

    per_hour: float
    currency: str = ""
    assumption: str = ""


@dataclass(frozen=True)
class Prices:
    """What things cost per hour, in one currency ("" if it was not given): None, or missing in a mapping, is not given.

    ``machine``: with its accelerators; ``accelerator``: one of them, and then that is all that counts; ``core``,
    ``gib``, ``gpus``: parts of a machine, GPUs by a part of their name. ``storage``: tier -> per GB and month.
    ``spot``: the machine where it may be taken away, which happens every ``hours_between_preemptions``.
    """

    machine: float | None = None
    accelerator: float | None = None
    core: float | None = None
    gib: float | None = None
    gpus: Mapping[str, float] = field(default_factory=dict)
    storage: Mapping[str, float] = field(default_factory=dict)
    spot: float | None = None
    hours_between_preemptions: float | None = None
    currency: str = ""
    assumption: str = ""

    def of_machine(self, cores: float, memory_bytes: float, gpus: Sequence[str] = ()) -> Rate | None:
        """The price of a machine with these parts; None if that of a part is not known."""
        if self.machine is not None:
            return Rate(self.machine, self.currency, self.assumption)
        if self.accelerator is not None:
            return Rate(self.accelerator * len(gpus), self.currency, self.assumption) if gpus else None
        parts = self.of_parts(cores, memory_bytes)
        each = [self._of_gpu(name) for name in gpus]
        if parts is None or not cores or not memory_bytes or None in each:
            return None
        return Rate(parts + sum(price or 0.0 for price in each), self.currency, self.assumption)

    def of_parts(self, cores: float, memory_bytes: float) -> float | None:
        """The price of cores and memory alone; None if it is not known."""
        if self.core is None or self.gib is None:
            return None
        return self.core * cores + self.gib * memory_bytes / _GIB_BYTES

    def _of_gpu(self, name: str) -> float | None:
        words = re.split(r"[^A-Za-z0-9]+", name.upper())
        return next((price for model, price in self.gpus.items() if model in words or f"{model}G" in words), None)


_ASSUMED = Prices(core=_CORE, gib=_GIB, gpus=_GPUS, storage=_STORAGE, currency="$", assumption=ASSUMPTION)
_AMOUNTS = {"per_hour": "machine", "accelerator_per_hour": "accelerator", "core_per_hour": "core",
            "gib_per_hour": "gib", "spot_per_hour": "spot",
            "hours_between_preemptions": "hours_between_preemptions"}  # fmt: skip


def given(text: str, where: str, configured: Prices | None = None) -> Prices:
    """The prices that a user's text ("2.50", "2.50 EUR", "auto") gives, beside those configured. Raises PriceError."""
    known = configured or Prices()
    if text.strip().lower() == AUTO:
        return _assumed(replace(known, machine=None, accelerator=None), where)
    amount, currency = parsed(text, where)
    return replace(known, machine=amount, accelerator=None, currency=_one(currency, known.currency, where))


def parsed(text: str, where: str) -> tuple[float, str]:
    """(amount, sign or code of the currency, "" without one). Raises PriceError."""
    found = _PRICE.fullmatch(text.strip())
    amount = float(found["amount"]) if found else 0.0
    if not found or not 0 < amount <= _MOST or (found["before"] and found["after"]):
        raise PriceError(f"{where}: {text!r} is not a price; {_HOW}, or auto")
    currency = found["before"] or found["after"] or ""
    return amount, _SIGNS.get(currency, currency)


def configured(table: object, where: str) -> Prices:
    """The prices of a section ``prices`` in a configuration file. Raises PriceError."""
    if not isinstance(table, dict):
        raise PriceError(f"{where} is not a table")
    known = {*_AMOUNTS, "storage", "currency"}
    unknown = next((key for key in table if key not in known), None)
    if unknown is not None:
        raise PriceError(f"{where} has no {unknown!r}; it may have {', '.join(sorted(known))}")
    currency = table.get("currency", "")
    if not isinstance(currency, str) or not re.fullmatch(f"(?:{_CURRENCY})?", currency):
        raise PriceError(f"{where}.currency: {currency!r} is not a currency, such as EUR or $")
    currency = _SIGNS.get(currency, currency)
    found: dict[str, float] = {}
    auto = False
    for key, name in _AMOUNTS.items():
        if key == "per_hour" and table.get(key) == AUTO:
            auto = True
        elif key in table:
            found[name], own = _amount(table[key], f"{where}.{key}")
            currency = _one(own, currency, f"{where}.{key}")
    tiers = table.get("storage", {})
    if not isinstance(tiers, dict):
        raise PriceError(f"{where}.storage is not a table of tiers")
    storage = {str(tier)[:40]: _amount(price, f"{where}.storage.{tier}")[0] for tier, price in tiers.items()}
    prices = Prices(**found, storage=storage, currency=currency)  # type: ignore[arg-type]
    return _assumed(prices, where) if auto else prices


def _amount(value: Any, where: str) -> tuple[float, str]:
    if isinstance(value, str):
        return parsed(value, where)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _MOST:
        raise PriceError(f"{where}: {value!r} is not a price; {_HOW}")
    return float(value), ""


def _assumed(known: Prices, where: str) -> Prices:
    """The table, and what the user gave above it."""
    own = {name: value for name, value in vars(known).items() if value not in (None, "", {})}
    return replace(_ASSUMED, **{**own, "currency": _one("$", known.currency, where)})


def _one(currency: str, other: str, where: str) -> str:
    if currency and other and currency != other:
        raise PriceError(f"{where}: prices in {currency} and in {other} cannot be added")
    return currency or other
