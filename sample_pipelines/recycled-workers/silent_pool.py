"""Counts the dates between lists of days in a pool of processes that is made once."""

import multiprocessing

TABLE = {}


def prepare():
    for day in range(60_000):
        TABLE[day] = f"{1900 + day // 365}-{day % 365:03d}"


def count(start):
    return sum(TABLE[(start + step * 7) % 60_000].endswith("7") for step in range(60_000))


def main():
    with multiprocessing.get_context("spawn").Pool(2, initializer=prepare) as pool:
        print(sum(pool.imap(count, range(300), chunksize=10)))


if __name__ == "__main__":
    main()
