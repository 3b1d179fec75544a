"""Sizes that keep the code readable, and traces of a developer's machine that must not be committed."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES_PER_FILE = 400
LINES_PER_FUNCTION = 80
FOLDERS = ("bottleneck", "tests", "benchmarks", "sample_pipelines", "docs")
SOURCES = [ROOT / "dev.py", ROOT / "setup.py", *(path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))]


def test_no_file_is_too_long() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_PER_FILE} == {}


def test_no_function_is_too_long() -> None:
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > LINES_PER_FUNCTION:
                    wrong.append((str(path.relative_to(ROOT)), node.name, lines))
    assert wrong == []


def test_no_tracked_file_names_a_path_of_this_machine() -> None:
    if len(ROOT.parts) < 3:
        pytest.skip("the checkout's own path is too short to be told from other text")
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    own = f"{ROOT}/".encode()
    tracked = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert [str(path.relative_to(ROOT)) for path in tracked if path.is_file() and own in path.read_bytes()] == []
