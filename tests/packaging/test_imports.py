"""What may be imported where, beyond what import-linter can say."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bottleneck"
HEAVY = ("torch", "pyarrow", "numpy", "rich", "opentelemetry", "pandas", "pyinstrument", "jinja2", "libcst")
CHILD_HALF = sorted(
    [
        PACKAGE / "signals.py",
        *(PACKAGE / "agent").glob("*.py"),
        *(PACKAGE / "agent" / "inject").glob("*.py"),
        *(PACKAGE / "collectors").glob("*.py"),
        *(PACKAGE / "collectors" / "support").glob("*.py"),
    ]
)
PURE = sorted(path for name in ("detectors", "artifacts", "diagnosis/laws*", "patterns") for path in PACKAGE.glob(name))
# Modules through which a pure function could see a clock, a disk or another process.
IMPURE = {"asyncio", "glob", "io", "multiprocessing", "os", "pathlib", "random", "shutil", "socket", "subprocess",
          "sys", "tempfile", "threading", "time"}  # fmt: skip


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Top-level names and lines of the absolute imports in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0], node.lineno


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["fix", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from bottleneck_profiler.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
found = sorted({set(HEAVY)!r} & set(sys.modules))
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("path", CHILD_HALF, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_child_half_needs_only_the_standard_library_of_python_3_9(path: Path) -> None:
    # Parsing with an older grammar finds match statements and the like; the imports find the rest.
    grammar = (3, 7) if path.name == "sitecustomize.py" else (3, 9)
    ast.parse(path.read_text(encoding="utf-8"), feature_version=grammar)
    # A hook runs when the library it waits for is there, so inside functions that one may be imported; nothing else.
    own = {"_bottleneck_child"} | ({path.stem.partition("_")[0]} if path.parent.name == "collectors" else set())
    foreign = [(name, line) for name, line in imported(path) if name not in sys.stdlib_module_names]
    assert [(name, line) for name, line in foreign if name not in own] == []
    at_start = {node.lineno for node in ast.parse(path.read_text(encoding="utf-8")).body}
    assert [(name, line) for name, line in foreign if line in at_start] == []


def test_the_analysis_sees_no_clock_and_no_disk() -> None:
    files = [file for path in PURE for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
    assert files
    allowed = set(sys.stdlib_module_names) - IMPURE | {"numpy", "__future__"}
    wrong = [(str(file.relative_to(PACKAGE)), name, line) for file in files for name, line in imported(file)
             if name not in allowed]  # fmt: skip
    assert not wrong
