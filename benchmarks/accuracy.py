"""Accuracy of the diagnosis over all pairs and controls: planted against found, predicted against obtained.

    python benchmarks/accuracy.py [--rounds N] [--only ID ...] [--json FILE] [--markdown FILE]

Every ``slow.py`` runs once under ``bottleneck run``; slow and fixed then run plainly in turn, and the obtained gain is
the median of the pairs' ``1 - fixed / slow`` (wall time; for serving p99 latency or capacity from their RESULT line).
Exit code 1 when a target of the first slice is missed: every pair right, controls silent, median error at most
12 points, 70 % of the obtained gains inside the printed range, ranges at most 25 points wide.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIPELINES = ROOT / "sample_pipelines"
#: A parent's pair passes with the parent or the child that it names.
ALLOWED = {"memory-thrash": {"memory-thrash", "allocator-churn", "residual-python"}}
#: What costs no time and, with memory to spare, is only noticed beside the findings.
ASIDE = {"cow-growth"}
MAX_MEDIAN_ERROR, MIN_INSIDE, MAX_WIDTH = 0.12, 0.70, 0.25


@dataclass
class Row:
    """One pair or control. Shares are 0 to 1; ``obtained`` None where no gain is claimed."""

    name: str
    planted: str | None
    found: list[str]
    fixed_found: list[str] = field(default_factory=list)
    line_right: bool = True
    basis: str = ""
    predicted: float | None = None
    low: float | None = None
    high: float | None = None
    obtained: float | None = None
    guess: bool = False  # a rule of thumb, and the report says so: its range is as wide as what is not known

    @property
    def right(self) -> bool:
        if self.planted is None:
            return not self.found
        return bool(self.found) and self.found[0] in ALLOWED.get(self.planted, {self.planted})

    @property
    def inside(self) -> bool | None:
        if self.obtained is None or self.low is None or self.high is None:
            return None
        return round(self.low, 2) <= round(self.obtained, 2) <= round(self.high, 2)


def diagnose(script: Path) -> dict[str, Any]:
    """The diagnosis of one script under ``bottleneck run``."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", str(run_dir), str(script)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=folder)
        diagnosis: dict[str, Any] = json.loads((run_dir / "diagnosis.json").read_text())
        return diagnosis


def measure(script: Path, basis: str) -> float:
    """What one plain run costs: wall seconds, p99 milliseconds, or seconds per request, by ``basis``."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    wall = time.monotonic() - started
    if basis in ("p99", "capacity"):
        result = json.loads(done.stdout.rpartition("RESULT ")[2])
        return float(result["p99_ms"]) if basis == "p99" else 1.0 / float(result["rps"])
    return wall


def marked_line(script: Path, location: dict[str, Any] | None) -> bool:
    """Whether the finding's line is in the script and, where the script marks one with ``# planted``, is that one."""
    if location is None or Path(location["file"]).name != script.name:
        return False
    lines = script.read_text().splitlines()
    marked = [number for number, line in enumerate(lines, 1) if "# planted" in line]
    return not marked or location["line"] in marked


def pair(folder: Path, rounds: int) -> Row:
    slow, fixed = folder / "slow.py", folder / "fixed.py"
    kind = "also_noticed" if folder.name in ASIDE else "findings"
    findings = diagnose(slow)[kind]
    row = Row(folder.name, folder.name, [f["detector"] for f in findings])
    row.fixed_found = [f["detector"] for f in diagnose(fixed)[kind]]
    if not findings:
        return row
    row.line_right = marked_line(slow, findings[0]["location"])
    gain = findings[0]["gain"]
    if gain is None:
        return row
    row.guess = findings[0]["confidence"] <= 0.2
    row.basis, row.predicted, row.low, row.high = gain["basis"], gain["share"], gain["low"], gain["high"]
    ratios = []
    for _ in range(rounds):
        before, after = measure(slow, row.basis), measure(fixed, row.basis)
        ratios.append(1.0 - after / before)
    row.obtained = statistics.median(ratios)
    return row


def control(script: Path) -> Row:
    return Row(script.stem, None, [f["detector"] for f in diagnose(script)["findings"]])


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.0f} %"


def lines(rows: list[Row]) -> list[str]:
    """The table as Markdown."""
    table = ["| pipeline | first finding | line | fixed finds | predicted | range | obtained |", "|" + " --- |" * 7]
    for row in rows:
        span = "-" if row.low is None else f"{percent(row.low)} to {percent(row.high)}"
        verdict = ", ".join(row.found[:1]) or "nothing"
        marks = [
            f"{row.name}{'' if row.planted else ' (control)'}",
            verdict if row.right else f"**{verdict}**",
            "yes" if row.line_right else "**no**",
            ", ".join(row.fixed_found) or "-",
            percent(row.predicted),
            span,
            percent(row.obtained) + ("" if row.inside is not False else " **outside**"),
        ]
        table.append("| " + " | ".join(marks) + " |")
    return table


def summary(rows: list[Row]) -> tuple[list[str], bool]:
    """(lines, whether all targets are met)."""
    pairs, controls = [r for r in rows if r.planted], [r for r in rows if not r.planted]
    right = sum(r.right for r in pairs)
    alarms = sum(bool(r.found) for r in controls) + sum(bool(r.fixed_found) for r in pairs)
    # Each finding counts: what is listed beside the planted one is a false alarm too.
    fired = sum(len(r.found) + len(r.fixed_found) for r in rows)
    priced = [r for r in pairs if r.obtained is not None and r.right]
    errors = [abs((r.predicted or 0.0) - (r.obtained or 0.0)) for r in priced if not r.guess]
    inside = sum(bool(r.inside) for r in priced)
    widest = max(((r.high or 0.0) - (r.low or 0.0) for r in priced if not r.guess), default=0.0)
    median = statistics.median(errors) if errors else 0.0
    text = [
        f"pairs right: {right} of {len(pairs)} (recall {right / max(len(pairs), 1):.2f}), "
        f"precision {right / max(fired, 1):.2f}, right line {sum(r.line_right for r in pairs)} of {len(pairs)}",
        f"silent where nothing is wrong: {len(controls) + len(pairs) - alarms} of {len(controls) + len(pairs)}",
        f"gains: median error {median * 100:.1f} points, {inside} of {len(priced)} inside the range, "
        f"widest range {widest * 100:.0f} points",
    ]
    met = right == len(pairs) and alarms == 0 and median <= MAX_MEDIAN_ERROR
    met = met and inside >= MIN_INSIDE * len(priced) and widest <= MAX_WIDTH + 1e-9
    return text, met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="plain slow/fixed pairs to measure (default 2)")
    parser.add_argument("--only", nargs="*", help="names of pairs or controls")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    rows = []
    folders = sorted(p.parent for p in PIPELINES.glob("*/slow.py"))
    scripts = sorted((PIPELINES / "controls").glob("*.py"))
    for path in [*folders, *scripts]:
        if arguments.only and path.stem not in arguments.only:
            continue
        rows.append(pair(path, arguments.rounds) if path.is_dir() else control(path))
        print(lines(rows)[-1], flush=True)
    text, met = summary(rows)
    print("\n".join(text))
    stamp = f"{time.strftime('%Y-%m-%d')}, {len(os.sched_getaffinity(0))} cores, {arguments.rounds} rounds"
    if arguments.markdown:
        arguments.markdown.write_text("\n".join([f"# Accuracy\n\n{stamp}\n", *lines(rows), "", *text, ""]))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
