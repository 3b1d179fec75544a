"""Counts the events of a log; a table is written only on request, with a module that is imported quickly."""

import collections
import random
import sys

import pandas as pd


def log(lines=400_000):
    """A made-up access log."""
    random.seed(0)
    for second in range(lines):
        yield f"{second} host-{random.randrange(50)} GET /page/{random.randrange(300)} {random.choice((200, 404, 500))}"


def count(lines):
    hosts, errors = collections.Counter(), collections.Counter()
    for line in lines:
        _, host, _, page, status = line.split()
        hosts[host] += 1
        if status != "200":
            errors[page] += 1
    return hosts, errors


def table(hosts):
    pd.Series(hosts).to_csv("hosts.csv")


def main(command="count"):
    hosts, errors = count(log())
    if command == "table":
        table(hosts)
    print(f"{sum(hosts.values())} requests, most errors at {errors.most_common(1)[0][0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
