"""Counts the visits of a museum by day, from the text that its turnstiles write."""

import numpy as np
import pandas as pd


def visits(count, seed=0):
    """What the turnstiles wrote: the day first, and which gate it was."""
    numbers = np.random.default_rng(seed)
    minutes = pd.Timestamp("2025-01-01") + pd.to_timedelta(numbers.integers(0, 525_000, count), "min")
    return pd.DataFrame({"when": minutes.strftime("%d.%m.%Y %H:%M"), "gate": numbers.integers(0, 8, count)})


def by_day(frame):
    frame["when"] = pd.to_datetime(frame["when"], format="mixed", dayfirst=True)  # planted
    return frame.groupby([frame["when"].dt.date, "gate"]).size()


def by_chance(count, gates, seed=1):
    """The visits on the fullest day of a gate, were all days alike."""
    numbers = np.random.default_rng(seed)
    return np.mean([np.bincount(numbers.integers(0, 365 * gates, count)).max() for _ in range(1_000)])


def main():
    counted = by_day(visits(250_000))
    print(f"{counted.max()} visits at most, {by_chance(counted.sum(), 8):.0f} by chance")


if __name__ == "__main__":
    main()
