"""Servers for the load generator: real ones, on loopback."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PLANTED = Path(__file__).parents[2] / "benchmarks" / "planted_server.py"


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Callable[..., tuple[str, Path]]]:
    """Starts a planted server: (its URL, its log)."""
    started = []

    def start(*options: str) -> tuple[str, Path]:
        log = tmp_path / f"log{len(started)}"
        process = subprocess.Popen(
            [sys.executable, str(PLANTED), str(log), *options], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        return f"http://127.0.0.1:{int(process.stdout.readline())}/", log

    yield start
    for process in started:
        process.kill()
        process.communicate()


class _Odd(BaseHTTPRequestHandler):
    """Answers by path: /ok, /503, /circle, /away, /events; counts what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, bytes, str]] = []  # noqa: RUF012

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.command, self.path, body, self.headers.get("X-Key", "")))
        status, headers, content = 200, {}, b"ok"
        if self.path == "/503":
            status = 503
        elif self.path == "/circle":
            status, headers = 302, {"Location": "/circle"}
        elif self.path == "/hop":
            status, headers = 307, {"Location": "/ok"}
        elif self.path == "/away":
            status, headers = 302, {"Location": "http://192.0.2.1/"}
        elif self.path == "/events":
            headers = {"Content-Type": "text/event-stream"}
            content = b'data: {"token": 1}\n\n' * 5 + b"data: [DONE]\n\n"
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[tuple[str, list[tuple[str, str, bytes, str]]]]:
    """A server with all kinds of answers: (its URL, what it was asked)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Odd.asked.clear()
    yield f"http://127.0.0.1:{server.server_address[1]}", _Odd.asked
    server.shutdown()
    server.server_close()
