"""The line that switches autograd's anomaly detection on, found in the user's source where a run had it on.

Detectors read no files: what is found here goes to the facts as a note "switch_line" {file, line, function}.
"""

from __future__ import annotations

import ast

from ..timeline.tables import Facts
from .sources import called_name, parse, walk

_NAMES = ("set_detect_anomaly", "detect_anomaly")
_MAX_FILES = 50


def add_switch_line(facts: Facts) -> None:
    """Add the note, where one line alone can be it. Reads the sources that call stacks go through."""
    on = any(fields["anomaly"] for _, fields in facts.of("switches"))
    if not on or facts.of("switch_line"):
        return
    files = dict.fromkeys(frame.file for frames in facts.stacks.values() for frame in frames if frame.user)
    found = []
    for file in list(files)[:_MAX_FILES]:
        tree = parse(file)
        found += [] if tree is None else [(file, *place) for place in find_switch_lines(tree)]
    if len(found) == 1:
        file, line, function = found[0]
        facts.notes.append((0, "switch_line", {"file": file, "line": line, "function": function}))


def find_switch_lines(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, function) of each call that may switch it on: ``torch.autograd``'s own, or ``detect_anomaly=...``."""
    calls = ((node, inside) for node, inside, _ in walk(tree) if isinstance(node, ast.Call) and _switches(node))
    return sorted((node.lineno, inside or "<module>") for node, inside in calls)


def _switches(call: ast.Call) -> bool:
    if called_name(call) in _NAMES:
        return not (call.args and _is_false(call.args[0]))
    return any(word.arg == "detect_anomaly" and not _is_false(word.value) for word in call.keywords)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
