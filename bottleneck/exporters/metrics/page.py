"""Samples in the text format of Prometheus, through its Python client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ...recording.tally import Durations
from .samples import Sample

_CLASSES = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}


class _Collected(Collector):
    def __init__(self, run: str, samples: Callable[[], Sequence[Sample]]) -> None:
        self._run = run
        self._samples = samples

    def collect(self) -> Iterable[Metric]:
        made: dict[str, Metric] = {}
        for sample in self._samples():
            family, labels = sample.family, ["run", *sample.family.labels]
            metric = made.setdefault(family.name, _CLASSES[family.kind](family.name, family.help, labels=labels))
            values = [self._run, *sample.labels]
            if isinstance(sample.value, Durations):
                metric.add_metric(values, list(_buckets(sample.value)), sample.value.seconds)  # type: ignore[attr-defined]
            else:
                metric.add_metric(values, sample.value)  # type: ignore[attr-defined]
        return made.values()


def _buckets(durations: Durations) -> Iterator[tuple[str, float]]:
    """(upper bound, how many are not above it), as Prometheus counts."""
    counts = durations.counts.cumsum().tolist()
    yield from zip([*(f"{bound:g}" for bound in durations.bounds), "+Inf"], counts, strict=True)


def registry(run: str, samples: Callable[[], Sequence[Sample]]) -> CollectorRegistry:
    """A registry that asks for ``samples`` at every scrape. ``run``: the value of the label that all series have."""
    made = CollectorRegistry()
    made.register(_Collected(run, samples))
    return made


def page(run: str, samples: Sequence[Sample]) -> str:
    """The page of these samples, without timestamps."""
    return generate_latest(registry(run, lambda: samples)).decode()
