"""Requests queue in the event loop for a lock, a semaphore or a connection that others hold while they wait."""

from __future__ import annotations

from ...artifacts.serving.queues import TaskQueue, TaskQueues
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Outcome, QueueChange
from .. import Detector
from .._common import location

_LIMITS = {
    "/httpcore/": "httpx.AsyncClient(limits=httpx.Limits(max_connections={most}))",
    "/aiohttp/": "aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit={most}))",
    "/asyncpg/": "asyncpg.create_pool(dsn, max_size={most})",
    "/psycopg_pool/": "psycopg_pool.AsyncConnectionPool(dsn, max_size={most})",
    "/redis/": "redis.asyncio.BlockingConnectionPool(max_connections={most})",
    "/aiomysql/": "aiomysql.create_pool(maxsize={most})",
}
_TITLES = {
    "connections": "Requests wait for a connection of the client's pool",
    "semaphore": "Requests wait for a semaphore",
    "lock": "Requests wait for an asyncio lock, so that they pass one after another",
}


class RequestsInTurn(Detector):
    """Requests queue for a lock, a semaphore or a pool of connections, and those that hold it only wait.

    Why it matters
        What holds the lock or the connection sets how many requests per second the server can take. That line may take
        little of a request's own time, and another one, which all requests can be in at once, much more.
    How it is measured
        The tasks of the event loop that wait in ``Lock.acquire``, ``Semaphore.acquire`` or for a connection of httpx,
        aiohttp, asyncpg, psycopg or redis, at each sample in which the loop waits, by your line. By Little's law, the
        share of requests in the queue is the share of a request's time that it spends there.
    How to fix it
        Raise the limit to what the service behind it can take. Hold a lock only while shared data change, and not
        across an ``await`` of something slow; where it protects one connection, use a pool of them.
    When to ignore it
        When what it protects must not happen twice at once, or the service behind it can take no more.
    """

    id = "requests-in-turn"
    title = "Requests wait for a lock, a semaphore or a connection"
    stage = "serving"
    explains = (
        "semaphore-too-small",
        "one-task-at-a-time",
        "pool-of-few-connections",
        "residual-python",
        "no-batching",
    )
    share_threshold = 0.15  # of a request's time
    min_waiting = 1.0  # requests in the queue, on average
    min_samples = 8  # a loop that waits in one place is looked at two or three times a second
    range_low, range_high = 0.6, 0.05  # of the share, and added to it: what is behind it may be slower with more calls
    range_low_of_lock = 0.2  # the same: what a lock protects may have to happen in turn
    most = 200

    def detect(self, queues: TaskQueues) -> Outcome:
        longest = max(queues.queues, key=lambda queue: queue.waiting, default=None)
        share = 0.0 if longest is None else longest.share
        enough = longest is not None and longest.waiting >= self.min_waiting and longest.samples >= self.min_samples
        if longest is None or not enough or share < self.share_threshold:
            return Fine(share, self.share_threshold, "share", "share of a request's time in a queue of the event loop")
        saved = max(0.0, min(share, 1.0 - min(1.0, longest.cores)))
        low = self.range_low_of_lock if longest.kind == "lock" else self.range_low
        method = f"{longest.waiting:.1f} of {longest.at_once:.1f} requests are in the queue, which is {share:.0%} of a "
        method += f"request's time; the rest remains, or what the process computes (now {longest.cores:.2f} of a core)"
        high = min(0.99, saved + self.range_high)
        return self.finding(
            title=_TITLES[longest.kind],
            location=location(longest.site),
            evidence=(
                Evidence("requests in this queue", longest.waiting, "count"),
                Evidence("requests in the process", longest.at_once, "count"),
                Evidence("share of a request's time in the queue", share, "share"),
                Evidence("cores used by the process", longest.cores, "cores"),
            ),
            gain=Gain(saved, low * saved, high, 0.0, method, "p99", confidence=0.4 if longest.kind == "lock" else 0.7),
            queue=QueueChange("threads", self.most),
            fix=_fix(longest, self.most),
            after="the time that one request takes by itself, or the service behind it, becomes the bottleneck",
        )


def _fix(queue: TaskQueue, most: int) -> Fix:
    wanted = min(most, round(1.25 * queue.at_once) + 1)
    if queue.kind == "connections":
        snippet = next((text for part, text in _LIMITS.items() if part in queue.library), "max_size={most}")
        return Fix(f"Allow the client {wanted} connections", snippet.format(most=wanted), effort=1, risk=0.1)
    if queue.kind == "semaphore":
        text = f"Raise the semaphore to {wanted}, or to what the service behind it can take"
        return Fix(text, f"limit = asyncio.Semaphore({wanted})", effort=1, risk=0.1)
    return Fix(
        "Hold the lock only while shared data change, not across an await; one connection behind it becomes a pool",
        "answer = await ask(key)  # outside of the lock\nasync with lock:\n    cache[key] = answer",
        effort=2,
        risk=0.3,
    )
