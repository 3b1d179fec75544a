"""Regular expressions that try one text in very many ways."""

import ast
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ..loops import in_loop
from ..model import Hot, Pattern, Price
from ..places import less
from ..shapes import matches
from ..syntax import last_name, mentions, stored


def _part_of_re(name: str, before_3_11: str) -> Any:
    """A module of the standard library's ``re``; ``before_3_11``: where Python 3.10 has it."""
    try:
        return import_module(f"re.{name}")
    except ModuleNotFoundError:
        return import_module(before_3_11)


_codes, _parser = _part_of_re("_constants", "sre_constants"), _part_of_re("_parser", "sre_parse")
_FEW = 16  # expressions: joined, they hardly pay for what reading them costs
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
            first = hot.source.literal(call.args[0])
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                return first.value
    return None


def _is_of_re(hot: Hot, call: ast.Call) -> bool:
    return any(matches(path, "re.*", "regex.*") for path in hot.source.paths(call.func))


def _backtracks(hot: Hot) -> bool:
    """A repetition repeats another one so that a text can be divided between them in more than one way, and what
    stands behind can fail: a text that does is tried in every way."""
    expression = _expression(hot)
    if expression is None or not hot.seen.rivals <= {hot.node}:
        return False
    try:
        return _ambiguous(list(_parser.parse(expression)), last_name(hot.node.func) == "fullmatch")  # type: ignore[attr-defined]
    except (re.error, RecursionError):
        return False


def _ambiguous(parsed: Sequence[Any], fails: bool) -> bool:
    """``fails``: what stands behind the sequence can fail, so that its repetitions are tried again."""
    for place, (code, value) in enumerate(parsed):
        behind = fails or any(not _may_be_empty(each) for each in parsed[place + 1 :])
        if code in _REPEATS:
            inner = list(value[2])
            endless = value[1] == _codes.MAXREPEAT
            if (endless and behind and _divides_freely(inner)) or _ambiguous(inner, behind):
                return True
        elif any(_ambiguous(each, behind) for each in _parts(code, value)):
            return True
    return False


def _parts(code: Any, value: Any) -> list[Sequence[Any]]:
    """The sequences that a group or a choice holds."""
    if code is _codes.SUBPATTERN:
        return [list(value[-1])]
    return [list(each) for each in value[1]] if code is _codes.BRANCH else []


def _divides_freely(body: Sequence[Any]) -> bool:
    """In each way through the body, repeated: an endless repetition is followed by one of the same letters, with
    nothing between them that must be there and that the first one cannot take."""
    for way in _ways(body):
        for place, (code, value) in enumerate(way):
            if code not in _REPEATS or value[1] != _codes.MAXREPEAT:
                continue
            letters = _letters(list(value[2]))
            for following in [*way[place + 1 :], *way[: place + 1]]:
                repeated = following[0] in _REPEATS and following[1][1] == _codes.MAXREPEAT
                shared = bool(letters & _letters([following]))
                if repeated and shared:
                    return True
                if not shared and not _may_be_empty(following):
                    break
    return False


def _ways(body: Sequence[Any], limit: int = 8) -> list[list[Any]]:
    """The body with its groups opened, once for each of its choices."""
    ways: list[list[Any]] = [[]]
    for code, value in body:
        parts = _parts(code, value)
        inside = [each for part in parts for each in _ways(part)] if parts else [[(code, value)]]
        ways = [way + each for way in ways for each in inside][:limit]
    return ways


def _may_be_empty(item: Any) -> bool:
    code, value = item
    if code in _REPEATS:
        return value[0] == 0 or all(_may_be_empty(each) for each in value[2])
    parts = _parts(code, value)
    return any(all(_may_be_empty(each) for each in part) for part in parts)


def _letters(items: Sequence[Any]) -> frozenset[str]:
    """The letters (of the first 256) of what matches a single one; of anything longer the first one's."""
    for code, value in items:
        if code in _REPEATS:
            return _letters(list(value[2]))
        if parts := _parts(code, value):
            return frozenset().union(*(_letters(part) for part in parts))
        return frozenset(each for each in _LETTERS if _takes(code, value, each))
    return frozenset()


_LETTERS = tuple(map(chr, range(256)))
_KINDS: dict[Any, Callable[[str], bool]] = {
    _codes.CATEGORY_DIGIT: str.isdigit,
    _codes.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdigit(),
    _codes.CATEGORY_SPACE: str.isspace,
    _codes.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
    _codes.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
    _codes.CATEGORY_NOT_WORD: lambda letter: not (letter.isalnum() or letter == "_"),
}


def _takes(code: Any, value: Any, letter: str) -> bool:
    if code is _codes.LITERAL:
        return bool(chr(value) == letter)
    if code is _codes.NOT_LITERAL:
        return bool(chr(value) != letter)
    if code is _codes.ANY:
        return letter != "\n"
    if code is _codes.RANGE:
        return bool(value[0] <= ord(letter) <= value[1])
    if code is _codes.CATEGORY:
        return bool(value in _KINDS and _KINDS[value](letter))
    if code is _codes.IN:
        negated = bool(value[0][0] is _codes.NEGATE)
        return negated != any(_takes(kind, what, letter) for kind, what in value[negated:])
    return False


def _tries_one_after_another(hot: Hot) -> bool:
    """``for pattern, new in PATTERNS.items(): text = re.sub(pattern, new, text)``: many expressions, one text."""
    node = hot.node
    loop = next((each for each in hot.source.loops(node) if isinstance(each, ast.For)), None)
    if not isinstance(node, ast.Call) or loop is None or last_name(node.func) not in _MATCHING:
        return False
    names, given = stored(loop.target), list(node.args)
    if not any(path == f"re.{last_name(node.func)}" for path in hot.source.paths(node.func)):
        given = [node.func.value, *node.args] if isinstance(node.func, ast.Attribute) else []
    # The expression changes with the pass, and the text does not, but for what the pass before has replaced in it.
    text = given[-1] if given else None
    if len(given) < 2 or not mentions(given[0], names) or not isinstance(text, ast.Name) or text.id in names:
        return False
    return not _are_few(hot, loop.iter) and in_loop()(Hot(hot.seen, loop))


def _are_few(hot: Hot, value: ast.expr) -> bool:
    """``RULES`` or ``RULES.items()`` of a list or a dict that is written out, and short."""
    if isinstance(value, ast.Call):
        value = value.func.value if isinstance(value.func, ast.Attribute) else next(iter(value.args), value)
    literal = hot.source.literal(value)
    items = literal.keys if isinstance(literal, ast.Dict) else getattr(literal, "elts", None)
    return items is not None and len(items) < _FEW


PATTERNS = (
    Pattern(
        id="expressions-one-by-one",
        title="Each text is searched once for every expression of a list",
        replacement="Join them into one expression, re.compile('|'.join(...)), and replace with a function that looks up the match; "
        "for fixed words, use pyahocorasick, or flashtext for whole words",
        snippet="joined = re.compile('|'.join(map(re.escape, table)))\ntext = joined.sub(lambda found: table[found[0]], text)",
        when=(_tries_one_after_another,),
        unless=(less(passes=100),),
        fallback=True,
        leave="There are only a few expressions, or the later ones depend on the replacements of the earlier ones.",
        price=Price("amdahl", (1.5, 30)),
        source="StackOverflow 42742810 (15,000 words: hours to minutes), vi3k6i5/flashtext (README)",
        stages=("etl",),
    ),
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
