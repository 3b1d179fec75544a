"""The processes that answer requests keep one core each busy, and other cores are idle."""

from __future__ import annotations

from math import ceil

from ...artifacts.run.machine import Machine
from ...artifacts.serving.processes import ServerProcesses
from ...artifacts.serving.requests import Requests
from ...diagnosis.findings import Evidence, Fine, Fix, Gain, Location, NotMeasured, Outcome, QueueChange
from .. import Detector
from .._common import location

_SNIPPET = """\
uvicorn app:app --workers {processes}
gunicorn app:app --workers {processes}  # --worker-class uvicorn.workers.UvicornWorker for ASGI
# in code: the application as an import string, so that each worker imports it
uvicorn.run("app:app", workers={processes})"""
_SNIPPETS = {
    "aiohttp": "gunicorn app:app --worker-class aiohttp.GunicornWebWorker --workers {processes}",
    "tornado": """\
server = tornado.httpserver.HTTPServer(app)
server.bind(port)
server.start({processes})  # before anything else uses the event loop""",
    "grpc": """\
# start the program {processes} times on one port: the kernel hands out the connections
server = grpc.server(pool, options=[("grpc.so_reuseport", 1)])  # or grpc.aio.server(options=...)""",
    "http.server": """\
# http.server has no worker processes: start the program {processes} times behind a proxy,
# or make the handler a WSGI application
gunicorn app:app --workers {processes}""",
}


class SingleProcessServing(Detector):
    """The server's Python code keeps one core busy while requests queue and other cores are idle.

    Why it matters
        The GIL lets one thread of a process run Python at a time, however many threads answer requests. One process
        serves no more requests than one core can compute.
    How it is measured
        CPU time of all threads of the processes that answer requests, the requests in their handlers at once, and the
        idle cores of the machine meanwhile. Capacity grows with the number of processes, up to the cores that they
        would get.
    How to fix it
        Run several worker processes: ``uvicorn --workers``, ``gunicorn --workers``, Tornado's ``start(n)``, gRPC's
        ``so_reuseport``, or replicas behind a proxy.
    When to ignore it
        When the process holds state that cannot be in several processes (a model too large, a cache, a session), or
        the other cores are there for something else. It is not reported when calls of the model answer several
        requests.
    """

    id = "single-process-serving"
    title = "The server's Python code uses one core while requests queue and other cores are idle"
    stage = "serving"
    explains = ("gil-bound-threads", "threads-run-python", "residual-python", "no-batching")
    busy_threshold = 0.7  # cores that each process uses; threads that take turns leave some of one idle
    most_busy = 1.25  # above, its threads do run side by side: native code without the GIL
    min_at_once = 1.3  # requests for each process: one client at a time is 1, and short threads are seen in part
    min_idle_cores = 0.5
    most_batched = 1.5  # above, requests meet in one call of the model on purpose: they are no queue
    range_half_width = 0.15  # of the share: the clients may need the same cores

    def detect(self, served: ServerProcesses, machine: Machine, requests: Requests | None) -> Outcome:
        if machine.cores < 2:
            return Fine(machine.cores, 2, "cores", "cores of the machine")
        each = served.cores / served.count
        if each < self.busy_threshold or each > self.most_busy:
            return Fine(each, self.busy_threshold, "cores", "cores that each server process uses")
        per_process = served.at_once / served.count
        if per_process < self.min_at_once:
            return Fine(per_process, self.min_at_once, "count", "requests at once in each server process")
        batch = float(requests.batch_sizes.mean()) if requests is not None and len(requests.batch_sizes) else 1.0
        if batch > self.most_batched:
            return Fine(batch, self.most_batched, "count", "requests that each call of the model answers")
        if served.idle_cores is None:
            return NotMeasured("The idle cores of the machine were not measured.")
        if served.idle_cores < self.min_idle_cores:
            return Fine(served.idle_cores, self.min_idle_cores, "cores", "idle cores while requests are served")
        more = min((served.cores + served.idle_cores) / served.cores, per_process)
        share = 1.0 - 1.0 / more
        processes = max(served.count + 1, ceil(served.count * more))
        line = served.busiest
        start = location(served.started)
        method = f"{served.cores:.1f} cores used and {served.idle_cores:.1f} idle: {more:.2f} times the capacity with "
        method += f"{processes} processes"
        at = () if line is None else (Evidence("line with most CPU time", str(Location(line.file, line.line))),)
        return self.finding(
            location=start or (None if line is None else Location(line.file, line.line, line.function)),
            evidence=(
                Evidence("server processes", served.count, "count"),
                Evidence("cores that they use", served.cores, "cores"),
                Evidence("idle cores", served.idle_cores, "cores"),
                Evidence("requests in handlers at once", served.at_once, "count"),
                *at,
            ),
            gain=Gain(
                share,
                max(0.0, share - self.range_half_width),
                min(0.99, share + self.range_half_width),
                0.0,
                method,
                "capacity",
                confidence=0.7,
            ),
            queue=QueueChange("places", more),
            fix=Fix(
                f"Serve with {processes} worker processes (each loads the application)",
                _SNIPPETS.get("" if requests is None else requests.server, _SNIPPET).format(processes=processes),
                effort=1,
                risk=0.1,
            ),
            after="the cores of the machine become the bottleneck",
        )
