"""The KV cache of a language model's server is full, and requests wait for room in it."""

from __future__ import annotations

from ...artifacts.serving.watched import Server, Watched
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome
from .. import Detector
from ._shared import measured, of_server, worst

_FLAGS = {
    "vLLM": "vllm serve MODEL --kv-cache-dtype fp8 --gpu-memory-utilization 0.95 --max-model-len N",
    "SGLang": "python -m sglang.launch_server --model-path MODEL --kv-cache-dtype fp8_e5m2 --mem-fraction-static 0.9",
}


class KvCachePressure(Detector):
    """The cache of keys and values is full: it, and not the computation, limits how many requests run at once.

    Why it matters
        Each running request holds the keys and values of all its tokens on the accelerator. When the cache is full,
        further requests wait, and running ones may be preempted: their tokens are computed again.
    How it is measured
        The mean use of the cache, with the requests that wait meanwhile and the preemptions. A full cache without a
        queue is only well used.
    How to fix it
        Store the cache in 8 bits, give it more of the memory, allow shorter contexts, or serve from more replicas.
    When to ignore it
        When the waiting is wanted, as for offline batches.
    """

    id = "kv-cache-pressure"
    title = "The KV cache is full, and requests wait for room in it"
    stage = "serving"
    judges_work = False  # that the cache is not full says nothing about what else is slow
    explains = ("saturation",)
    full_threshold = 0.95  # mean use
    preempting_threshold = 0.90  # mean use, if requests are preempted: each needs room in bursts
    waiting_threshold = 1.0  # requests that wait, on average

    def detect(self, watched: Watched) -> Outcome:
        caches = [each for each in watched.serving if each.mean("kv_cache_share") is not None]
        if not caches:
            return NotMeasured("No server tells how full its KV cache is.")
        outcome = worst([self._server(each) for each in caches])
        assert outcome is not None
        return outcome

    def _server(self, server: Server) -> Outcome:
        used, waiting = server.mean("kv_cache_share"), server.mean("waiting_requests")
        if not server.settled or used is None or waiting is None:
            return NotMeasured(f"Too few looks at {server.name} to tell how full its KV cache is over time.")
        preempted = server.grown("preemptions")
        threshold = self.preempting_threshold if preempted else self.full_threshold
        if used < threshold:
            return Fine(used, threshold, "share", "mean use of the KV cache")
        if waiting < self.waiting_threshold:
            return Fine(waiting, self.waiting_threshold, "count", "requests waiting for the full KV cache, on average")
        return self._finding(server, used, waiting, preempted)

    def _finding(self, server: Server, used: float, waiting: float, preempted: float | None) -> Finding:
        running = server.mean("running_requests") or 0.0
        ceiling = min(0.5, waiting / max(running + waiting, 1.0))
        method = (
            "a cache of half the bytes per token holds twice the requests, bounded by those that wait; how much "
            "throughput a larger batch gives depends on the model"
        )
        return self.finding(
            evidence=of_server(
                server,
                Evidence("mean use of the KV cache", used, "share"),
                Evidence("requests waiting, on average", waiting, "count"),
                measured("requests running, on average", server.mean("running_requests"), "count"),
                measured("requests preempted", preempted, "count"),
                measured("mean time in the queue", server.each("queue"), "s"),
                measured("mean time of a request", server.each("latency"), "s"),
            ),
            gain=Gain(0.5 * ceiling, 0.1 * ceiling, ceiling, 0.0, method, "capacity", confidence=0.4, ceiling=True),
            fix=Fix(
                "Store the KV cache in 8 bits, and give it more of the memory; then allow no more context than needed",
                _FLAGS.get(server.fact.server, ""),
                effort=1,
                risk=0.2,
            ),
            after="computing becomes the bottleneck: requests queue for it",
        )
