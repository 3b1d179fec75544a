"""Servers under the command, each as it is started by hand: the same answers and exit code, and every request once."""

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.serving.requests import Requests
from bottleneck_profiler.recording.read import load

ROOT = Path(__file__).parents[2]
_ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

def item(request):
    return PlainTextResponse("item %d" % request.path_params["number"])

async def echo(request):
    return PlainTextResponse(await request.body())

async def stream(request):
    async def parts():
        for _ in range(3):
            yield b"part"
    return StreamingResponse(parts())

async def fails(request):
    raise ValueError("theirs")

app = Starlette(routes=[Route("/items/{number:int}", item), Route("/echo", echo, methods=["POST"]),
                        Route("/stream", stream), Route("/fails", fails)])
"""
RAW = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/fails":
        raise ValueError("theirs")
    status = 404 if "nothing" in scope["path"] else 200
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body or scope["path"].encode()})
"""
FLASK = """
from flask import Flask, request
app = Flask(__name__)
@app.get("/items/<int:number>")
def item(number):
    return "item %d" % number
@app.post("/echo")
def echo():
    return request.get_data()
@app.get("/stream")
def stream():
    return app.response_class(b"part" for _ in range(3))
@app.get("/fails")
def fails():
    raise ValueError("theirs")
"""
LITESTAR = """
from litestar import Litestar, Request, get, post
from litestar.response import Stream

@get("/items/{number:int}", sync_to_thread=False)
def item(number: int) -> str:
    return "item %d" % number

@post("/echo", status_code=200)
async def echo(request: Request) -> bytes:
    return await request.body()

@get("/stream")
async def stream() -> Stream:
    return Stream(iter([b"part"] * 3))

@get("/fails")
async def fails() -> str:
    raise ValueError("theirs")

app = Litestar([item, echo, stream, fails])
"""
HYPERCORN = ["hypercorn", "app:app", "-b", "127.0.0.1:PORT"]
GRANIAN = [
    "granian",
    "app:app",
    "--host",
    "127.0.0.1",
    "--port",
    "PORT",
    "--workers",
    "2",
    "--workers-kill-timeout",
    "5",
]
UVICORN = ["uvicorn", "app:app", "--port", "PORT"]
ROUTES = {"starlette": "/items/{number:int}", "litestar": "/items/{number}", "flask": "/items/<int:number>"}
#: Server, application, what runs it, what ends it.
SERVED = {
    "hypercorn": (HYPERCORN, STARLETTE, signal.SIGTERM),
    "hypercorn raw": (HYPERCORN, RAW, signal.SIGTERM),
    "hypercorn wsgi": (HYPERCORN, FLASK, signal.SIGTERM),
    "hypercorn two": ([*HYPERCORN, "-w", "2"], STARLETTE, signal.SIGTERM),
    "granian": ([*GRANIAN, "--interface", "asgi"], STARLETTE, signal.SIGTERM),
    "granian raw": ([*GRANIAN, "--interface", "asgi"], RAW, signal.SIGTERM),
    "granian wsgi": ([*GRANIAN, "--interface", "wsgi"], FLASK, signal.SIGTERM),
    "litestar": (UVICORN, LITESTAR, signal.SIGTERM),
    "litestar on hypercorn": (HYPERCORN, LITESTAR, signal.SIGTERM),
    "uvicorn two": ([*UVICORN, "--workers", "2"], STARLETTE, signal.SIGTERM),
    "uvicorn interrupted": ([*UVICORN, "--workers", "2"], RAW, signal.SIGINT),
    "gunicorn interrupted": (["gunicorn", "app:app", "-b", "127.0.0.1:PORT", "-w", "2"], FLASK, signal.SIGINT),
}
ASKED = [("/items/7?secret=1", b""), ("/stream", b""), ("/fails", b""), ("/nothing/77", b""), ("/echo", b"x" * 70_000)]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask(port, path, body):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        head = "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        sock.sendall((head % ("POST" if body else "GET", path, len(body))).encode() + body)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
    return re.sub(rb"(?i)(date|server): .*?\r\n", b"", b"".join(parts))


def served(folder, command, ends, recorded):
    """(answers, exit code) of a server, started and ended like by hand: the signal goes to what was started."""
    port = free_port()
    command = [sys.executable, "-m", *(word.replace("PORT", str(port)) for word in command)]
    if recorded:
        tool = [sys.executable, "-m", "bottleneck_profiler.cli", "run", "--run-dir", str(folder / "run"), "--"]
        command = [*tool, *command]
    with open(folder / "said.txt", "w+") as said:
        started = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder, env=_ENVIRON, start_new_session=True)
        try:
            end = time.monotonic() + 100
            while True:
                try:
                    with socket.create_connection(("127.0.0.1", port)) as found:
                        if found.getsockname() != found.getpeername():  # a connection may find itself
                            break
                except OSError:
                    assert started.poll() is None and time.monotonic() < end, Path(said.name).read_text()
                    time.sleep(0.05)
            answers = [ask(port, *each) for each in ASKED]
            if ends == signal.SIGINT:
                os.killpg(started.pid, ends)  # Ctrl-C goes to all processes of the terminal
            else:
                started.send_signal(ends)
            code = started.wait(timeout=40)
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
    return answers, code, Path(said.name).read_text()


def framework(code):
    return next((name for name in ROUTES if f"from {name} import" in code or f"from {name}." in code), "")


@pytest.mark.parametrize("name", SERVED)
def test_a_server_answers_and_ends_as_without_us_and_each_request_is_recorded_once(tmp_path, name):
    command, code, ends = SERVED[name]
    for module in filter(None, (command[0], framework(code))):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    (tmp_path / "app.py").write_text(code)
    bare, bare_code, _ = served(tmp_path, command, ends, recorded=False)
    ours, our_code, said = served(tmp_path, command, ends, recorded=True)
    assert ours == bare
    assert our_code == (bare_code if bare_code >= 0 else 128 - bare_code), said  # as a shell tells it
    assert "Report:" in said
    recording = load(tmp_path / "run")
    assert not recording.facts.failed
    requests = Artifacts(recording).get(Requests)
    found = sorted(route.name for route in requests.routes for _ in route.seconds)
    route = ROUTES.get(framework(code), "/items/{}")
    wanted = {f"GET {route} 200", "GET /stream 200", "POST /echo 200", "GET /nothing/{} 404"}
    assert len(found) == len(ASKED) and wanted <= {*found}, found
    assert {*found} - wanted in ({"GET /fails 500"}, {"GET /fails 0"})
    assert not any("secret" in text for text in recording.facts.strings.values())
