"""Requests wait for a thread of a pool whose threads all wait for something else."""

from __future__ import annotations

from math import ceil

from ...artifacts.serving.pools import Pool, Pools
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Location, NotMeasured, Outcome, QueueChange
from .. import Detector
from .._common import cause_of_wait, location

_ANYIO = """\
import anyio.to_thread

# when the application starts (lifespan), in its event loop
anyio.to_thread.current_default_thread_limiter().total_tokens = {threads}"""
_EXECUTOR = "pool = ThreadPoolExecutor(max_workers={threads})"
_DEFAULT = """\
import asyncio
from concurrent.futures import ThreadPoolExecutor

# when the application starts: what asyncio.to_thread and run_in_executor(None, ...) use
asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers={threads}))"""
_GTHREAD = "gunicorn --worker-class gthread --threads {threads} ...  # the other arguments as before"


class PoolStarved(Detector):
    """All threads of a pool wait for something else, and further requests wait for one of the threads.

    Why it matters
        The server could take more requests: its threads only wait for a database or another service. Each request
        beyond the size of the pool waits for one before it to end.
    How it is measured
        Tasks in the queue of a pool, ten to twenty times a second: anyio's threads (FastAPI and Starlette run plain
        ``def`` handlers there, 40 at once), ``ThreadPoolExecutor`` (``asyncio.to_thread`` too), and the threads of
        gunicorn's gthread workers. What the threads do is sampled from their call stacks. With k threads and q tasks
        in the queue, a request takes (k + q) / k times as long as its own work; a larger pool takes that away until the
        CPU of the process is the limit.
    How to fix it
        Give the pool as many threads as there are requests at once, or await an async client, which needs no thread.
    When to ignore it
        When the service behind it can take no more calls at once: then the queue only moves there.
    """

    id = "pool-starved"
    title = "Requests wait for a thread, while all threads of the pool wait for something else"
    stage = "serving"
    explains = ("token-pool-full", "executor-too-small", "residual-python", "no-batching", "single-process-serving")
    full_share_threshold = 0.3  # of the serving time, with tasks in the queue
    min_queue_share = 0.15  # of the tasks that want a thread at once
    min_samples = 10  # with tasks in the queue: one second
    waiting_share_threshold = 0.5  # of the time of the threads
    computing = ("lock", "gil", "native", "memory")  # more threads would wait for the same
    hardly_computes = 0.3  # cores of the process: above, threads whose waits are not known may wait for native code
    range_low, range_high = 0.6, 0.05  # of the share, and added to it: what is behind the pool may be slower with more
    most_threads = 400

    def detect(self, pools: Pools) -> Outcome:
        share = max((pool.full_share for pool in pools.pools), default=0.0)
        for pool in pools.pools:
            if pool.full_share < self.full_share_threshold or pool.samples < self.min_samples:
                continue
            if pool.waiting / pool.at_once < self.min_queue_share:
                continue
            other = self._other_limit(pool)
            return other if other is not None else self._finding(pool)
        return Fine(share, self.full_share_threshold, "share", "serving time in which requests waited for a thread")

    def _other_limit(self, pool: Pool) -> Outcome | None:
        """What the threads do other than wait; None if they wait for something outside."""
        work = pool.work
        if work is None:
            return NotMeasured(
                f"Requests queued for the pool's {pool.threads} threads, and what those did is not known."
            )
        if work.waiting_share < self.waiting_share_threshold:
            threshold = self.waiting_share_threshold
            return Fine(work.waiting_share, threshold, "share", "time in which the pool's threads wait")
        if work.waits_for is None and pool.cores >= self.hardly_computes:
            return NotMeasured("Requests queued for a pool's threads, and what those waited for is not known.")
        if work.waits_for is not None and work.waits_for.what in self.computing:
            return NotMeasured(f"Requests queued for a pool's threads, but those waited for {work.waits_for}.")
        return None

    def _finding(self, pool: Pool) -> Outcome:
        work = pool.work
        assert work is not None  # _other_limit
        remains = max(pool.threads / pool.at_once, min(1.0, pool.cores))
        share = max(0.0, 1.0 - remains)
        needed = min(self.most_threads, ceil(1.25 * pool.at_once))
        method = (
            f"{pool.at_once:.0f} requests at once on {pool.threads} threads take {pool.at_once / pool.threads:.1f} "
        )
        method += f"times as long as on {needed}, or until the process needs a whole core (now {pool.cores:.2f})"
        high = min(0.99, share + self.range_high)
        site = None if pool.site is None else location(pool.site)
        return self.finding(
            location=site or Location(work.file, work.line, work.function),
            evidence=(
                Evidence("threads of the pool", pool.threads, "count"),
                Evidence("requests that wait for a thread", pool.waiting, "count"),
                Evidence("serving time in which requests wait for a thread", pool.full_share, "share"),
                Evidence("line at which the threads wait", str(Location(work.file, work.line))),
                Evidence("waiting share of the threads", work.waiting_share, "share"),
                *cause_of_wait(work),
                Evidence("cores used by the process", pool.cores, "cores"),
            ),
            gain=Gain(share, self.range_low * share, high, 0.0, method, "p99", confidence=0.7),
            queue=QueueChange("threads", needed / pool.threads),
            fix=_fix(pool, needed),
            after="the service that the threads wait for, or the CPU of the process, becomes the bottleneck",
        )


def _fix(pool: Pool, threads: int) -> Fix:
    if pool.kind == "anyio":
        text = (
            f"Raise anyio's limit to {threads} threads, or make the handler async def and await an async client in it"
        )
        return Fix(text, _ANYIO.format(threads=threads), effort=1, risk=0.1)
    if pool.kind == "gthread":
        return Fix(f"Run gunicorn with {threads} threads", _GTHREAD.format(threads=threads), effort=1, risk=0.1)
    default = pool.kind == "default"
    text = f"Give the {'default executor' if default else 'executor'} {threads} threads, or await an async client"
    return Fix(text, (_DEFAULT if default else _EXECUTOR).format(threads=threads), effort=1, risk=0.1)
