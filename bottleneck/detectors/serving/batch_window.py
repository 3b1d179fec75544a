"""Requests wait for a batch to fill that never fills."""

from __future__ import annotations

import numpy as np

from ...artifacts.serving.watched import Floats, Server, Watched
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome
from .. import Detector
from ._shared import failing, few, measured, of_server, worst

_SNIPPETS = {
    "Triton": "# config.pbtxt\ndynamic_batching { max_queue_delay_microseconds: 500 }",
    "TorchServe": "# config.properties of the model, in milliseconds\nmaxBatchDelay=5",
    "Ray Serve": "@serve.batch(max_batch_size=8, batch_wait_timeout_s=0.002)",
    "BentoML": "@bentoml.api(batchable=True, max_latency_ms=50)",
}


class BatchWindow(Detector):
    """The server holds requests back to collect a batch, but so few arrive that batches stay almost empty.

    Why it matters
        A batching window delays every request by its length. It pays off only if others arrive meanwhile; at low load,
        each request waits for nothing.
    How it is measured
        Requests queue for at least 30 % of their time although the model is idle for most of it and a batch holds
        hardly more than one: only a window makes them wait then. The wait is the same at all times; behind a burst, it
        would vary. The gain leaves out the window, and keeps the waiting that chance makes.
    How to fix it
        Shorten the window, or make its length depend on the load.
    When to ignore it
        When load comes in waves and the quiet hours do not matter.
    """

    id = "batch-window"
    title = "Requests wait for a batch that does not fill"
    stage = "serving"
    judges_work = False  # that no window delays requests says nothing about what else does
    explains = ("saturation",)
    queue_share_threshold = 0.3  # of the time of a request
    busy_limit = 0.5  # of the time in the model: above, requests wait for it
    batch_limit = 2.0  # mean rows: above, the window collects something
    chance_factor = 3.0  # over what chance makes requests wait at this load
    variation_limit = 0.3  # of the waits between looks: behind bursts they differ
    min_looks = 10  # at which requests were finished

    def detect(self, watched: Watched) -> Outcome:
        known = [each for each in watched.serving if each.queue_share is not None and each.busy_share is not None]
        outcome = worst([self._server(each) for each in known])
        return outcome or NotMeasured("No server tells both how long requests queue and how long its model computes.")

    def _server(self, server: Server) -> Outcome:
        share, busy, batch = server.queue_share or 0.0, server.busy_share or 0.0, server.batch
        if reason := failing(server):
            return NotMeasured(reason)
        if reason := few(server):
            return NotMeasured(reason)
        if share < self.queue_share_threshold:
            return Fine(share, self.queue_share_threshold, "share", "queue's share of a request's time")
        if busy >= self.busy_limit:
            return Fine(busy, self.busy_limit, "share", "of the time the model is busy: requests wait for it")
        if batch is not None and batch >= self.batch_limit:
            return Fine(batch, self.batch_limit, "count", "mean rows per batch")
        waits = _waits(server)
        if len(waits) < self.min_looks:
            return NotMeasured(f"Requests were finished at only {len(waits)} looks; {self.min_looks} are needed.")
        variation = float(waits.std() / max(waits.mean(), 1e-12))
        if variation > self.variation_limit:
            return Fine(variation, self.variation_limit, "", "variation of the wait: requests come in bursts")
        wait, chance = server.each("queue") or 0.0, _by_chance(server, busy)
        if wait < self.chance_factor * chance:
            return Fine(wait, self.chance_factor * chance, "s", "time in the queue, which chance explains")
        return self._finding(server, wait, chance, busy)

    def _finding(self, server: Server, wait: float, chance: float, busy: float) -> Finding:
        latency = server.each("latency") or wait
        saved = (wait - chance) / latency
        method = (
            "a request's time without the window: its time minus its wait, plus what chance makes it wait at this load"
        )
        return self.finding(
            evidence=of_server(
                server,
                Evidence("mean time in the queue", wait, "s"),
                Evidence("mean time of a request", latency, "s"),
                Evidence("time in the model", busy, "share"),
                measured("mean rows per batch", server.batch, "count"),
            ),
            gain=Gain(saved, 0.8 * saved, min(0.99, wait / latency), 0.0, method, "p99", confidence=0.8),
            fix=Fix(
                f"Shorten the batching window: requests wait {wait * 1e3:.3g} ms for others that do not come",
                _SNIPPETS.get(server.fact.server, ""),
                effort=1,
            ),
            after="the time of a request in the model becomes the bottleneck",
        )


def _waits(server: Server) -> Floats:
    """Mean wait of the requests that finished between two looks, where any did."""
    seconds, count = server.rows.get("queue_seconds_total"), server.rows.get("queue_count_total")
    if seconds is None or count is None:
        return np.zeros(0)
    more, grown = np.diff(count), np.diff(seconds)
    some = more > 0
    found: Floats = grown[some] / more[some]
    return found


def _by_chance(server: Server, busy: float) -> float:
    """Mean wait in front of a model that is so busy, if requests come at random: M/M/1."""
    return (server.each("compute") or 0.0) * busy / max(1.0 - busy, 1e-9)
