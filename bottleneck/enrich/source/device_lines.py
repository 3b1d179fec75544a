"""User source lines that wait for a device or copy to it, if the run has traced or timed a device's work.

Detectors read no files, so the lines found here become facts.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

from ...recording.facts import DeviceLines
from ...recording.model import DEVICE_KINDS, Recording
from ._code import MAX_FILES, called_name, parse, user_files, walk

after = ("device_trace",)
_FETCHES = frozenset(("item", "cpu", "tolist", "numpy", "nonzero", "synchronize", "is_nonzero"))
_NUMBERS = frozenset(("float", "int", "bool", "print"))  # given a tensor, these fetch its value
_COPIES = frozenset(("to", "cuda", "copy_"))
_OF_MODULES = frozenset(("parameters", "named_parameters", "state_dict", "load_state_dict", "train", "eval"))


def enrich(run_dir: Path, recording: Recording) -> None:
    """Add one ``DeviceLines`` for each file in sampled stacks that has such lines. Reads source files."""
    facts = recording.facts
    on_device = recording.device.get("kind", np.empty(0)) < DEVICE_KINDS.index("launch")
    if not on_device.any() and not len(recording.marks):
        return
    known = {fact.file for _, fact in facts.of(DeviceLines)}
    for file in [file for file in user_files(facts) if file not in known][:MAX_FILES]:
        tree = parse(file)
        fetches, copies = (set[int](), set[int]()) if tree is None else find_device_lines(tree)
        if tree is not None and (fetches or copies):
            queued = tuple(sorted(copies & find_queued_lines(tree)))
            models = tuple(sorted(copies & find_model_lines(tree)))
            facts.add(0, DeviceLines(file, sorted(fetches), sorted(copies), queued, models))


def find_device_lines(tree: ast.Module) -> tuple[set[int], set[int]]:
    """(lines that fetch a value or wait, lines that copy to a device), only inside loops or functions."""
    fetches: set[int] = set()
    copies: set[int] = set()
    for node, function, loops in walk(tree):
        if not isinstance(node, ast.Call) or not (function or loops):
            continue
        name, method = called_name(node), isinstance(node.func, ast.Attribute)
        if (method and (name in _FETCHES or _to_host(node))) or (not method and name in _NUMBERS and _of_a_value(node)):
            fetches.add(node.lineno)
        elif method and name in _COPIES:
            copies.add(node.lineno)
    return fetches, copies


def _to_host(call: ast.Call) -> bool:
    """``to("cpu")``"""
    target = call.args[0] if called_name(call) == "to" and call.args else None
    return isinstance(target, ast.Constant) and target.value == "cpu"


def find_queued_lines(tree: ast.Module) -> set[int]:
    """Lines on which every copy is told not to block, unless the value of that is False."""
    asked: dict[int, list[bool]] = {}
    for node, _, _ in walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called_name(node) in _COPIES:
            told = [word.value for word in node.keywords if word.arg == "non_blocking"]
            blocks = not told or (isinstance(told[0], ast.Constant) and not told[0].value)
            asked.setdefault(node.lineno, []).append(not blocks)
    return {line for line, each in asked.items() if all(each)}


def find_model_lines(tree: ast.Module) -> set[int]:
    """Lines that only copy what is a model: the file calls it, or one of the methods that only modules have."""
    called, copied = set[str](), dict[int, set[str]]()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called.add(ast.unparse(node.func))
        if not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in _OF_MODULES:
            called.add(ast.unparse(node.func.value))
        elif node.func.attr in _COPIES:
            copied.setdefault(node.lineno, set()).add(ast.unparse(node.func.value))
    return {line for line, names in copied.items() if names <= called}


def _of_a_value(call: ast.Call) -> bool:
    """Whether any argument could be a tensor: neither a constant nor text built from constants."""
    return any(not isinstance(argument, ast.Constant) for argument in call.args)
