"""Shows on the demo what a user would do: run it, read the report, apply the first fix, run it again.

    python sample_pipelines/demo/show.py [--update-readme] [arguments of train.py]

It works on a copy of train.py in a temporary folder, which stays. ``--update-readme`` puts the report of this run into
README.md and a picture of its page into docs/report.png; do that on a quiet machine. The picture needs Chromium.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BOTTLENECK = (sys.executable, "-m", "bottleneck_profiler.cli")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURE_SIZE = "1000,1500"


def main() -> None:
    arguments = sys.argv[1:]
    update = "--update-readme" in arguments
    arguments = [word for word in arguments if word != "--update-readme"]
    folder = Path(tempfile.mkdtemp(prefix="bottleneck-demo-"))
    shutil.copy(HERE / "train.py", folder)

    heading("bottleneck run train.py")
    before = diagnosed(folder, "before", arguments)
    if not before["findings"]:
        sys.exit(f"Nothing to fix was found: the run was too short, or the machine too busy. It is in {folder}")
    finding = before["findings"][0]
    heading(f"bottleneck fix RUN {finding['detector']} --apply")
    print(bottleneck(folder, "fix", "before", finding["detector"]), flush=True)
    bottleneck(folder, "fix", "before", finding["detector"], "--apply")
    heading("bottleneck run train.py   (with the fix)")
    after = diagnosed(folder, "after", arguments, "--quiet")

    if update:
        update_readme(folder, before["run"]["cores"])
    print(f"\n{outcome(before, after)}")
    print(f"The fixed copy and both reports are in {folder}")


def heading(command: str) -> None:
    print(f"\n$ {command}\n", flush=True)


def bottleneck(folder: Path, *words: str) -> str:
    """What a command of ours prints, 80 columns wide as in a terminal."""
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([*BOTTLENECK, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"`bottleneck {words[0]}` ended with exit code {done.returncode}; its messages are above")
    return done.stdout


def diagnosed(folder: Path, run: str, arguments: list[str], *options: str) -> dict[str, Any]:
    """The diagnosis of one run of the copy; its output, and the report, appear as they come."""
    command = [*BOTTLENECK, "run", *options, "--run-dir", run, "train.py", *arguments]
    code = subprocess.run(command, cwd=folder).returncode
    if code:
        sys.exit(f"train.py ended with exit code {code}")
    diagnosis: dict[str, Any] = json.loads((folder / run / "diagnosis.json").read_text())
    return diagnosis


def report(folder: Path) -> str:
    """The report of the first run, as the README shows it."""
    lines = bottleneck(folder, "report", "before").strip("\n").splitlines()
    return "\n".join(line.rstrip() for line in lines)


def outcome(before: dict[str, Any], after: dict[str, Any]) -> str:
    """The one line that counts: what was promised and what came of it."""
    first, second = before["run"]["wall_seconds"], after["run"]["wall_seconds"]
    gain = before["findings"][0]["gain"]
    promised = "no number" if gain is None else f"{gain['low'] * 100:.0f}-{gain['high'] * 100:.0f} %"
    saved = f"{(1 - second / first) * 100:.0f} %"
    return f"before {first:.1f} s, after {second:.1f} s: saved {saved} (predicted {promised})"


def update_readme(folder: Path, cores: float) -> None:
    readme = ROOT / "README.md"
    block = (
        f"This is its report on `sample_pipelines/demo/train.py`, on {cores:.0f} cores:\n\n```\n{report(folder)}\n```\n"
    )
    marked = re.compile(r"(<!-- report:begin -->\n).*?(<!-- report:end -->)", re.DOTALL)
    readme.write_text(marked.sub(lambda found: found[1] + block + found[2], readme.read_text()))
    if CHROMIUM is None:
        sys.exit("README.md has the report; docs/report.png is the old one: there is no Chromium here")
    picture = ROOT / "docs" / "report.png"
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={PICTURE_SIZE}")
    page = (folder / "before" / "report.html").as_uri()
    subprocess.run([CHROMIUM, *options, f"--screenshot={picture}", page], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
