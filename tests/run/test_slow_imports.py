"""When an import that a run does not use is worth naming, and how the source and the packages tell that it may be."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from artifacts import made_up
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.imports import Imports
from bottleneck_profiler.detectors import run_all
from bottleneck_profiler.detectors.run.slow_imports import SlowImports
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured, Outcome
from bottleneck_profiler.enrich.source._packages import Packages
from bottleneck_profiler.enrich.source.rare_imports import find_rare_imports, script_of
from bottleneck_profiler.recording.facts.imports import RareImport, ScriptImports
from bottleneck_profiler.recording.model import Frame, Recording

SCRIPT = "/home/ada/report.py"
LINE = Frame("<module>", SCRIPT, 3, True)
OTHER = Frame("<module>", SCRIPT, 4, True)
COUNT = (Frame("count", SCRIPT, 20, True), Frame("<module>", SCRIPT, 40, True))
IMPORT = Frame("_call_with_frames_removed", "<frozen importlib._bootstrap>", 241, False)
HEAVY = Frame("<module>", "/lib/site-packages/heavy/__init__.py", 9, False)
SHARED = Frame("<module>", "/lib/site-packages/shared/core.py", 9, False)
RARE = RareImport(3, "import heavy", "heavy", (30, 31), ("shared",))


def made(*parts: tuple[float, tuple[Frame, ...]], rare: tuple[RareImport, ...] = (RARE,)) -> Recording:
    """A run of ten seconds whose main thread was in these stacks, one after another, sampled every 100 ms."""
    stacks = {10_000 + index: frames for index, (_, frames) in enumerate(parts)}
    at, samples = 0, []
    for stack, (seconds, _) in zip(stacks, parts, strict=True):
        for _ in range(round(10 * seconds)):
            at += 100
            samples.append((at, 100, stack))
    recording = made_up.recording(stacks, *samples)
    recording.facts.add(0, ScriptImports(SCRIPT, rare))
    return recording


def judge(recording: Recording) -> Outcome:
    return run_all([SlowImports()], Artifacts(recording))["slow-imports"]


def test_an_import_that_the_run_did_not_use_is_named_with_its_line() -> None:
    found = judge(made((4, (HEAVY, IMPORT, LINE)), (5, COUNT)))
    assert isinstance(found, Finding) and found.location is not None and found.gain is not None
    assert (found.location.file, found.location.line) == (SCRIPT, 3)
    assert found.gain.seconds == pytest.approx(4, abs=0.3)
    assert 0 < found.gain.low < found.gain.share < found.gain.high < 1
    assert found.fix.summary == "Import heavy inside the function that uses it"


def test_an_import_that_nothing_uses_is_removed() -> None:
    unused = RareImport(3, "import heavy", "heavy")
    found = judge(made((4, (HEAVY, IMPORT, LINE)), (5, COUNT), rare=(unused,)))
    assert isinstance(found, Finding) and found.fix.summary.startswith("Remove the import of heavy")


@pytest.mark.parametrize(("seconds", "fires"), [(1.5, False), (2.2, False), (2.8, True)])
def test_it_takes_two_seconds_and_a_quarter_of_the_run(seconds: float, fires: bool) -> None:
    found = judge(made((seconds, (HEAVY, IMPORT, LINE)), (7, COUNT)))
    assert isinstance(found, Finding if fires else Fine)


def test_a_line_that_a_deep_stack_lost_is_that_of_the_sample_before() -> None:
    cut = (HEAVY, IMPORT, Frame("<module>", "/lib/site-packages/heavy/deep.py", 1, False))
    imports = Artifacts(made((1, (HEAVY, IMPORT, LINE)), (3, cut), (1, (IMPORT, OTHER)), (4, COUNT))).get(Imports)
    assert imports.unneeded_seconds == pytest.approx(4, abs=0.3)


def test_what_other_imports_need_as_well_is_not_saved() -> None:
    imports = Artifacts(made((2, (HEAVY, IMPORT, LINE)), (3, (SHARED, IMPORT, HEAVY, IMPORT, LINE)))).get(Imports)
    assert imports.unneeded_seconds == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    "use",
    [
        (Frame("draw", SCRIPT, 31, True), COUNT[1]),  # in the function that uses it
        (Frame("fit", "/lib/site-packages/heavy/fit.py", 5, False), Frame("model", "/home/ada/model.py", 8, True)),
    ],
)
def test_one_sample_of_its_use_is_enough(use: tuple[Frame, ...]) -> None:
    assert isinstance(judge(made((4, (HEAVY, IMPORT, LINE)), (5, COUNT), (0.1, use))), Fine)


def test_without_a_look_at_the_source_nothing_is_said() -> None:
    assert isinstance(judge(made_up.recording({1: COUNT}, (8_000, 8_000, 1))), NotMeasured)


def test_the_script_is_where_stacks_begin() -> None:
    assert script_of(made((1, COUNT)).facts) == SCRIPT
    runner = Frame("<module>", "/lib/site-packages/pytest/__main__.py", 5, False)
    assert script_of(made((1, (*COUNT, runner))).facts) is None


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    """heavy needs shared; light needs shared, big needs heavy. Of unknown nothing is known; helper is the user's."""
    requirements = {"heavy": ["shared>=1"], "light": ["shared"], "big": ["heavy>2; python_version > '3'"], "shared": []}
    sites = tmp_path / "site-packages"
    for name, required in requirements.items():
        folder = sites / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in required)]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
    (tmp_path / "helper.py").write_text("def late():\n    import heavy\n")
    return Packages(tmp_path, [str(sites)])


RARELY = "def draw():\n    heavy.plot()\ndef main(args):\n    if args.draw:\n        draw()\nmain(1)\n"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import heavy\n" + RARELY, (3,)),
        ("import heavy\n", ()),
        ("import os\nimport heavy, heavy.sub\n" + RARELY, (4,)),
        ("import heavy\nimport light, json\n" + RARELY, (4,)),
        ("import heavy\ntable = {'draw': draw}\n" + RARELY, (4,)),
        ("import heavy\n@app.command()\n" + RARELY, (4,)),
        ("import heavy\ntry:\n    pass\nexcept ValueError:\n    heavy.help()\n", (5,)),
    ],
)
def test_imports_that_some_paths_use_are_found(packages: Packages, code: str, lines: tuple[int, ...]) -> None:
    (found,) = find_rare_imports(ast.parse(code), packages)
    assert (found.package, found.lines) == ("heavy", lines)
    assert found.shared == (("light", "shared") if "light" in code else ())


@pytest.mark.parametrize(
    "code",
    [
        "import heavy\nheavy.go()\n",
        "import heavy\ndef main():\n    while heavy.more():\n        pass\nif __name__ == '__main__':\n    main()\n",
        "import heavy\nclass Net(heavy.Module):\n    pass\n",
        "import heavy\ndef fit(x: heavy.Array):\n    pass\n",
        "import heavy\nclass Job(Base):\n    def run(self):\n        heavy.go()\nJob()\n",
        "import heavy\ndef work(x):\n    heavy.go(x)\nlist(map(work, [1]))\n",  # handed on
        "import heavy\n@app.get('/')\ndef page():\n    heavy.go()\n",  # registered
        "import heavy\n__all__ = ['heavy']\n",
        "import heavy\nprint(globals())\n",
        "from heavy import *\n",
        "import heavy\nimport big\n",  # comes with it anyway
        "import heavy\nimport unknown\n",  # who knows
        "import heavy\nimport helper\n",  # imports it as well
        "import helper\n",
        "import asyncio\n",
        "def main():\n    import heavy\n",
        "import heavy\ntry:\n    pass\nexcept heavy.Error:\n    pass\n",
        "try:\n    import heavy\nexcept ImportError:\n    pass\n",
    ],
)
def test_what_may_be_needed_in_any_case_is_left_alone(packages: Packages, code: str) -> None:
    assert "heavy" not in [found.package for found in find_rare_imports(ast.parse(code), packages)]
