"""The user's lines that read the Parquet files, as a patch."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..diagnosis.findings import Location
from ..patching import NoPatch, Patch
from ..patching.source import Change, Source, replaced, short
from .jobs import Job

_FILE = ("filepath_or_buffer", "path_or_buf", "io", "input_file", "source")  # the parameter's names


def patch(jobs: Sequence[Job], location: Location, run: Mapping[str, Any], folder: Path | None) -> Patch:
    """Raises NoPatch where the line is not certain. ``folder``: where the Parquet files are, else beside the text."""
    source = Source.read(location.file, int(run["started_wall_ns"]))
    call = source.call({jobs[0].call}, location.line)
    given = [keyword.value for keyword in call.keywords if keyword.arg in _FILE]
    if not (call.args or given) or isinstance((call.args or given)[0], ast.Starred):
        raise NoPatch(f"{source.name}:{location.line} names no file")
    file, needs_path = _file(source, (call.args or given)[0], folder)
    needed = {"Path": "pathlib.Path"} if needs_path else {}
    if jobs[0].call.startswith(("pandas.", "polars.")):
        if not isinstance(call.func, ast.Attribute):
            raise NoPatch(f"{source.name} imports {short(source.code(call.func))} by name: read {file} there")
        function = source.code(call.func.value) + ".read_parquet"
    else:
        function = "pyarrow.parquet.read_table"
        needed["pyarrow"] = "pyarrow"
    changes = [Change(*source.span(call), f"{function}({file})".encode()), *_imports(source, needed)]
    return Patch(source.file, source.data, source.mark + replaced(source.text, changes))


def _file(source: Source, node: ast.expr, folder: Path | None) -> tuple[str, bool]:
    """(expression of the Parquet file, whether it needs ``Path``)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        path = Path(node.value).with_suffix(".parquet")
        return repr(str(path if folder is None else folder / path.name)), False
    code = source.code(node)
    if "\n" in code:
        raise NoPatch(f"{source.name}:{node.lineno} names its file in several lines")
    renamed = f'Path({code}).with_suffix(".parquet")'
    return (renamed if folder is None else f"Path({str(folder)!r}, {renamed}.name)"), True


def _imports(source: Source, needed: Mapping[str, str]) -> list[Change]:
    lines = ""
    for name, origin in needed.items():
        found = source.stands_for(name)
        if found - {origin}:
            raise NoPatch(f"{name} means something else in {source.name}")
        if origin == "pyarrow":
            lines += "import pyarrow.parquet\n"
        elif not found:
            lines += "from pathlib import Path\n"
    at = next((node for node in source.tree.body if not _must_be_first(node)), None)
    if not lines or at is None:
        return []
    start = source.line_start(min([at.lineno, *(each.lineno for each in getattr(at, "decorator_list", ()))]))
    return [Change(start, start, lines.encode())]


def _must_be_first(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
