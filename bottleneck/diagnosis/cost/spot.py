"""Machines that may be taken away: how often to save then, and at which price they pay. Pure.

J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future Generation Computer
Systems 22 (2006), 303-312; J. W. Young's first-order law (1974) is its first term.
"""

from __future__ import annotations

import math

from ...artifacts.training.saves import Saves
from .model import SpotCost

#: Hours between two interruptions, where the user says nothing: often, now and then, rarely (own).
HOURS = (1.0, 4.0, 24.0)
_MOST = 50.0  # of an exponent: a machine that is taken away before it has saved once never ends the run


def best_interval(save_seconds: float, between_seconds: float) -> float:
    """Daly's optimum of the time between the end of a checkpoint and the start of the next."""
    part = save_seconds / (2.0 * between_seconds)
    if part >= 1.0:
        return between_seconds
    root = math.sqrt(part)
    return math.sqrt(2.0 * save_seconds * between_seconds) * (1.0 + root / 3.0 + part / 9.0) - save_seconds


def time_factor(interval: float, save_seconds: float, restart_seconds: float, between_seconds: float) -> float:
    """Daly's expected time of a run, in times of the time without checkpoints and interruptions.

    ``interval``: between two checkpoints; ``between_seconds``: mean time between interruptions, at random.
    """
    spent = min(_MOST, (interval + save_seconds) / between_seconds)
    restart = min(_MOST, restart_seconds / between_seconds)
    return between_seconds / max(interval, 1e-9) * math.exp(restart) * math.expm1(spent)


def spot_costs(saves: Saves, per_hour: float, spot_per_hour: float | None, hours: float | None) -> tuple[SpotCost, ...]:
    """For each time between interruptions; ``hours``: what the user says that it is."""
    found = []
    for each in (hours,) if hours else HOURS:
        between = each * 3600.0
        interval = max(best_interval(saves.seconds, between), 1e-3)
        factor = time_factor(interval, saves.seconds, saves.start_seconds, between)
        now = saves.interval_seconds
        # On a machine that stays, the run could save that rarely, too, if it does not save more rarely already.
        stays = 1.0 + saves.seconds / max(interval, now or 0.0)
        found.append(
            SpotCost(
                hours_between=each,
                interval_seconds=interval,
                factor=factor,
                factor_now=time_factor(now, saves.seconds, saves.start_seconds, between) if now else None,
                pays_below_share=stays / factor,
                pays_below_per_hour=per_hour * stays / factor,
                saves_per_hour=None if spot_per_hour is None else per_hour - spot_per_hour * factor / stays,
            )
        )
    return tuple(found)
