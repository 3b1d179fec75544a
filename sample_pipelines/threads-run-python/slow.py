"""Looks for the number whose Collatz sequence is the longest, a range at a time in a pool."""

from concurrent.futures import ThreadPoolExecutor

MOST, RANGE = 1_200_000, 20_000


def longest(begin):
    """The longest sequence of one range, and the number that it begins with."""
    best = 0, 0
    for first in range(begin, begin + RANGE):
        number, steps = first, 0
        while number > 1:  # planted
            number = 3 * number + 1 if number % 2 else number // 2  # planted
            steps += 1
        best = max(best, (steps, first))
    return best


def main():
    with ThreadPoolExecutor(4) as pool:
        steps, first = max(pool.map(longest, range(0, MOST, RANGE)))
    print(f"{steps} steps from {first} to 1")


if __name__ == "__main__":
    main()
