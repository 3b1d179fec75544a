"""From the pages of one address to rows of the table ``servers``: counters that only grow, one row per model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .page import Labels, NotAPage, Page, Sample
from .rules import Mapping, Rule, Term, for_page
from .signals import GAUGES, MEASURES

_MAX_SERIES = 20_000  # of one address: more are not followed, so that memory stays flat
_MAX_BOUNDS = 200  # of one histogram
_STARTED = "process_start_time_seconds"
Key = tuple[str, str]  # kind of server, model


class NoServer(NotAPage):
    """The page is one of metrics, but of no server that is known."""


@dataclass(frozen=True)
class Row:
    """What one server, model or device says of itself on one page: column -> value; what it does not say is missing."""

    server: str
    model: str
    values: dict[str, float]


@dataclass
class Histogram:
    """Requests per bucket: its upper bound in seconds -> those up to it and above the bound before."""

    counts: dict[float, float] = field(default_factory=dict)

    def add(self, cumulative: dict[float, float]) -> None:
        """Add what the cumulative buckets have grown by."""
        before = 0.0
        for bound in sorted(cumulative):
            grown = max(0.0, cumulative[bound] - before)
            before = max(before, cumulative[bound])
            if bound in self.counts or len(self.counts) < _MAX_BOUNDS:
                self.counts[bound] = self.counts.get(bound, 0.0) + grown

    def quantile(self, share: float) -> float | None:
        """Seconds that this share of the requests stays below, by a straight line in its bucket; None: no requests, or
        in the bucket without an upper bound."""
        total = sum(self.counts.values())
        below, seen = 0.0, 0.0
        for bound in sorted(self.counts):
            count = self.counts[bound]
            if total > 0 and seen + count >= share * total > seen:
                if math.isinf(bound):
                    return None
                return below + (bound - below) * (share * total - seen) / count
            seen, below = seen + count, bound
        return None


class Readings:
    """The pages of one address, one after the other."""

    def __init__(self, own: tuple[Mapping, ...] = (), whole: bool = False) -> None:
        """``own``: the user's mappings; ``whole``: what is in the histograms of the first page counts, too."""
        self._own = own
        self._whole = whole
        self._last: dict[tuple[str, Labels], float] = {}
        self._totals: dict[tuple[Key, str], float] = {}
        self._looks = 0
        self._started = 0.0
        self._restarted = False
        #: (kind of server, model, measure) -> durations since ``take``; and of the last two pages alone
        self.durations: dict[tuple[str, str, str], Histogram] = {}
        self.latest: dict[tuple[str, str, str], Histogram] = {}
        self.unreadable = 0

    def read(self, text: str) -> list[Row]:
        """The rows of the next page. Raises NotAPage, and NoServer if no mapping fits."""
        page = Page(text)
        mappings = for_page(page, self._own)
        if not mappings:
            raise NoServer("it is a page of Prometheus metrics, but of no server that is known")
        started = max((sample.value for sample in page.samples(_STARTED)), default=self._started)
        self._restarted = started > self._started > 0
        self._started, self.latest = started, {}
        rows = [row for mapping in mappings for row in self._rows(page, mapping)]
        self._looks += 1
        self.unreadable += page.unreadable
        return rows

    def take(self) -> dict[tuple[str, str, str], Histogram]:
        """The durations since this was last asked for."""
        taken, self.durations = self.durations, {}
        return taken

    def _rows(self, page: Page, mapping: Mapping) -> Iterator[Row]:
        values: dict[str, dict[str, float]] = defaultdict(dict)  # model -> column -> value
        for rule in mapping.rules:
            if rule.signal in GAUGES:
                self._gauge(page, mapping, rule, values)
            elif rule.signal in MEASURES:
                self._measure(page, mapping, rule, values)
            else:
                self._counter(page, mapping, rule.terms(page), rule.signal, "", values)
        for model, columns in sorted(values.items()):
            yield Row(mapping.name, model, columns)

    def _gauge(self, page: Page, mapping: Mapping, rule: Rule, values: dict[str, dict[str, float]]) -> None:
        found: dict[str, list[float]] = defaultdict(list)
        for term in rule.terms(page):
            for sample in term.samples(page):
                found[_model(mapping, sample)].append(sample.value * term.factor)
        how = GAUGES[rule.signal]
        for model, all_of in found.items():
            value = max(all_of) if how == "max" else sum(all_of)
            values[model][rule.signal] = value / len(all_of) if how == "mean" else value

    def _measure(self, page: Page, mapping: Mapping, rule: Rule, values: dict[str, dict[str, float]]) -> None:
        terms = rule.terms(page, "_count")
        if not terms:
            return
        self._counter(page, mapping, terms, f"{rule.signal}_seconds_total", "_sum", values)
        self._counter(page, mapping, [_plain(term) for term in terms], f"{rule.signal}_count_total", "_count", values)
        grown: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        for term in terms:
            for sample in term.samples(page, "_bucket"):
                bound = _bound(sample)
                if bound is not None:
                    more = self._grown(sample)
                    grown[_model(mapping, sample)][bound * term.factor] += more if self._looks or self._whole else 0.0
        for model, cumulative in grown.items():
            key = mapping.name, model, rule.signal
            for kept in (self.durations, self.latest):
                kept.setdefault(key, Histogram()).add(dict(cumulative))

    def _counter(
        self,
        page: Page,
        mapping: Mapping,
        terms: Iterable[Term],
        column: str,
        ending: str,
        values: dict[str, dict[str, float]],
    ) -> None:
        for term in terms:
            for sample in term.samples(page, ending):
                if sample.value < 0:
                    continue
                model = _model(mapping, sample)
                total = (mapping.name, model), column
                self._totals[total] = self._totals.get(total, 0.0) + self._grown(sample, column) * term.factor
                values[model][column] = self._totals[total]

    def _grown(self, sample: Sample, use: str = "") -> float:
        """By how much a counter has grown since the page before; what began at zero again has grown by all it has.

        ``use``: one counter may be in several columns, and has grown once in each.
        """
        key = f"{use} {sample.name}", sample.labels
        last = self._last.get(key)
        if last is None and len(self._last) >= _MAX_SERIES:
            return 0.0
        self._last[key] = sample.value
        return sample.value if last is None or sample.value < last or self._restarted else sample.value - last


def _plain(term: Term) -> Term:
    """Without the factor, which is that of seconds and not of their number."""
    return Term(term.name, term.needs, term.unless)


def _model(mapping: Mapping, sample: Sample) -> str:
    labels = dict(sample.labels)
    return " ".join(labels[name] for name in mapping.models if labels.get(name))[:200]


def _bound(sample: Sample) -> float | None:
    try:
        bound = float(dict(sample.labels).get("le", ""))
    except ValueError:
        return None
    return bound if bound >= 0 else None
