"""User source lines that write output, found after a run has ended.

``print`` and file writes are not Python code: a sampled stack ends in the line that calls them. Detectors read no
files, so the lines become facts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ...recording.facts import OutputLines
from ...recording.model import Recording
from ._code import MAX_FILES, called_name, parse

_WRITES = frozenset(("write", "writelines", "writerow", "writerows", "flush", "fsync"))
_MAKES_TEXT = frozenset(
    "dict enumerate fileno format isoformat items join keys len list now perf_counter range repr round str strftime "
    "time tuple values zip".split()
)
#: These wait for the accelerator if it holds the value.
_FETCHES = frozenset(("bool", "cpu", "detach", "float", "int", "item", "numpy", "tolist"))


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add one ``OutputLines`` for each user file in which stacks end and that writes output. Reads source files."""
    facts = recording.facts
    known = {fact.file for _, fact in facts.of(OutputLines)}
    files = dict.fromkeys(frames[0].file for frames in facts.stacks.values() if frames and frames[0].user)
    for file in list(files)[:MAX_FILES]:
        tree = None if file in known else parse(file)
        lines, fetching = (set[int](), set[int]()) if tree is None else find_output_lines(tree)
        if lines or fetching:
            facts.add(0, OutputLines(file, sorted(lines), sorted(fetching)))


def find_output_lines(tree: ast.Module) -> tuple[set[int], set[int]]:
    """(lines that only write text, lines that also fetch values for it).

    A line that calls anything else may spend its time there, so it is in neither set.
    """
    plain: set[int] = set()
    fetching: set[int] = set()
    binary = _binary_files(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            calls, end = list(_calls(node.value)), node.end_lineno
        elif isinstance(node, ast.With):  # opens the file for appending, and writes it on close
            calls = [call for item in node.items for call in _calls(item.context_expr)]
            end = node.items[-1].context_expr.end_lineno
        else:
            continue
        kinds = {_kind(call, binary) for call in calls}
        if "writes" in kinds and "other" not in kinds and not _multiplies_matrices(node):
            lines = range(node.lineno, (end or node.lineno) + 1)
            (fetching if "fetches" in kinds else plain).update(lines)
    return plain, fetching


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (child for child in ast.walk(node) if isinstance(child, ast.Call))


def _binary_files(tree: ast.Module) -> set[str]:
    """Variables that hold a file opened in binary mode: writing to it is data, not a log."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(node.value, target) for target in node.targets]
        elif isinstance(node, ast.With):
            pairs = [(item.context_expr, item.optional_vars) for item in node.items if item.optional_vars]
        else:
            continue
        for value, target in pairs:
            if isinstance(value, ast.Call) and called_name(value) == "open" and not _opens_to_write(value):
                found.add(ast.unparse(target))
    return found


def _kind(call: ast.Call, binary: set[str]) -> str:
    """writes, text, fetches or other; ``binary``: variables that hold binary files."""
    function, name = call.func, called_name(call)
    if isinstance(function, ast.Attribute) and ast.unparse(function.value) in binary:
        return "other"
    if name == "open":
        return "writes" if _opens_to_write(call) else "other"
    if name in ("dump", "dumps"):  # of json: a pickle is not a log
        if not (isinstance(function, ast.Attribute) and ast.unparse(function.value).endswith("json")):
            return "other"
        return "writes" if name == "dump" else "text"
    if name in _WRITES or (name == "print" and isinstance(function, ast.Name)):
        return "writes"
    return "text" if name in _MAKES_TEXT else "fetches" if name in _FETCHES else "other"


def _opens_to_write(call: ast.Call) -> bool:
    """Whether this is ``open`` for writing text; the mode is unknown if it is given by a name."""
    modes = [argument.value for argument in call.args[-1:] if isinstance(argument, ast.Constant)]
    modes += [word.value.value for word in call.keywords if word.arg == "mode" and isinstance(word.value, ast.Constant)]
    return any(mode in ("a", "at", "a+", "w", "wt") for mode in modes)


def _multiplies_matrices(node: ast.AST) -> bool:
    return any(isinstance(child, ast.BinOp) and isinstance(child.op, ast.MatMult) for child in ast.walk(node))
