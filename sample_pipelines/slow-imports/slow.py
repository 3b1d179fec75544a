"""Counts the events of a log; a forecast is fitted only on request, and nobody has asked for one here."""

import collections
import random
import sys

from lightning import Trainer  # planted


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


def forecast(hosts):
    print(f"{len(hosts)} hosts, {Trainer(max_epochs=3, logger=False)}")


def main(command="count"):
    hosts, errors = count(log())
    if command == "forecast":
        forecast(hosts)
    print(f"{sum(hosts.values())} requests, most errors at {errors.most_common(1)[0][0]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
