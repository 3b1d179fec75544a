"""What a fix obtains against what was predicted, for programs of others: their slow and their fixed variant.

    python benchmarks/obtained.py FOLDER [--rounds N] [--only NAME ...] [--python PYTHON] [--markdown FILE]

FOLDER holds either one folder a program with ``slow.py`` and ``fixed.py``, or one file a program whose fixed variant
runs with ``STORY_FIXED=1``. Each program runs once plainly, so that the data that it keeps are made, and once under
``bottleneck run``; then slow and fixed run plainly in turn, and the obtained saving is the median of
``1 - fixed / slow`` of the wall time. A program without a finding counts as not predicted. PYTHON is the interpreter
that has the product and what the programs import.
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
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Variant:
    """One way to run a program: its file and the environment of its own."""

    script: Path
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Predicted:
    """The first finding and the share of the run (0 to 1) that it says its fix saves."""

    finding: str
    share: float
    low: float
    high: float
    basis: str


def programs(folder: Path) -> dict[str, tuple[Variant, Variant]]:
    """Name -> (slow, fixed); healthy programs have no fixed variant and are left out."""
    found = {}
    for fixed in sorted(folder.glob("*/fixed.py")):
        found[fixed.parent.name] = Variant(fixed.with_name("slow.py")), Variant(fixed)
    for script in sorted(folder.glob("*.py")):
        if "STORY_FIXED" in script.read_text(encoding="utf-8"):
            found[script.stem] = Variant(script), Variant(script, (("STORY_FIXED", "1"),))
    return found


def environment(python: str, variant: Variant) -> dict[str, str]:
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **dict(variant.more)}


def predicted(python: str, variant: Variant) -> Predicted | None:
    """What the report of one recorded run says first; None where it says nothing, or gives no gain."""
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        command = [python, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", str(run_dir)]
        command += ["--", python, variant.script.name]
        subprocess.run(
            command, cwd=variant.script.parent, env=environment(python, variant), capture_output=True, check=False
        )
        findings = json.loads((run_dir / "diagnosis.json").read_text())["findings"]
    gain = findings[0]["gain"] if findings else None
    if gain is None:
        return None
    return Predicted(findings[0]["detector"], gain["share"], gain["low"], gain["high"], gain["basis"])


def seconds(python: str, variant: Variant) -> float:
    """Wall seconds of one plain run. Raises CalledProcessError when it fails."""
    began = time.monotonic()
    subprocess.run(
        [python, variant.script.name], cwd=variant.script.parent, env=environment(python, variant),
        capture_output=True, check=True,
    )  # fmt: skip
    return time.monotonic() - began


def row(name: str, said: Predicted | None, obtained: float) -> tuple[str, bool]:
    """(a row of the table, whether the obtained saving lies in the range)."""
    if said is None:
        return f"| {name} | nothing | - | - | {obtained:.0%} |", False
    inside = round(said.low, 2) <= round(obtained, 2) <= round(said.high, 2)
    span = f"{said.low:.0%} to {said.high:.0%}"
    basis = "" if said.basis == "run" else f" ({said.basis})"
    mark = "" if inside else " **outside**"
    return f"| {name} | {said.finding} | {said.share:.0%}{basis} | {span} | {obtained:.0%}{mark} |", inside


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1, help="plain slow/fixed pairs to measure (default 1)")
    parser.add_argument("--only", nargs="*", help="names of programs")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    table = ["| program | first finding | predicted | range | obtained |", "|" + " --- |" * 5]
    hits = []
    for name, (slow, fixed) in programs(arguments.folder.resolve()).items():
        if arguments.only and name not in arguments.only:
            continue
        seconds(arguments.python, slow)
        said = predicted(arguments.python, slow)
        pairs = [(seconds(arguments.python, slow), seconds(arguments.python, fixed)) for _ in range(arguments.rounds)]
        text, inside = row(name, said, statistics.median(1.0 - after / before for before, after in pairs))
        table.append(text)
        hits.append(inside)
        print(text, flush=True)
    print(f"{sum(hits)} of {len(hits)} inside the range")
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(table) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
