"""Servers made for tests: pages as they write them, watched on a clock of our own, and the outcome of a detector."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bottleneck_profiler import detectors
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.machine import Settings
from bottleneck_profiler.capture.servers.fetch import Page
from bottleneck_profiler.capture.servers.saver import WatchFolder
from bottleneck_profiler.capture.servers.watch import Watch
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.prices import Prices
from bottleneck_profiler.recording.folder import create
from bottleneck_profiler.recording.model import Recording
from bottleneck_profiler.recording.read import load
from bottleneck_profiler.recording.servers.rules import Mapping

HERE = Path(__file__).resolve().parent
PAGES, LOAD = HERE / "pages", HERE / "load"
SECOND = 1_000_000_000
URL = "http://server:8000/metrics"
BEGAN = 1_700_000_000 * SECOND


def page(name: str) -> str:
    """A real page."""
    return gzip.decompress((PAGES / f"{name}.gz").read_bytes()).decode()


@dataclass
class Clock:
    """Moves only when it is told to."""

    now_ns: int = 5 * SECOND

    def __call__(self) -> int:
        return self.now_ns


def watched(
    folder: Path,
    pages: Callable[[int], dict[str, Page]],
    looks: int,
    seconds: float = 1.0,
    own: tuple[Mapping, ...] = (),
    urls: Sequence[str] = (URL,),
) -> Recording:
    """The recording of so many looks; ``pages``: number of the look -> page of each address."""
    clock, number = Clock(), iter(range(looks))
    watch = Watch(urls, lambda _: pages(next(number)), clock, own)
    run = create(None, "watch", folder)
    saver = WatchFolder(run, watch, clock(), BEGAN)
    for _ in range(looks):
        clock.now_ns += round(seconds * SECOND)
        saver.add(watch.look())
    saver.end(clock())
    return load(run)


def of_texts(folder: Path, texts: Sequence[str], seconds: float = 1.0) -> Recording:
    """The recording of one server that showed these pages, one after the other."""
    return watched(folder, lambda number: {URL: Page(texts[number])}, len(texts), seconds)


@dataclass
class Triton:
    """A Triton model with so many requests per second; each waits, then computes, in batches."""

    per_second: float
    queue: float  # seconds
    compute: float
    batch: float = 1.0
    failed: float = 0.0  # share
    bursts: bool = False  # the wait is that of every second look alone
    _counted: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    def text(self, seconds: float) -> str:
        done, waited, batches = self._counted
        more = self.per_second * seconds
        waits = self.queue * (2.0 * (round(done / more) % 2) if self.bursts else 1.0)
        done, waited, batches = done + more, waited + more * waits, batches + more / self.batch
        self._counted[:] = done, waited, batches
        spent = done * self.compute
        counters = {
            "request_success": done * (1.0 - self.failed), "request_failure": done * self.failed, "count": done,
            "exec_count": batches, "queue_duration_us": waited * 1e6, "compute_infer_duration_us": spent * 1e6,
            "request_duration_us": (waited + spent) * 1e6,
        }  # fmt: skip
        return "".join(f'nv_inference_{name}{{model="m",version="1"}} {value}\n' for name, value in counters.items())

    def watched(self, folder: Path, looks: int = 40) -> Recording:
        return of_texts(folder, [self.text(1.0) for _ in range(looks)])


def vllm(running: float, waiting: float, cache: float, done: float = 0.0, queue: float = 0.0, took: float = 1.0,
         preempted: float = 0.0) -> str:  # fmt: skip
    """A page of vLLM. ``done``: requests so far, that waited and took so long each."""
    labels = '{engine="0",model_name="m"}'
    values = {
        "num_requests_running": running, "num_requests_waiting": waiting, "kv_cache_usage_perc": cache,
        "num_preemptions_total": preempted, "request_success_total": done,
        "request_queue_time_seconds_sum": done * queue, "request_queue_time_seconds_count": done,
        "e2e_request_latency_seconds_sum": done * took, "e2e_request_latency_seconds_count": done,
    }  # fmt: skip
    return "".join(f"vllm:{name}{labels} {value}\n" for name, value in values.items())


def outcome(recording: Recording, name: str, price_per_hour: float | None = None) -> Any:
    """What one detector says."""
    artifacts = Artifacts(recording)
    artifacts.put(Settings(None if price_per_hour is None else Prices(accelerator=price_per_hour)))
    found = [each for each in detectors.all_detectors() if each.id == name]
    return detectors.run_all(found, artifacts)[name]


def judged(recording: Recording) -> Diagnosis:
    return diagnose(recording)


def found(recording: Recording) -> list[str]:
    """The ids of the findings, the first first."""
    return [each.finding.detector for each in judged(recording).findings]
