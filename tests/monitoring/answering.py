"""A server that answers ``query_range`` as Prometheus does: the last sample before each step, for five minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

LOOK_BACK = 300.0
Labels = dict[str, str]


@dataclass
class Scraped:
    """Machines and GPUs that were scraped every ``every`` seconds from ``first`` to ``last``."""

    first: float
    last: float
    every: float = 15.0
    series: dict[str, list[tuple[Labels, Callable[[float], float]]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, query: str, labels: Labels, value: Callable[[float], float]) -> None:
        self.series.setdefault(query, []).append((labels, value))

    def node(self, name: str, cores: int = 8, busy: float = 2.0, address: str = "10.0.0.5:9100") -> None:
        """A machine of which ``busy`` cores work."""
        labels, idle = {"instance": address}, 'node_cpu_seconds_total{mode="idle"}'
        self.add(f"max by (instance) (timestamp({idle}))", labels, lambda at: at)
        self.add(f"sum by (instance) ({idle})", labels, lambda at: (cores - busy - 0.5) * at)
        self.add('sum by (instance) (node_cpu_seconds_total{mode="iowait"})', labels, lambda at: 0.5 * at)
        self.add(f"count by (instance) ({idle})", labels, lambda at: cores)
        self.add("max by (instance) (node_memory_MemAvailable_bytes)", labels, lambda at: 5e9)
        self.add("max by (instance, nodename) (node_uname_info)", {**labels, "nodename": name}, lambda at: 1.0)

    def gpu(self, number: int, share: float, **more: str) -> None:
        labels = {"instance": "10.0.0.5:9400", "gpu": str(number), "UUID": f"GPU-{number}", "modelName": "NVIDIA H100",
                  "Hostname": "node7", **more}  # fmt: skip
        for query, value in (
            ("DCGM_FI_DEV_GPU_UTIL", lambda at: 100 * share),
            ("DCGM_FI_DEV_FB_USED", lambda at: 1024.0),
            ("DCGM_FI_DEV_FB_FREE", lambda at: 3072.0),
            ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", lambda at: 250e3 * at),
        ):
            self.add(query, labels, value)
        self.add("timestamp(DCGM_FI_DEV_GPU_UTIL)", labels, lambda at: at)

    def answer(self, query: str, start: float, end: float, step: float) -> list[dict[str, object]]:
        """The matrix of one query."""
        found: list[dict[str, object]] = []
        for labels, value in self.series.get(query, ()):
            values = []
            at = start
            while at <= end + 1e-9:
                scrape = self.first + (min(at, self.last) - self.first) // self.every * self.every
                if self.first <= scrape and at - scrape <= LOOK_BACK:
                    values.append([at, f"{value(scrape)!r}"])
                at += step
            if values:
                found.append({"metric": labels, "values": values})
        return found

    def respond(self, path: str) -> tuple[int, str]:
        """(status, body) of a request."""
        parts = urlsplit(path)
        words = {name: each[0] for name, each in parse_qs(parts.query).items()}
        self.asked.append(words.get("query", ""))
        if parts.path != "/api/v1/query_range":
            return 404, "no such page"
        result = self.answer(words["query"], *(float(words[name]) for name in ("start", "end", "step")))
        return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


@contextmanager
def serving(respond: Callable[[str], tuple[int, str]]) -> Iterator[str]:
    """The address of a server on this machine that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = respond(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
