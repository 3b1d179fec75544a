"""Sums the minutes that ferries were late, several harbours at a time in child processes."""

import multiprocessing
import random
from datetime import datetime, timedelta

HARBOURS, FERRIES = 6, 100_000


def log_of(harbour):
    """The log of one harbour: when each ferry should leave, and when it did."""
    numbers = random.Random(harbour)
    first = datetime(2025, 3, 1)
    for number in range(FERRIES):
        planned = first + timedelta(minutes=11 * number)
        left = planned + timedelta(minutes=numbers.randrange(30))
        yield f"{planned.isoformat(' ')};{left.isoformat(' ')}"


def late(harbour):
    minutes = 0.0
    for line in log_of(harbour):
        planned, _, left = line.partition(";")
        planned, left = (datetime.fromisoformat(text) for text in (planned, left))
        minutes += (left - planned).total_seconds() / 60
    return harbour, minutes


def main():
    with multiprocessing.Pool(2) as pool:
        for harbour, minutes in pool.imap_unordered(late, range(HARBOURS)):
            print(f"harbour {harbour}: {minutes / FERRIES:.1f} minutes late")


if __name__ == "__main__":
    main()
