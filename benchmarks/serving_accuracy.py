"""What a fix of a served program obtains against what ``bottleneck load`` predicts, and which line is behind the knee.

    python benchmarks/serving_accuracy.py [--only NAME ...] [--seconds S] [--markdown FILE]

Each program of ``served/`` runs slow and, with FIXED=1, fixed. Of the fixes: recorded once, at 65 and at 105 % of its
capacity, which gives the prediction; then slow, fixed and slow again run plainly, in a closed loop for the capacity,
and at 65 % of the slow one's, with the same schedule and bodies, for the 99th percentile. The two slow runs say how
much runs differ (A/A). Of the limits: recorded once at its capacity, which names the line behind the knee and the next
limit; then the capacity without that line. Needs a quiet machine, and about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SERVED = HERE / "served"
FIXES = ("blocking", "processes", "batching", "model", "cache")
LIMITS = ("lock", "pool", "connections", "core")
LOW, OVER = 0.65, 1.05  # of the capacity: where the percentile is measured, and where the limit shows
CLIENTS = 48  # of a closed loop, at the capacity of either version
FEW_CLIENTS = 14  # with which the upstream of the limits is not used up, and the narrow place is
MOST_CAPACITY_ERROR, MOST_P99_ERROR = 0.10, 0.15  # medians
LEAST_REQUESTS = 500  # of a percentile: 459 are needed


@dataclass(frozen=True)
class Figure:
    """Before the fix, once more, after it, and what was predicted for that (with its range), None where nothing was."""

    before: float
    again: float
    obtained: float
    predicted: tuple[float, float, float] | None

    @property
    def error(self) -> float | None:
        return None if self.predicted is None else self.predicted[0] / self.obtained - 1

    def cells(self, digits: int) -> str:
        text = f"{self.before:.{digits}f} | {self.again / self.before - 1:+.0%} | "
        if self.predicted is None or self.error is None:
            return text + f"nothing | {self.obtained:.{digits}f} | -"
        value, low, high = self.predicted
        outside = "" if low <= self.obtained <= high else " **outside**"
        text += f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f}) | {self.obtained:.{digits}f}{outside}"
        return f"{text} | {self.error:+.0%}"


def words_of(name: str) -> list[str]:
    """The program's file and its further arguments."""
    return [f"{name}.py"] if name in FIXES else ["limits.py", name]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def upstream() -> Iterator[str]:
    """The port of a server that answers each request after 20 ms."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--servers", "200", "--mean-ms", "20", "--fixed"]
        command = [sys.executable, str(HERE / "planted_server.py"), str(Path(folder) / "log"), *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()
            process.wait()


class Bench:
    """Runs one program's versions under load. ``environment``: of the servers."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        self._name, self._folder, self._environment = name, folder, environment
        self._number = 0
        chance = random.Random(1)  # six in ten requests are for one of twenty items
        items = [chance.randrange(20) if chance.random() < 0.6 else 100 + number for number in range(20_000)]
        (folder / "bodies").write_text(json.dumps([{"item": item} for item in items]))

    def plainly(self, fixed: bool, *words: str) -> dict[str, Any]:
        """A load test of a server that was started afresh, without recording."""
        port = free_port()
        script, *more = words_of(self._name)
        environment = self._environment | ({"FIXED": "1"} if fixed else {})
        server = subprocess.Popen([sys.executable, script, str(port), *more], cwd=SERVED, env=environment)
        try:
            until = time.monotonic() + 60
            while not self._accepts(port):
                if server.poll() is not None or time.monotonic() > until:
                    sys.exit(f"{self._name}: the server does not start")
                time.sleep(0.1)
            self._load(port, ["--concurrency", "4", "--duration", "2"])  # every process has begun, caches are warm
            return self._load(port, list(words))
        finally:
            server.terminate()
            server.wait()

    def recorded(self, *words: str) -> dict[str, Any]:
        script, *more = words_of(self._name)
        port = free_port()
        return self._load(port, list(words), ["--", script, str(port), *more])

    def _load(self, port: int, words: list[str], command: list[str] | None = None) -> dict[str, Any]:
        self._number += 1
        kept = ["--run-dir", str(self._folder / f"load{self._number}")]
        sent = ["--body-list", str(self._folder / "bodies"), "--seed", "1"]
        done = subprocess.run(
            [sys.executable, "-m", "bottleneck_profiler.cli", "load", f"http://127.0.0.1:{port}/", "--json",
             *kept, *sent, *words, *(command or [])],
            cwd=SERVED, env=self._environment, capture_output=True, text=True,
        )  # fmt: skip
        if not done.stdout:
            sys.exit(f"{self._name}: {done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @staticmethod
    def _accepts(port: int) -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            return False
        return True


def capacities(bench: Bench, seconds: float) -> tuple[float, float, float]:
    """Slow, slow again, fixed: good responses per second in a closed loop."""
    words = ["--concurrency", str(CLIENTS), "--duration", str(seconds)]
    slow, fixed, again = (bench.plainly(each, *words)["summary"]["throughput"] for each in (False, True, False))
    return slow, again, fixed


def fix(bench: Bench, seconds: float) -> tuple[str, Figure, Figure]:
    """(what was found, requests per second, 99th percentile in ms)"""
    slow, again, fixed = capacities(bench, seconds)
    rate = round(LOW * min(slow, again), 2)
    lasts = max(seconds, LEAST_REQUESTS / rate)
    over = round(OVER * min(slow, again), 2)
    found = bench.recorded("--steps", f"{rate},{over}", "--duration", str(lasts))
    words = ["--rate", str(rate), "--duration", str(lasts)]
    took = [1e3 * bench.plainly(each, *words)["summary"]["latency"]["p99"] for each in (False, True, False)]
    after = found["after"]
    if after is None:
        behind = found["behind"] or {}
        return f"nothing ({behind.get('why') or 'no finding'})", Figure(slow, again, fixed, None), p99(took, None)
    then = next((part["then"] for part in after["p99"] if abs(part["rate"] / rate - 1) < 0.01), None)
    return after["finding"], Figure(slow, again, fixed, three(after["capacity"])), p99(took, then)


def three(value: dict[str, float]) -> tuple[float, float, float]:
    return value["value"], value["low"], value["high"]


def p99(took: list[float], then: dict[str, float] | None) -> Figure:
    slow, fixed, again = took
    predicted = None if then is None else three({name: 1e3 * value for name, value in then.items()})
    return Figure(slow, again, fixed, predicted)


def limit(bench: Bench, name: str, seconds: float) -> tuple[str, bool, bool, Figure]:
    """(the line behind the knee, whether it is the planted one, whether another one is hottest, requests per second)"""
    found = bench.recorded("--concurrency", str(FEW_CLIENTS), "--duration", str(max(20.0, seconds)))["behind"]
    slow, again, fixed = capacities(bench, seconds)
    resource, then = found["limit"], found["then"]
    lines = (SERVED / "limits.py").read_text().splitlines()
    right = resource is not None and f"# planted: {name}" in lines[resource["line"] - 1]
    hottest = found["hottest"] is not None and f"# planted: {name}" not in lines[found["hottest"]["line"] - 1]
    predicted = None if then is None else (then["capacity"], 0.85 * then["capacity"], 1.15 * then["capacity"])
    what = found["why"] if resource is None else f"{resource['name']}, line {resource['line']}"
    return what, right, hottest, Figure(slow, again, fixed, predicted)


def summed(name: str, figures: list[Figure], most: float) -> str:
    errors = [abs(figure.error) for figure in figures if figure.error is not None]
    if not errors:
        return f"{name}: nothing was predicted"
    median = statistics.median(errors)
    missing = f", {len(figures) - len(errors)} not predicted" if len(errors) < len(figures) else ""
    verdict = "met" if median <= most else "missed"
    return f"{name}: median error {median:.0%} of {len(errors)}{missing} (asked: at most {most:.0%}; {verdict})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=[*FIXES, *LIMITS], default=[*FIXES, *LIMITS])
    parser.add_argument("--seconds", type=float, default=12.0, help="of a test at least (default 12)")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    arguments = parser.parse_args()
    columns = "before | A/A | predicted | obtained | error"
    fixes = [f"| fix | first finding | requests/s: {columns} | p99 in ms: {columns} |", "|" + " --- |" * 12]
    limits = [f"| narrow place | behind the knee | right | another is hottest | requests/s: {columns} |"]
    limits.append("|" + " --- |" * 9)
    capacity: list[Figure] = []
    latency: list[Figure] = []
    moved: list[Figure] = []
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder, upstream() as port:
            bench = Bench(name, Path(folder), {**os.environ, "UPSTREAM": port})
            if name in FIXES:
                what, first, second = fix(bench, arguments.seconds)
                capacity.append(first)
                latency.append(second)
                fixes.append(f"| {name} | {what} | {first.cells(0)} | {second.cells(1)} |")
                print(fixes[-1], flush=True)
            else:
                what, right, hottest, figure = limit(bench, name, arguments.seconds)
                moved.append(figure)
                words = ("yes" if each else "**no**" for each in (right, hottest))
                limits.append(f"| {name} | {what} | {' | '.join(words)} | {figure.cells(0)} |")
                print(limits[-1], flush=True)
    sums = []
    if capacity:
        sums = [summed("Capacity", capacity, MOST_CAPACITY_ERROR), summed("p99", latency, MOST_P99_ERROR)]
    if moved:
        sums.append(summed("Capacity without the line behind the knee", moved, MOST_CAPACITY_ERROR))
    print("\n".join(sums))
    if arguments.markdown:
        tables = [table for table in (fixes, limits) if len(table) > 2]
        arguments.markdown.write_text("\n\n".join("\n".join(part) for part in (*tables, sums)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
