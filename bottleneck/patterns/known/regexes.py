"""Regular expressions that try one text in very many ways."""

import ast
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..shapes import matches


def _part_of_re(name: str, before_3_11: str) -> Any:
    """A module of the standard library's ``re``; ``before_3_11``: where Python 3.10 has it."""
    try:
        return import_module(f"re.{name}")
    except ModuleNotFoundError:
        return import_module(before_3_11)


_codes, _parser = _part_of_re("_constants", "sre_constants"), _part_of_re("_parser", "sre_parse")
_MATCHING = frozenset("match search fullmatch findall finditer sub subn split".split())
_REPEATS = (_codes.MAX_REPEAT, _codes.MIN_REPEAT)


def _expression(hot: Hot) -> str | None:
    """The text of the regular expression that the call matches, where the file holds it as a literal."""
    node = hot.node
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in _MATCHING:
        return None
    value = node.func.value
    made = [each.value for each in hot.source.bindings(value)] if isinstance(value, ast.Name) else [value]
    if any(path == "re" for path in hot.source.paths(value)):
        made = [node]
    for call in made:
        if isinstance(call, ast.Call) and call.args and _is_of_re(hot, call):
            first = call.args[0]
            if isinstance(first, ast.Name) and len(bound := hot.source.bindings(first)) == 1:
                first = bound[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                return first.value
    return None


def _is_of_re(hot: Hot, call: ast.Call) -> bool:
    return any(matches(path, "re.*", "regex.*") for path in hot.source.paths(call.func))


def _backtracks(hot: Hot) -> bool:
    """A repetition without an end stands inside another one: a text that fails is tried in every way to divide it."""
    expression = _expression(hot)
    if expression is None or not hot.seen.rivals <= {hot.node}:
        return False
    try:
        return _nested(_parser.parse(expression), False)
    except (re.error, RecursionError):
        return False


def _nested(parsed: Iterable[Any], inside: bool) -> bool:
    for code, value in parsed:
        if code in _REPEATS:
            endless = value[1] == _codes.MAXREPEAT
            if (endless and inside) or _nested(value[2], inside or endless):
                return True
            continue
        below = [value[-1]] if code is _codes.SUBPATTERN else value[1] if code is _codes.BRANCH else []
        if any(_nested(each, inside) for each in below):
            return True
    return False


PATTERNS = (
    Pattern(
        id="regex-backtracks",
        title="A regular expression with a repetition inside a repetition backtracks on texts that do not match",
        replacement="Rewrite it so that a text can be divided in one way only (a separator between the repeated parts, "
        "possessive or atomic groups from Python 3.11), or split the text by hand; google-re2 never backtracks",
        snippet=r"PAIRS = re.compile(r'\w+=\S+(?:\s+\w+=\S+)*+$')  # *+ gives nothing back",
        when=(_backtracks, in_loop()),
        leave="The texts match, and are long.",
        price=Price("amdahl", (2, 50)),
        source="python/cpython#137765, #123809, OpenNyAI/Opennyai#16, nficano/python-lambda#723",
        stages=("etl", "serving"),
        effort=2,
    ),
)
