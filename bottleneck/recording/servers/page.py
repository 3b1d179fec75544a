"""The samples of a page in the text format of Prometheus, read by the parser of its own Python client.

That parser gives up a whole page for one line that it cannot read, and takes 25 us a line. So it is given, one by one,
only the lines whose name somebody asked for: a page costs what is used of it, and a bad line costs itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric

Labels = tuple[tuple[str, str], ...]
_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?=[\s{])")
#: A name, labels and a number: what tells a page of metrics from any other text.
_SAMPLE = re.compile(r"\s*[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{.*\})?\s+[-+]?(?:\d|\.\d|inf|nan)", re.IGNORECASE)
_MAX_LINE = 1 << 16  # characters; no label is that long
_PROBED = 200  # lines that show whether it is such a page


class NotAPage(Exception):
    """The text is not a page of metrics."""


@dataclass(frozen=True)
class Sample:
    """One line: a name, its labels in their order, and a value that is a number."""

    name: str
    labels: Labels
    value: float


@dataclass
class Page:
    """A page of metrics. ``unreadable``: lines that were asked for and make no sense."""

    text: str
    unreadable: int = 0
    _read: dict[str, list[Sample]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lines = [line for line in self.text.split("\n", 4 * _PROBED)[: 4 * _PROBED] if _says(line)][:_PROBED]
        good = sum(_SAMPLE.match(line) is not None for line in lines)
        if not good or 2 * good < len(lines):
            raise NotAPage("it is no page of Prometheus metrics")

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        """Name -> its lines."""
        found: dict[str, list[str]] = {}
        for line in self.text.split("\n"):
            name = _NAME.match(line)
            if name is not None and len(line) <= _MAX_LINE:
                found.setdefault(name[1], []).append(line)
        return found

    @property
    def names(self) -> Collection[str]:
        """Of all samples."""
        return self._lines.keys()

    def samples(self, name: str) -> list[Sample]:
        """Those of one name, without what is no number."""
        if name not in self._read:
            self._read[name] = list(self._samples(name))
        return self._read[name]

    def _samples(self, name: str) -> Iterator[Sample]:
        parse = _parser()
        for line in self._lines.get(name, ()):
            try:
                found = [sample for family in parse(line.strip()) for sample in family.samples]
            except (ValueError, IndexError, KeyError):
                self.unreadable += 1
                continue
            for sample in found:
                if math.isfinite(sample.value):
                    yield Sample(sample.name, tuple(sorted(sample.labels.items())), float(sample.value))


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _parser() -> Callable[[str], Iterable[Metric]]:
    from prometheus_client.parser import text_string_to_metric_families

    return text_string_to_metric_families
