"""The processes that answer requests: how busy each is, and how many requests are in it at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import signals
from ...recording.model import Recording, Site
from .. import Absent
from ..run.every_thread import by_thread
from ..run.frames import HANDLERS, through
from ..run.host import Host
from ..run.servers import answers, servers
from ..run.user_lines import UserLine, UserLines
from .requests import Requests

_MAIN = 0.5  # of a line's time
_BUSY_PROCESS = 0.1  # of the CPU time of the busiest one: below, it only starts or watches the others
_STARTS = "/socketserver.py", "process_request"  # in a server that starts a thread for each request
#: What a program calls to serve: the user's line above starts the server.
_SERVERS = (
    "/uvicorn/main.py", "/uvicorn/server.py", "/hypercorn/", "/werkzeug/serving.py", "/flask/app.py",
    "/socketserver.py", "/gunicorn/app/", "/aiohttp/web.py", "/waitress/", "/wsgiref/", "/tornado/", "/grpc/",
)  # fmt: skip


@dataclass(frozen=True)
class ServerProcesses:
    """All of them together. ``processes``: those that compute. ``cores``: that they used; ``at_once``: requests inside
    the handlers, on average; ``idle_cores``: of the machine, None if not measured. ``busiest``: the handler's line with
    most CPU time; ``started``: the user's line that runs the server. From ``begin_ns`` to ``end_ns`` they served.
    """

    processes: frozenset[int]
    cores: float
    at_once: float
    idle_cores: float | None
    busiest: UserLine | None
    started: Site | None
    begin_ns: int
    end_ns: int

    @property
    def count(self) -> int:
        return len(self.processes)

    @classmethod
    def compute(
        cls, recording: Recording, lines: UserLines, requests: Requests | None, host: Host | None
    ) -> ServerProcesses:
        """Raises Absent when no process serves requests."""
        found = servers(recording)
        inside: dict[int, float] = {}
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        for process in found:
            rows = np.concatenate([rows for each, _, rows in by_thread(recording) if each == process])
            handling = [stack for stack in np.unique(rows["arg"]).tolist() if _handles(recording, process, stack)]
            mine = rows[np.isin(rows["arg"], handling)]
            if len(mine):
                begins[process], ends[process] = int(mine["t0"].min()), int(mine["t1"].max())
                # A thread is counted from the look before it was seen to the last one that saw it: right on average.
                inside[process] = float((mine["t1"] - mine["t0"]).sum()) / max(ends[process] - begins[process], 1)
        if requests is not None:
            begins[requests.process] = int(requests.start_ns.min())
            ends[requests.process] = int(requests.end_ns.max())
        if not begins:
            raise Absent("No requests were served.")
        begin, end = min(begins.values()), max(ends.values())
        cores = {process: cores_of(recording, process, begin, end) for process in begins}
        first = None if host is None else host.rise("main_cpu_ns_total", begin, end)
        for process in cores:
            if first is not None and recording.is_root(process):  # the kernel counts threads of every kind
                cores[process] = first / max(end - begin, 1)
        busy = [process for process, used in cores.items() if used >= _BUSY_PROCESS * max(cores.values())]
        at_once = sum(inside.get(process, 0.0) for process in busy)
        if requests is not None:
            at_once = max(at_once, requests.concurrency)
        idle = None if host is None else host.mean("idle_cores", begin, end)
        return cls(
            frozenset(busy),
            sum(cores[process] for process in busy),
            at_once,
            idle,
            _busiest(lines, busy),
            _started(lines, found),
            begin,
            end,
        )


def cores_of(recording: Recording, process: int, begins: int, ends: int) -> float:
    """Cores that the sampled threads of a process used."""
    spent = 0
    for rows, kind in ((recording.stacks, signals.STACK_CPU), (recording.threads, signals.THREAD_CPU)):
        mine = rows[(rows["process"] == process) & (rows["kind"] == kind) & (rows["t1"] > begins) & (rows["t0"] < ends)]
        spent += int((mine["t1"] - mine["t0"]).sum())
    return spent / max(ends - begins, 1)


def _handles(recording: Recording, process: int, stack: int) -> bool:
    """Whether the user's code answers a request there, or the server starts a thread for one.

    The line that runs the server is outside of the handlers.
    """
    frames = recording.facts.stacks.get((process, stack), ())
    if any(frame.file.endswith(_STARTS[0]) and frame.function.endswith(_STARTS[1]) for frame in frames):
        return True
    outer = max((i for i, frame in enumerate(frames) if through((frame,), HANDLERS)), default=0)
    return answers(frames) and any(frame.user for frame in frames[:outer])


def _busiest(lines: UserLines, processes: list[int]) -> UserLine | None:
    found = (line for line in lines.lines if line.own_share >= _MAIN and line.answers and line.processes & {*processes})
    return max(found, key=lambda line: line.thread_seconds - line.blocked_seconds, default=None)


def _started(lines: UserLines, processes: list[int]) -> Site | None:
    """The user's line nearest to the server's own code, on a main thread."""
    calls = [
        line
        for line in lines.lines
        if line.processes & {*processes}
        and not line.answers
        and line.share_where(lambda way: through(way.below[:1], _SERVERS)) > _MAIN
    ]
    best = max(calls, key=lambda line: line.thread_seconds, default=None)
    return None if best is None else Site(best.file, best.line, best.function)
