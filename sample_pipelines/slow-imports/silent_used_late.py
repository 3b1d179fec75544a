"""Counts the events of a log, and always ends with a short forecast: the slow import is used late, but it is used."""

import collections
import random

import torch


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
    print(f"{len(hosts)} hosts, {torch.tensor(list(hosts.values())).float().mean():.0f} requests each")


def main():
    hosts, errors = count(log())
    print(f"{sum(hosts.values())} requests, most errors at {errors.most_common(1)[0][0]}")
    forecast(hosts)


if __name__ == "__main__":
    main()
