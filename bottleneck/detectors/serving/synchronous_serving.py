"""A blocking call inside an async handler."""

from __future__ import annotations

from math import ceil

import numpy as np

from ...artifacts.run.machine import Machine
from ...artifacts.run.user_lines import UserLines
from ...artifacts.serving.blocks import Block
from ...artifacts.serving.requests import Requests
from ...diagnosis.findings import Evidence, Finding, Fine, Fix, Gain, NotMeasured, Outcome, QueueChange
from ...recording.model import Site
from .. import Detector
from .._common import cause_of_wait_at, location


class SynchronousServing(Detector):
    """An ``async def`` handler runs blocking code, and every other request waits until it is done.

    Why it matters
        One event loop serves all requests. While a handler blocks it, other requests have not even entered the
        application: their handlers look fast, but their clients wait for all the calls before theirs.
    How it is measured
        A heartbeat in the loop every 50 ms. When it is late, a watchdog thread looks at the loop's thread and notes
        your innermost line; requests that arrive before the loop runs again were waiting. The gain compares the last
        of N waiting requests, N calls long, with ceil(N/k) calls on k threads (cores, if the call computes).
    How to fix it
        Declare the handler with plain ``def`` (it then runs in the thread pool), or await the call in a thread. Code
        that runs in Python holds the GIL: use a process pool for that.
    When to ignore it
        When there is one client at a time, nobody waits. Garbage collection and a busy machine are recognised and not
        reported.
    """

    id = "synchronous-serving"
    title = "A blocking call holds up the event loop"
    stage = "serving"
    # A served model's forward passes look like a loop whose steps wait: the blocked loop says why.
    explains = ("residual-python", "no-batching", "single-process-serving")
    min_requests = 50  # fewer give no 99th percentile
    lag_threshold_seconds = 0.05  # one heartbeat: later than that is felt by a client
    blocked_share_threshold = 0.05  # of the time in which requests were served
    min_blocks = 5  # a single late beat happens on any machine
    min_waiting = 1.5  # with one client at a time nobody waits behind it
    thread_limit = 40  # anyio's default
    computing_cpu_share = 0.5  # of the loop's thread while blocked: above, the call computes
    free_share_threshold = 0.5  # of the watchdog's looks that met no interpreter lock
    range_half_width = 0.1  # of the share; waiting is counted per heartbeat, not per client

    def detect(self, requests: Requests, machine: Machine, lines: UserLines | None = None) -> Outcome:
        if requests.count < self.min_requests:
            return NotMeasured(f"Only {requests.count} requests were served; {self.min_requests} are needed.")
        late = [b for b in requests.user_blocks if b.seconds >= self.lag_threshold_seconds]
        site = _worst_site(late)
        blocks = [b for b in late if b.site == site]
        blocked = sum(b.seconds for b in blocks)
        share = blocked / max(requests.window_seconds, 1e-9)
        if site is None or len(blocks) < self.min_blocks or share < self.blocked_share_threshold:
            return Fine(share, self.blocked_share_threshold, "share", "serving time with the event loop blocked")
        counts = [b.waiting for b in blocks]
        waiting = float(np.average(counts, weights=counts))
        if waiting < self.min_waiting:
            return Fine(waiting, self.min_waiting, "count", "requests queued behind the blocking call")
        return self._finding(requests, machine, blocks, site, waiting, share, lines)

    def _finding(
        self,
        requests: Requests,
        machine: Machine,
        blocks: list[Block],
        site: Site,
        waiting: float,
        share: float,
        lines: UserLines | None,
    ) -> Finding:
        service, between = _service(requests, blocks)
        cpu = float(np.average([b.cpu_share for b in blocks], weights=[b.seconds for b in blocks]))
        looks = [b.free_share for b in blocks if b.free_share is not None]
        free = float(np.mean(looks)) if looks else None
        cores = max(1, int(machine.cores))
        runs = _runs(lines, site)
        computes = cpu >= self.computing_cpu_share or runs
        holds_lock = computes and free is not None and free < self.free_share_threshold
        line = max(2, round(waiting))
        threads = min(line, cores if computes else self.thread_limit)
        now_seconds = line * (service + between)
        then_seconds = ceil(line / threads) * service + line * between
        saved = max(0.0, 1 - then_seconds / now_seconds)
        low, high = max(0.0, saved - self.range_half_width), min(0.99, saved + self.range_half_width)
        lags = np.array([b.seconds for b in blocks])
        method = (
            f"the last of {line} waiting requests takes {line} x {service * 1e3:.0f} ms; on {threads} "
            f"{'processes' if holds_lock else 'threads'} ceil({line}/{threads}) x {service * 1e3:.0f} ms"
        )
        return self.finding(
            location=location(site),
            evidence=(
                Evidence("handler", _names(blocks)[0]),
                Evidence("p99 event loop lag", float(np.percentile(lags, 99)), "s"),
                Evidence("maximum event loop lag", float(lags.max()), "s"),
                Evidence("serving time with the event loop blocked here", min(share, 1.0), "share"),
                Evidence("requests queued behind the blocking call", waiting, "count"),
                Evidence("time of one blocking request", service, "s"),
                Evidence("CPU use of the event loop thread while blocked", cpu, "share"),
                *cause_of_wait_at(lines, site),
                Evidence("median latency inside the handler", requests.p50_seconds, "s"),
            ),
            gain=Gain(saved, low, high, 0.0, method, "p99", confidence=0.8 if not computes else 0.6),
            queue=QueueChange("places", cores) if computes else QueueChange("threads", self.thread_limit),
            fix=_processes_fix(blocks, cores)
            if holds_lock
            else _executor_fix(blocks, threads)
            if requests.server
            else _threads_fix(blocks, computes, cores),
            after="the time of a single call becomes the bottleneck" + (f", on {cores} cores" if computes else ""),
        )


def _runs(lines: UserLines | None, site: Site) -> bool:
    """Whether the line was seen to run, or to wait for a core: on a crowded machine, its CPU time does not tell."""
    found = (line for line in lines.lines if (line.file, line.line) == (site.file, site.line)) if lines else ()
    return any(line.sampled and line.blocked_share < 0.5 for line in found)


def _worst_site(blocks: list[Block]) -> Site | None:
    seconds: dict[Site, float] = {}
    for block in blocks:
        if block.site is not None:
            seconds[block.site] = seconds.get(block.site, 0.0) + block.seconds
    return max(seconds, key=lambda site: seconds[site]) if seconds else None


def _service(requests: Requests, blocks: list[Block]) -> tuple[float, float]:
    """(seconds of one blocking request, seconds from one's end to the next one's start) inside the blocks."""
    inside = np.zeros(requests.count, bool)
    for block in blocks:
        inside |= (requests.start_ns < block.end_ns) & (requests.end_ns > block.start_ns)
    durations = requests.seconds[inside]
    if not len(durations):
        return float(np.median([b.seconds / b.waiting for b in blocks])), 0.0
    longest = durations[durations >= 0.2 * np.percentile(durations, 90)]
    starts, ends = np.sort(requests.start_ns[inside]), np.sort(requests.end_ns[inside])
    gaps = (starts[1:] - ends[:-1]).astype(float) / 1e9
    near = gaps[(gaps >= 0) & (gaps < 0.02)]
    return float(np.median(longest)), float(np.median(near)) if len(near) else 0.0


def _names(blocks: list[Block]) -> tuple[str, str, str]:
    """(handler, its file, what blocks) of the blocks with most time; the last two are "" where not known."""
    seconds: dict[tuple[Site | None, str], float] = {}
    for block in blocks:
        key = block.handler, block.call
        seconds[key] = seconds.get(key, 0.0) + block.seconds
    handler, call = max(seconds, key=lambda key: seconds[key])
    name = handler.function.rpartition(".")[2] if handler is not None else ""
    return name if name.isidentifier() else "handler", handler.file.rpartition("/")[2] if handler else "", call


def _in_code(call: str) -> tuple[str, str]:
    """(the blocking call as an argument, a comment): a method's object has a name that only the user knows."""
    if call.isidentifier():
        return call, f"  # {call} being a plain def"
    return "blocking_call", f"  # here: {call}" if call else ""


def _threads_fix(blocks: list[Block], computes: bool, cores: int) -> Fix:
    name, file, call = _names(blocks)
    code, comment = _in_code(call)
    snippet = (
        "# simplest: without async, the handler runs in the thread pool\n"
        f"def {name}(...):  # {file or 'the handler'}, async def until now\n    ...\n\n"
        f"# or keep {name} async and move only the blocking call\n"
        "from starlette.concurrency import run_in_threadpool\n"
        f"result = await run_in_threadpool({code}, argument){comment}"
    )
    if computes:
        snippet += (
            "\n\nimport anyio\n# it computes: as many at once as there are cores\n"
            f"limit = anyio.CapacityLimiter({cores})\n"
            f"result = await anyio.to_thread.run_sync({code}, argument, limiter=limit)"
        )
    summary = f"Make the handler {name} a plain def, or await {call or 'the blocking call'} in a thread"
    return Fix(summary, snippet, effort=2)


def _executor_fix(blocks: list[Block], threads: int) -> Fix:
    """For frameworks that call no handler in a thread: aiohttp, Tornado, ``grpc.aio``."""
    name, file, call = _names(blocks)
    code, comment = _in_code(call)
    snippet = (
        "import asyncio\nfrom concurrent.futures import ThreadPoolExecutor\n\n"
        f"pool = ThreadPoolExecutor({threads})  # make it when the application starts\n\n"
        f"# in the handler {name}{f' of {file}' if file else ''}\n"
        f"result = await asyncio.get_running_loop().run_in_executor(pool, {code}, argument){comment}"
    )
    return Fix(f"Await {call or 'the blocking call'} in a thread", snippet, effort=2)


def _processes_fix(blocks: list[Block], cores: int) -> Fix:
    name, _, call = _names(blocks)
    code, comment = _in_code(call)
    snippet = (
        "import asyncio\nfrom concurrent.futures import ProcessPoolExecutor\n\n"
        f"pool = ProcessPoolExecutor({cores})  # make it when the application starts\n\n"
        f"# in the handler {name}; the call is a function of a module, its argument and result are pickled\n"
        f"result = await asyncio.get_running_loop().run_in_executor(pool, {code}, argument){comment}"
    )
    return Fix("The call runs Python and holds the GIL: move it to worker processes", snippet, effort=2)
