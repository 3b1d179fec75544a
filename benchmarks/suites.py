"""Runs other projects' test suites plainly and under ``bottleneck run``; reports different outcomes and the overhead.

    python benchmarks/suites.py [--only NAME ...] [--rounds N] [--json FILE] [--markdown FILE]

Each suite runs plainly, under ``bottleneck run``, and plainly again. A test is reported as different if both plain runs
agree on its outcome and the recorded run does not; if the plain runs disagree, it only counts as unsteady. CPU and wall
time include the suite and its children but not the supervisor. Each ratio divides the time of the recorded run by the
mean of the two plain runs; ``--rounds`` repeats all three runs and takes the median of the ratios.

The suites come with Python, with numpy's and pandas's wheels, and in the source distributions of the installed versions
of the other packages, which pip downloads; a suite whose package is not installed is left out. Exit code 1: a
difference, or a ratio above a limit.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

MAX_CPU, MAX_WALL = 1.05, 1.10
LIMIT_SECONDS = 900

#: Runs a command and writes what it and its children used. Recorded or not, it is the same small program.
DRIVER = """
import json, os, sys, time
began = time.monotonic()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(pid, 0)
figures = {"code": os.waitstatus_to_exitcode(status), "cpu": used.ru_utime + used.ru_stime,
           "wall": time.monotonic() - began}
with open(sys.argv[1], "w") as file:
    json.dump(figures, file)
"""


@dataclass(frozen=True)
class Suite:
    """``tests``: modules of the standard library, or arguments of pytest; ``sdist``: the package whose source holds
    them. ``needs``: modules without which the suite is left out."""

    name: str
    tests: tuple[str, ...]
    needs: tuple[str, ...] = ()
    sdist: str = ""
    by_unittest: bool = False


def stdlib(name: str, *modules: str) -> Suite:
    """Tests of the standard library; a suite that is a package, depending on the version, by its modules."""
    whole = f"test.test_{name}"
    spec = None if modules else importlib.util.find_spec(whole)
    if spec is not None and spec.submodule_search_locations:
        files = sorted(Path(spec.submodule_search_locations[0]).glob("test_*.py"))
        modules = tuple(f"{whole}.{file.stem}" for file in files)
    modules = modules or (whole,)
    return Suite(f"CPython: {name}", modules, needs=modules, by_unittest=True)


SUITES = (
    stdlib("signal"),
    stdlib("subprocess"),
    stdlib("threading"),
    stdlib("asyncio", "test.test_asyncio.test_events", "test.test_asyncio.test_tasks", "test.test_asyncio.test_locks",
           "test.test_asyncio.test_subprocess", "test.test_asyncio.test_unix_events"),
    stdlib("multiprocessing", "test.test_multiprocessing_fork", "test.test_multiprocessing_main_handling"),
    stdlib("concurrent_futures"),
    Suite("numpy: io", ("--pyargs", "numpy.lib.tests.test_io", "numpy.lib.tests.test_format"), ("numpy", "hypothesis")),
    Suite("numpy: overrides", ("--pyargs", "numpy._core.tests.test_overrides"), ("numpy",)),
    Suite("pandas: io", ("--pyargs", "pandas.tests.io.test_common", "pandas.tests.io.json", "pandas.tests.io.formats",
                         "pandas.tests.io.parser.test_read_fwf", "pandas.tests.io.test_pickle"), ("pandas",)),
    Suite("pandas: apply", ("--pyargs", "pandas.tests.apply", "pandas.tests.reshape.merge"), ("pandas",)),
    Suite("starlette", ("tests",), ("starlette", "httpx", "trio"), sdist="starlette"),
    Suite("uvicorn", ("tests",), ("uvicorn", "httpx", "a2wsgi"), sdist="uvicorn"),
    Suite("accelerate", ("tests/test_accelerator.py", "tests/test_data_loader.py", "tests/test_optimizer.py"),
          ("accelerate", "parameterized"), sdist="accelerate"),
)  # fmt: skip


@dataclass
class Run:
    code: int
    cpu: float
    wall: float
    outcomes: dict[str, str]


@dataclass
class Result:
    """``different``: test -> (plain, recorded). Ratios are recorded / plain."""

    name: str
    version: str
    tests: int
    unsteady: int
    cpu: float
    wall: float
    different: dict[str, tuple[str, str]] = field(default_factory=dict)


def by_junit(path: Path) -> dict[str, str]:
    """Test -> outcome, from the XML file that pytest writes."""
    found: dict[str, str] = {}
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        bad = {each.tag for each in case} & {"failure", "error", "skipped"}
        found[name] = min(bad, default="passed")
    return found


def by_unittest(text: str) -> dict[str, str]:
    """Test -> outcome, from ``unittest -v``.

    A test may print something between its name and its outcome, and concurrent_futures prints how long it took.
    """
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        started = re.match(r"(test\w* \([\w.]+\))", line)
        if started:
            name = started.group(1)
        ended = re.search(r"(?:^|\.\.\. |\d+s )(ok|FAIL|ERROR|skipped|expected failure)\b", line)
        if ended and name:
            found[name] = ended.group(1)
            name = ""
    return found


def run(suite: Suite, folder: Path, recorded: bool) -> Run:
    with tempfile.TemporaryDirectory() as scratch:
        figures, junit, driver = (Path(scratch) / name for name in ("figures.json", "junit.xml", "driver.py"))
        driver.write_text(DRIVER)
        tests = [sys.executable, "-m", "unittest", "-v", *suite.tests]
        if not suite.by_unittest:
            options = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestUnknownMarkWarning")
            tests = [sys.executable, "-m", "pytest", *options, f"--junitxml={junit}", *suite.tests]
        command = [sys.executable, str(driver), str(figures), *tests]
        if recorded:
            tool = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "-q", "--run-dir", f"{scratch}/run", "--"]
            command = [*tool, *command]
        environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=LIMIT_SECONDS, check=False,
        )  # fmt: skip
        used = json.loads(figures.read_text())
        outcomes = by_unittest(done.stdout) if suite.by_unittest else by_junit(junit)
        return Run(used["code"], used["cpu"], used["wall"], outcomes)


def source(package: str, folder: Path) -> Path:
    """The unpacked source distribution of the installed version."""
    wanted = f"{package}=={metadata.version(package)}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(folder)]
    subprocess.run([*pip, wanted], check=True)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return next(each for each in folder.iterdir() if each.is_dir())


def compare(suite: Suite, rounds: int) -> Result:
    with tempfile.TemporaryDirectory() as scratch:
        folder = source(suite.sdist, Path(scratch)) if suite.sdist else Path(scratch)
        version = platform.python_version() if suite.by_unittest else metadata.version(suite.needs[0])
        result = Result(suite.name, version, 0, 0, 0.0, 0.0)
        cpu, wall = [], []
        for _ in range(rounds):
            before, recorded, after = (run(suite, folder, under) for under in (False, True, False))
            cpu.append(2 * recorded.cpu / (before.cpu + after.cpu))
            wall.append(2 * recorded.wall / (before.wall + after.wall))
            names = {*before.outcomes, *recorded.outcomes, *after.outcomes}
            result.tests = max(result.tests, len(names))
            for name in sorted(names):
                first, second = before.outcomes.get(name, "missing"), after.outcomes.get(name, "missing")
                under = recorded.outcomes.get(name, "missing")
                if first != second:
                    result.unsteady += 1
                elif under != first:
                    result.different[name] = first, under
        result.cpu, result.wall = statistics.median(cpu), statistics.median(wall)
        return result


def line(result: Result) -> str:
    """A row of the Markdown table."""
    cells = [result.name, result.version, result.tests, len(result.different), result.unsteady]
    cells += [f"{result.cpu:.2f}", f"{result.wall:.2f}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def markdown(results: list[Result]) -> str:
    head = "| suite | version | tests | different | unsteady | CPU | wall |\n" + "|" + " --- |" * 7
    machine = f"{len(os.sched_getaffinity(0))} cores, {platform.system()}, Python {platform.python_version()}"
    return f"Measured on {time.strftime('%Y-%m-%d')}: {machine}.\n\n{head}\n" + "\n".join(map(line, results)) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="names of suites, or parts of them")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    results = []
    # As pip does when it installs: each Python process of a suite would compile our modules anew otherwise.
    compileall.compile_dir(Path(__file__).resolve().parent.parent / "bottleneck", quiet=1)
    for suite in SUITES:
        if arguments.only and not any(part in suite.name for part in arguments.only):
            continue
        missing = [need for need in (*suite.needs, *(() if suite.by_unittest else ("pytest",)))
                   if importlib.util.find_spec(need) is None]  # fmt: skip
        if missing:
            print(f"{suite.name}: left out, {', '.join(missing)} is not installed", flush=True)
            continue
        result = compare(suite, arguments.rounds)
        results.append(result)
        print(line(result), flush=True)
        for name, (plain, under) in result.different.items():
            print(f"    {name}: {plain}, recorded {under}", flush=True)
    if arguments.markdown:
        arguments.markdown.write_text(markdown(results))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    return int(any(r.different or r.cpu > MAX_CPU or r.wall > MAX_WALL for r in results))


if __name__ == "__main__":
    sys.exit(main())
