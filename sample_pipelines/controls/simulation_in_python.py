"""A queue at a counter, event by event: each event depends on the last one, and no array form exists."""

import heapq
import random

CUSTOMERS, COUNTERS = 900_000, 3


def waited(seed=0):
    """Minutes that customers stood in the queue."""
    numbers = random.Random(seed)
    free = [0.0] * COUNTERS
    clock = total = 0.0
    for _ in range(CUSTOMERS):
        clock += numbers.expovariate(1.0)
        begins = max(clock, free[0])
        total += begins - clock
        heapq.heapreplace(free, begins + numbers.expovariate(0.4))
    return total


def main():
    print(f"{sum(waited(seed) for seed in range(3)) / CUSTOMERS / 3:.2f} minutes in the queue")


if __name__ == "__main__":
    main()
