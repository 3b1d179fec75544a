"""Accuracy of the diagnosis over all pairs and controls: planted against found, predicted against obtained.

    python benchmarks/accuracy.py [--rounds N] [--busy N] [--only ID ...] [--json FILE] [--markdown FILE]

Every ``slow.py`` runs once under ``bottleneck run``; slow and fixed then run plainly in turn, and the obtained gain is
the median of the pairs' ``1 - fixed / slow`` (wall time; for serving p99 latency or capacity from their RESULT line).
``--rounds 0`` asks for the findings alone, and ``--busy N`` keeps N loops busy meanwhile.
Exit code 1 when one of the figures of ``targets`` is missed; the Markdown holds them, the misses, and the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIPELINES = ROOT / "sample_pipelines"
#: A parent's pair passes with the parent or the child that it names, and the other way round.
ALLOWED = {
    "memory-thrash": {"memory-thrash", "allocator-churn", "residual-python"},
    "threads-run-python": {"threads-run-python", "gil-bound-threads"},
    "gil-threads": {"gil-threads", "gil-bound-threads"},
    "loop-waits-for-input": {"loop-waits-for-input", "blocked-call"},
}
#: What costs no time, or is a choice of the training: only noticed beside the findings.
ASIDE = {"cow-growth", "small-batch"}
#: Signatures that a run shows only if it is asked to -> how.
OPTIONS = {"quantisable-model": ["--probe-model"]}
#: What is asked of the whole: shares, and the median error in shares of the run.
MIN_PRECISION, MIN_RECALL, MIN_FIRST, MIN_LINE, MIN_INSIDE = 0.95, 0.90, 0.90, 0.90, 0.80
MAX_MEDIAN_ERROR = 0.08


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
    def true(self) -> list[str]:
        """The findings in the slow run that tell of what is planted."""
        return [f for f in self.found if self.planted and f in ALLOWED.get(self.planted, {self.planted})]

    @property
    def first(self) -> bool:
        """Whether the planted cause comes first; of a control, whether nothing does."""
        return self.found[:1] == self.true[:1] and bool(self.true) == bool(self.planted)

    @property
    def false(self) -> list[str]:
        """Findings of what is not there, in either run."""
        return [f for f in self.found if f not in self.true] + self.fixed_found

    @property
    def inside(self) -> bool | None:
        if self.obtained is None or self.low is None or self.high is None:
            return None
        return round(self.low, 2) <= round(self.obtained, 2) <= round(self.high, 2)


def diagnose(script: Path) -> dict[str, Any]:
    """The diagnosis of one script under ``bottleneck run``."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        options = ["--run-dir", str(run_dir), *OPTIONS.get(script.parent.name, [])]
        command = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", *options, str(script)]
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
        try:
            before, after = measure(slow, row.basis), measure(fixed, row.basis)
        except subprocess.CalledProcessError as error:
            print(f"{folder.name}: a round is left out: {error}", file=sys.stderr, flush=True)
            continue
        ratios.append(1.0 - after / before)
    row.obtained = statistics.median(ratios) if ratios else None
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
            verdict if row.first else f"**{verdict}**",
            "yes" if row.line_right else "**no**",
            ", ".join(row.fixed_found) or "-",
            percent(row.predicted),
            span,
            percent(row.obtained) + ("" if row.inside is not False else " **outside**"),
        ]
        table.append("| " + " | ".join(marks) + " |")
    return table


@dataclass(frozen=True)
class Target:
    """One figure against what is asked of it."""

    name: str
    shown: str
    asked: str
    met: bool


def targets(rows: list[Row]) -> list[Target]:
    """All figures of the whole; those that nothing was measured for are left out."""
    pairs, controls = [r for r in rows if r.planted], [r for r in rows if not r.planted]
    priced = [r for r in pairs if r.inside is not None and r.first]
    errors = [abs((r.predicted or 0.0) - (r.obtained or 0.0)) for r in priced if not r.guess]
    true = sum(len(r.true) for r in rows)

    def share(name: str, part: int, whole: int, least: float) -> Target | None:
        value = part / max(whole, 1)
        shown = f"{value:.2f} ({part} of {whole})"
        return Target(name, shown, f">= {least:.2f}", value >= least) if whole else None

    alarms = sum(bool(r.found) for r in controls)
    median = statistics.median(errors) if errors else 0.0
    every = [
        share("precision: findings that are planted", true, true + sum(len(r.false) for r in rows), MIN_PRECISION),
        share("recall: planted causes found", sum(bool(r.true) for r in pairs), len(pairs), MIN_RECALL),
        share("planted cause first", sum(r.first for r in pairs), len(pairs), MIN_FIRST),
        share("right line", sum(r.line_right and r.first for r in pairs), len(pairs), MIN_LINE),
        Target("controls with a finding", f"{alarms} of {len(controls)}", "0", not alarms) if controls else None,
        Target("median error of the gain", f"{median * 100:.1f} points", "<= 8 points", median <= MAX_MEDIAN_ERROR)
        if errors
        else None,
        share("obtained gain inside the range", sum(bool(r.inside) for r in priced), len(priced), MIN_INSIDE),
    ]
    return [target for target in every if target is not None]


def misses(rows: list[Row]) -> list[str]:
    """What went wrong, a line each."""
    found = []
    for row in rows:
        if row.planted and not row.first:
            found.append(f"{row.name}: first finding is {', '.join(row.found[:1]) or 'missing'}")
        elif not row.line_right:
            found.append(f"{row.name}: another line is named")
        if row.false:
            found.append(f"{row.name}: also finds {', '.join(row.false)}")
        if row.inside is False:
            found.append(
                f"{row.name}: obtained {percent(row.obtained)}, {percent(row.low)} to {percent(row.high)} said"
            )
    return found


def machine() -> str:
    """What the figures were measured on."""
    model = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = f"Python {platform.python_version()}, torch {metadata.version('torch')}"
    return f"{len(os.sched_getaffinity(0))} cores ({model}), {platform.system()}, {versions}"


def _strangers(path: Path) -> str:
    """The section on programs of strangers, which is written by hand; "" where the file has none."""
    _, heading, text = (path.read_text() if path.exists() else "").partition("\n## Strangers\n")
    return heading + text


def markdown(rows: list[Row], rounds: int) -> str:
    """The page docs/accuracy.md."""
    repeated = f"{rounds} round{'' if rounds == 1 else 's'}"
    figures = [f"| {t.name} | {t.shown} | {t.asked} | {'yes' if t.met else '**no**'} |" for t in targets(rows)]
    wrong = [f"- {miss}" for miss in misses(rows)]
    parts = [
        "# Accuracy",
        f"Measured by `benchmarks/accuracy.py` on {time.strftime('%Y-%m-%d')}: {machine()}, {repeated}.",
        "Every pair of `sample_pipelines` runs slow and fixed; controls are healthy: nothing may be found.",
        "\n".join(["| figure | measured | asked | met |", "|" + " --- |" * 4, *figures]),
        "## Misses",
        "\n".join(wrong) or "None.",
        "## Each pipeline",
        "\n".join(lines(rows)),
    ]
    return "\n\n".join(parts) + "\n"


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Processes that compute for nothing meanwhile."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="plain slow/fixed pairs to measure (default 2)")
    parser.add_argument("--busy", type=int, default=0, help="loops to keep busy beside the runs")
    parser.add_argument("--only", nargs="*", help="names of pairs or controls")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    rows = []
    folders = sorted(p.parent for p in PIPELINES.glob("*/slow.py"))
    scripts = sorted((PIPELINES / "controls").glob("*.py"))
    with busy_loops(arguments.busy):
        for path in [*folders, *scripts]:
            if arguments.only and path.stem not in arguments.only:
                continue
            rows.append(pair(path, arguments.rounds) if path.is_dir() else control(path))
            print(lines(rows)[-1], flush=True)
    for target in targets(rows):
        print(f"{target.name:40}{target.shown:>18}{target.asked:>14}   {'met' if target.met else 'MISSED'}")
    print("\n".join(misses(rows)))
    if arguments.markdown:
        arguments.markdown.write_text(markdown(rows, arguments.rounds) + _strangers(arguments.markdown))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if all(target.met for target in targets(rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
