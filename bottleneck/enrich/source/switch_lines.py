"""Lines that configure torch for the whole run: anomaly detection, and the number of threads per operation.

Detectors read no files, so the lines become facts, ``SwitchLine`` and ``ThreadsLine``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from ...recording.facts import Switches, SwitchLine, Threads, ThreadsLine
from ...recording.model import Facts, Recording
from ._code import MAX_FILES, called_name, parse, user_files, walk

_NAMES = ("set_detect_anomaly", "detect_anomaly")
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add the facts, if only one line can be responsible. Reads the source files that appear in call stacks."""
    facts = recording.facts
    if any(fact.anomaly for _, fact in facts.of(Switches)):
        _add(facts, SwitchLine, find_switch_lines)
    if facts.of(Threads):
        _add(facts, ThreadsLine, find_threads_lines)


def _add(
    facts: Facts, kind: type[SwitchLine | ThreadsLine], find: Callable[[ast.Module], list[tuple[int, str]]]
) -> None:
    if facts.of(kind):
        return
    found = []
    for file in user_files(facts)[:MAX_FILES]:
        tree = parse(file)
        found += [] if tree is None else [(file, *place) for place in find(tree)]
    if len(found) == 1:
        file, line, function = found[0]
        facts.add(0, kind(file, line, function))


def find_switch_lines(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, function) of each call that may enable it: ``torch.autograd``'s own, or ``detect_anomaly=...``."""
    calls = ((node, inside) for node, inside, _ in walk(tree) if isinstance(node, ast.Call) and _switches(node))
    return sorted((node.lineno, inside or "<module>") for node, inside in calls)


def find_threads_lines(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, function) of each call of torch.set_num_threads; without any, of each mention of the variable."""
    calls, named = set(), set()
    for node, inside, _ in walk(tree):
        if isinstance(node, ast.Call) and called_name(node) == "set_num_threads":
            calls.add((node.lineno, inside or "<module>"))
        elif isinstance(node, ast.Constant) and node.value in _THREADS:
            named.add((node.lineno, inside or "<module>"))
    return sorted(calls or named)


def _switches(call: ast.Call) -> bool:
    if called_name(call) in _NAMES:
        return not (call.args and _is_false(call.args[0]))
    return any(word.arg == "detect_anomaly" and not _is_false(word.value) for word in call.keywords)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
