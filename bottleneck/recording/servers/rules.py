"""Which metric of a server is which signal: the language of ``mappings.ini`` and of the user's own mapping file.

A section is a kind of server. ``signal = metric`` names the metric; ``|`` stands between its newer and older names, the
first one that is on the page counts; ``+`` adds metrics; ``* 0.001`` changes the unit; ``{label="x", other!="y"}``
selects series. A measure (``latency``, ``queue``, ...) is a histogram or a summary, by the name without its ending.
Beside signals a section has ``when``: a metric that only this server has (default: any of those it names); ``models``:
labels that tell models or devices apart, each of which is a row of its own; ``only_alone``: it is for pages that no
other section knows.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...files import reason
from ..folder import RunError
from .page import Page, Sample
from .signals import GAUGES, MEASURES, TOTALS

BUILT_IN = Path(__file__).with_name("mappings.ini")
_TERM = re.compile(
    r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(?P<labels>[^{}]*)\})?\s*(?:\*\s*(?P<factor>[0-9.eE+-]+))?\s*"
)
_LABEL = re.compile(r'\s*([a-zA-Z_]\w*)\s*(!?=)\s*"([^"]*)"\s*(?:,|$)')
_MAX_BYTES = 1 << 20
KNOWN = (*GAUGES, *TOTALS, *MEASURES)


@dataclass(frozen=True)
class Term:
    """A metric, which of its series count, the factor to the signal's unit. ``unless``: labels that do not count."""

    name: str
    needs: tuple[tuple[str, str], ...] = ()
    unless: tuple[tuple[str, str], ...] = ()
    factor: float = 1.0

    def name_on(self, page: Page, ending: str = "") -> str | None:
        """The name that the page has for it: exporters differ in whether a counter ends in ``_total``."""
        name = self.name + ending
        names = page.names
        return next((each for each in (name, f"{name}_total", name.removesuffix("_total")) if each in names), None)

    def samples(self, page: Page, ending: str = "") -> Iterator[Sample]:
        """Its series, as the page has them."""
        name = self.name_on(page, ending)
        for sample in page.samples(name) if name is not None else ():
            labels = dict(sample.labels)
            if any(labels.get(key) != value for key, value in self.needs):
                continue
            if any(labels.get(key) == value for key, value in self.unless):
                continue
            yield sample


@dataclass(frozen=True)
class Rule:
    """A signal, and its metrics: the first of ``choices`` that is on the page, its terms added."""

    signal: str
    choices: tuple[tuple[Term, ...], ...]

    def terms(self, page: Page, ending: str = "") -> tuple[Term, ...]:
        """Those that the page has; empty: the page does not have the signal."""
        for terms in self.choices:
            there = tuple(term for term in terms if term.name_on(page, ending) is not None)
            if there:
                return there
        return ()


@dataclass(frozen=True)
class Mapping:
    """What a kind of server calls its signals."""

    name: str
    rules: tuple[Rule, ...]
    when: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    only_alone: bool = False

    def fits(self, page: Page) -> bool:
        """Whether the page is one of such a server."""
        if self.when:
            return any(Term(name).name_on(page) is not None for name in self.when)
        return any(rule.terms(page, "_count" if rule.signal in MEASURES else "") for rule in self.rules)


def built_in() -> tuple[Mapping, ...]:
    """The servers that are known."""
    return _built_in()


@cache
def _built_in() -> tuple[Mapping, ...]:
    return read(BUILT_IN)


def read(path: Path) -> tuple[Mapping, ...]:
    """The sections of a mapping file. Raises RunError with one line that names the file and what is wrong in it."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise RunError(f"{path} is too large for a mapping file")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path} cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise RunError(f"{path} is no text") from None
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), interpolation=None, strict=True)
    try:
        parser.read_string(text)
        found = tuple(_section(name, dict(parser[name])) for name in parser.sections())
    except (configparser.Error, ValueError) as error:
        raise RunError(f"{path} is no mapping file: {str(error).replace(chr(10), ' ')}") from None
    if not found:
        raise RunError(f"{path} is no mapping file: it has no [section]")
    return found


def for_page(page: Page, own: tuple[Mapping, ...] = ()) -> list[Mapping]:
    """Those that the page is of: the user's own first, and alone where one fits."""
    mine = [mapping for mapping in own if mapping.fits(page)]
    if mine:
        return mine
    known = [mapping for mapping in built_in() if mapping.fits(page)]
    return [mapping for mapping in known if not mapping.only_alone] or known[:1]


def _section(name: str, values: dict[str, str]) -> Mapping:
    when = tuple(values.pop("when", "").split())
    models = tuple(values.pop("models", "").split())
    alone = values.pop("only_alone", "no").strip().lower() in ("yes", "true", "1", "on")
    for signal in values:
        if signal not in KNOWN:
            raise ValueError(f"[{name}] has {signal}, which is no signal; there are {', '.join(KNOWN)}")
    rules = tuple(Rule(signal, tuple(_terms(name, signal, each) for each in text.split("|"))) for signal, text in
                  values.items())  # fmt: skip
    if not rules:
        raise ValueError(f"[{name}] names no metric")
    return Mapping(name, rules, when, models, alone)


def _terms(section: str, signal: str, text: str) -> tuple[Term, ...]:
    found, at = [], 0
    while True:
        match = _TERM.match(text, at)
        if match is None:
            raise ValueError(f"[{section}] {signal} = {text.strip()}: there is no name of a metric")
        found.append(_term(section, signal, match))
        at = match.end()
        if at == len(text):
            return tuple(found)
        if text[at] != "+":
            raise ValueError(f"[{section}] {signal} = {text.strip()}: {text[at:].strip()!r} makes no sense there")
        at += 1


def _term(section: str, signal: str, match: re.Match[str]) -> Term:
    needs, unless = list[tuple[str, str]](), list[tuple[str, str]]()
    labels, at = match["labels"] or "", 0
    while labels[at:].strip():
        label = _LABEL.match(labels, at)
        if label is None:
            raise ValueError(f'[{section}] {signal}: {{{labels}}} is no list of label="value"')
        (needs if label[2] == "=" else unless).append((label[1], label[3]))
        at = label.end()
    factor = float(match["factor"] or 1.0)
    if not 0 < factor < float("inf"):
        raise ValueError(f"[{section}] {signal}: a factor is a positive number")
    return Term(match["name"], tuple(needs), tuple(unless), factor)
