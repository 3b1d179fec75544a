"""Plans of SQL queries, and the lines of the user's code that Spark names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ..recording.facts import Site
from ..recording.facts.spark import SparkNode
from ._spark_json import Plan

MAX_NODES = 2000  # of a plan
_UNITS = {"timing": 1e-3, "nsTiming": 1e-9, "average": 0.1}  # to seconds; averages are kept in tenths
_ATTRIBUTE = re.compile(r"\b([A-Za-z_]\w*)#\d+")
_FUNCTION = re.compile(r"\b([A-Za-z_]\w*)\(")
_JOIN = re.compile(r"\], \[.*?\], (Inner|Cross|LeftOuter|RightOuter|FullOuter|LeftSemi|LeftAnti)\b")
_MOST_NAMES = 4
_LOCATION = re.compile(r"\[([^\],]*)")
_SECRET = re.compile(r"(?<=//)[^/@]*@|[?#].*")  # of an address: user and password, and what may be a signature

_CALL = re.compile(r"(?P<call>.+) at (?P<file>.+):(?P<line>\d+)", re.DOTALL)
_PYTHON = re.compile(r".*\.py|<(stdin|console|ipython.*)>|command-\d+", re.DOTALL)
_INTERNAL = re.compile(
    r"(org\.apache\.(spark(?!\.examples)|hadoop|hive)|java|javax|jdk|sun|com\.sun|scala|py4j|com\.nvidia\.spark)\."
)
_RAISED = re.compile(r'File "([^"\n]+)", line (\d+), in (\S+)')
_LIBRARY = re.compile(r"site-packages|dist-packages|pyspark[./]|/lib/python\d|^<frozen")
_NAMED = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?::|$)")


def is_python(operator: str) -> bool:
    """Whether an operator hands its rows to Python workers."""
    return "Pandas" in operator or "Python" in operator or operator in ("MapInArrow", "PythonMapInArrow")


class Metrics:
    """Where the metrics of a plan stand: accumulator -> (index of the operator, name, factor to base units)."""

    def __init__(self, plan: Plan | None) -> None:
        self.nodes: list[SparkNode] = []
        self.places: dict[int, tuple[int, str, float]] = {}
        for index, (node, parent) in enumerate(_walk(plan)):
            self.nodes.append(SparkNode(node.name.strip()[:200], parent, _detail(node)[:300]))
            self.places |= {each.id: (index, each.name, _UNITS.get(each.kind, 1.0)) for each in node.metrics}

    def facts(self, values: Mapping[int, float]) -> tuple[SparkNode, ...]:
        """The operators with what is known of their metrics."""
        known: list[dict[str, float]] = [{} for _ in self.nodes]
        for accumulator, (index, name, factor) in self.places.items():
            value = values.get(accumulator, -1)
            if value >= 0:
                known[index][name] = value * factor
        return tuple(msgspec.structs.replace(node, values=have) for node, have in zip(self.nodes, known, strict=True))

    def ran(self, accumulators: Iterable[int]) -> tuple[int, ...]:
        """The operators to which these accumulators belong."""
        return tuple(sorted({self.places[each][0] for each in accumulators if each in self.places}))


def _walk(plan: Plan | None) -> Iterator[tuple[Plan, int]]:
    """Each operator with its parent's index, which is smaller than its own."""
    waiting, count = [(plan, -1)] if plan is not None else [], 0
    while waiting and count < MAX_NODES:
        node, parent = waiting.pop()
        yield node, parent
        waiting += [(child, count) for child in reversed(node.children)]
        count += 1


def _detail(node: Plan) -> str:
    """What an operator works on: a folder, functions, or columns; never a literal, which is data."""
    if "Location" in node.metadata:
        found = _LOCATION.search(node.metadata["Location"])
        return _SECRET.sub("", found[1]).strip() if found else ""
    if is_python(node.name):
        return ", ".join(dict.fromkeys(_FUNCTION.findall(node.text)))
    names = list(dict.fromkeys(_ATTRIBUTE.findall(node.text.partition("]")[0])))
    kind = _JOIN.search(node.text) if node.name.endswith("Join") else None
    return ", ".join(names[:_MOST_NAMES]) + (f" ({kind[1]})" if kind else "")


def site_of(name: str | None, details: str | None) -> Site | None:
    """The line in "collect at job.py:17", if that is the user's and no line of Spark or of the way into it.

    Of a Scala or Java file only the stack tells whose it is: without one, there is no answer.
    """
    found = _CALL.fullmatch(name or "")
    if found is None or found["line"] == "0" or len(found["file"]) > 1000:
        return None
    file, line = found["file"], int(found["line"])
    if _PYTHON.fullmatch(file):
        return Site(file, line, "")
    for frame in (details or "").splitlines():
        if frame.endswith(f"({file}:{line})"):
            called = frame.partition("(")[0].strip()
            return None if _INTERNAL.match(called) else Site(file, line, called.rpartition(".")[2])
    return None


def raised_at(text: str | None) -> tuple[str, Site | None]:
    """(the class, the innermost line that is no library's) of a Python exception in a task's error; ("", None)."""
    if not text or "Traceback (most recent call last)" not in text:
        return "", None
    frames = [found for found in _RAISED.findall(text) if not _LIBRARY.search(found[0])]
    lines = [line for line in text.splitlines() if line and not line[0].isspace()]
    named = next((found[1] for line in reversed(lines) if (found := _NAMED.match(line)) and line[0] != "\t"), "")
    if not frames:
        return named, None
    file, line, function = frames[-1]
    return named, Site(file, int(line), function)


def call_of(name: str) -> str:
    """The method in "collect at job.py:17"."""
    found = _CALL.fullmatch(name)
    return found["call"] if found else name
