"""Whether the printed order of fixes is a good one: pipelines with several faults, each of which can be switched off.

    python benchmarks/order.py [--rounds N] [--only NAME ...] [--markdown FILE]

Each pipeline of ``sample_pipelines/multi`` runs once under ``bottleneck run``, with all of its faults; the order in
which the report names them is the printed order. Then every combination of fixes runs plainly, all of them in turn in
each round, and of each the median counts. An order is worth the seconds that its prefixes have saved, summed: what is
fixed first saves longest. Beside it stands the same with each fix taking as long as its effort says, for the report
puts what is quickly done first. Exit code 1 when a fault was not named or a printed order is worth less than 90 % of
the best one.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from accuracy import PIPELINES, diagnose

MULTI = PIPELINES / "multi"
MIN_WORTH = 0.90  # of the best order (own)
Fixes = frozenset[str]

#: Pipeline -> fault -> the arguments that switch it off. A fault bears the name of the finding that tells of it.
FAULTS: dict[str, dict[str, list[str]]] = {
    "photos": {
        "workers-zero": ["--workers", "2"],
        "row-wise-python": ["--owners", "columns"],
        "hot-logging": ["--log-every", "100"],
    },
    "trips": {"csv-instead-of-parquet": ["--format", "parquet"], "sync-checkpoint": ["--save-every", "200"]},
    "reviews": {"eval-heavy": ["--evaluate-every", "200"], "residual-python": ["--figures-every", "50"]},
    "sentences": {
        "serial-collate": ["--pad", "tensors"],
        "sync-checkpoint": ["--save-every", "200"],
        "eval-heavy": ["--evaluate-every", "200"],
    },
    "customers": {
        "unused-columns": ["--columns", "used"],
        "row-wise-python": ["--normalise", "columns"],
        "hot-logging": ["--log-every", "100"],
    },
    "notes": {
        "worker-respawn": ["--keep-workers"],
        "hot-logging": ["--log-every", "100"],
        "eval-heavy": ["--evaluate-every", "100"],
    },
}


@dataclass
class Row:
    """One pipeline. ``seconds``: of each combination of fixes; ``printed`` holds the faults named, best first."""

    name: str
    printed: list[str]
    besides: list[str]  # findings that are none of the faults
    seconds: dict[Fixes, float]
    efforts: dict[str, int] = field(default_factory=dict)  # of the fixes, as the report says

    @property
    def faults(self) -> list[str]:
        return list(FAULTS[self.name])

    @property
    def missed(self) -> list[str]:
        return [fault for fault in self.faults if fault not in self.printed]

    def cumulative(self, order: Iterable[str]) -> list[float]:
        """Seconds of the run with nothing fixed, with the first fix, with the first two, and so on."""
        done = [frozenset[str]()]
        for fault in order:
            done.append(done[-1] | {fault})
        return [self.seconds[fixes] for fixes in done]

    def worth(self, order: Iterable[str]) -> float:
        """Seconds saved, summed over the prefixes of ``order``; a fault that it leaves out is never fixed."""
        times = self.cumulative(order)
        times += times[-1:] * (len(self.faults) + 1 - len(times))
        return sum(times[0] - after for after in times[1:])

    def worth_by_effort(self, order: Iterable[str]) -> float:
        """Seconds saved by each prefix of ``order``, for as long as the fix after it takes."""
        order = [*order, *(fault for fault in self.faults if fault not in order)]
        times = self.cumulative(order)
        return sum((times[0] - times[k]) * self.efforts.get(order[k], 1) for k in range(1, len(order)))

    @property
    def best(self) -> tuple[str, ...]:
        return max(itertools.permutations(self.faults), key=self.worth)

    @property
    def share_of_best(self) -> float:
        return self.worth(self.printed) / max(self.worth(self.best), 1e-9)

    @property
    def share_by_effort(self) -> float:
        best = max(map(self.worth_by_effort, itertools.permutations(self.faults)))
        return self.worth_by_effort(self.printed) / max(best, 1e-9)

    @property
    def right(self) -> bool:
        return not self.missed and self.share_of_best >= MIN_WORTH


def row_of(name: str, rounds: int) -> Row:
    """Diagnose and measure one pipeline."""
    findings = diagnose(MULTI / f"{name}.py")["findings"]
    found = [finding["detector"] for finding in findings]
    efforts = {finding["detector"]: finding["fix"]["effort"] for finding in findings}
    named, besides = [f for f in found if f in FAULTS[name]], [f for f in found if f not in FAULTS[name]]
    return Row(name, named, besides, measure(name, rounds), efforts)


def seconds_of(name: str, fixes: Fixes) -> float:
    """Wall seconds of one plain run with these faults switched off."""
    words = itertools.chain.from_iterable(FAULTS[name][fault] for fault in sorted(fixes))
    started = time.monotonic()
    subprocess.run([sys.executable, str(MULTI / f"{name}.py"), *words], check=True, capture_output=True)
    return time.monotonic() - started


def measure(name: str, rounds: int) -> dict[Fixes, float]:
    """Median seconds of each combination of fixes; each round runs all of them, every other one backwards."""
    faults = FAULTS[name]
    every = [frozenset(c) for size in range(len(faults) + 1) for c in itertools.combinations(faults, size)]
    found: dict[Fixes, list[float]] = {fixes: [] for fixes in every}
    for turn in range(rounds):
        for fixes in every if turn % 2 == 0 else reversed(every):
            found[fixes].append(seconds_of(name, fixes))
    return {fixes: statistics.median(times) for fixes, times in found.items()}


def lines(rows: list[Row]) -> list[str]:
    """The table as Markdown."""
    table = ["| pipeline | printed order | seconds | best order | seconds | worth | by effort |", "|" + " --- |" * 7]
    for row in rows:
        shown = [f"**{fault} (not named)**" for fault in row.missed] + [f"({other} besides)" for other in row.besides]
        marks = [
            row.name,
            ", ".join([*row.printed, *shown]),
            _times(row.cumulative(row.printed)),
            ", ".join(row.best),
            _times(row.cumulative(row.best)),
            f"{row.share_of_best * 100:.0f} %" if row.right else f"**{row.share_of_best * 100:.0f} %**",
            f"{row.share_by_effort * 100:.0f} %",
        ]
        table.append("| " + " | ".join(marks) + " |")
    return table


def _times(seconds: list[float]) -> str:
    return " → ".join(f"{value:.1f}" for value in seconds)


def summary(rows: list[Row]) -> str:
    right = sum(row.right for row in rows)
    return f"within 10 % of the best order: {right} of {len(rows)} pipelines"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each combination of fixes (default 3)")
    parser.add_argument("--only", nargs="*", choices=list(FAULTS), default=list(FAULTS), metavar="NAME")
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        rows.append(row_of(name, arguments.rounds))
        print(lines(rows)[-1], flush=True)
    print(summary(rows))
    if arguments.markdown:
        stamp = f"{time.strftime('%Y-%m-%d')}, {len(os.sched_getaffinity(0))} cores, {arguments.rounds} rounds"
        text = ["# The order of fixes", "", stamp, "", *lines(rows), "", summary(rows), ""]
        arguments.markdown.write_text("\n".join(text))
    return 0 if all(row.right for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
