"""Programs that serve requests, for ``overhead.py``: an ASGI application called in a loop, and real servers.

A real server is asked by a client in another process, over one connection or, where the server closes it after each
answer, over one for each request, and tells its own CPU time. ``BESIDE`` =
``opentelemetry`` puts OpenTelemetry's instrumentation around the application, with all spans exported to nowhere.
"""

from __future__ import annotations

#: Starlette called without a server: what the hooks in one request cost, without its socket.
CALLS = """
import asyncio, json, time
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def hello(request):
    return PlainTextResponse("hello")

app = Starlette(routes=[Route("/hello", hello)])
SCOPE = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
         "path": "/hello", "raw_path": b"/hello", "query_string": b"", "root_path": "", "headers": [],
         "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
COUNT, ROUNDS = 4000, 6

async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}

async def send(message):
    pass

async def main():
    found = []
    for _ in range(ROUNDS):
        before = time.thread_time()
        for _ in range(COUNT):
            await app(dict(SCOPE), receive, send)
        found.append((time.thread_time() - before) / COUNT)
        await asyncio.sleep(0.2)  # no server answers 100,000 requests a second: let the supervisor read these
    return found

print(json.dumps({"unit_seconds": min(asyncio.run(main())), "units": COUNT * ROUNDS}))
"""

_TRACED = """
import os, time
if os.environ["BESIDE"] == "opentelemetry":
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    class Nowhere(SpanExporter):
        def export(self, spans):
            return SpanExportResult.SUCCESS
    trace.set_tracer_provider(TracerProvider())
    trace.get_tracer_provider().add_span_processor(BatchSpanProcessor(Nowhere()))
"""

_ASGI = (
    _TRACED
    + """
async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        body = b"%.9f" % time.process_time() if scope["path"] == "/cpu" else b"hello"
        head = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})
if os.environ["BESIDE"] == "opentelemetry":
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    app = OpenTelemetryMiddleware(app)
"""
)

_WSGI = (
    _TRACED
    + """
def app(environ, start_response):
    body = b"%.9f" % time.process_time() if environ["PATH_INFO"] == "/cpu" else b"hello"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
if os.environ["BESIDE"] == "opentelemetry":
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
    app = OpenTelemetryMiddleware(app)
if __name__ == "__main__":
    import sys
    from werkzeug.serving import run_simple
    run_simple("127.0.0.1", int(sys.argv[1]), app)
"""
)

_CLIENT = """
import json, os, socket, subprocess, sys, tempfile, time
APP, SERVER, COUNT, ROUNDS = %r, %r, 2000, 5

def ask(path, body=b""):
    global connection
    if CLOSES:
        connection.close()
        connection = socket.create_connection(("127.0.0.1", port))
    method = b"POST" if body else b"GET"
    head = b"%%s %%s HTTP/1.1\\r\\nHost: x\\r\\nAccept: */*\\r\\nContent-Length: %%d\\r\\n\\r\\n"
    connection.sendall(head %% (method, path, len(body)) + body)
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += connection.recv(65536)
    head, _, answer = data.partition(b"\\r\\n\\r\\n")
    length = int(next(line for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length:"))[15:])
    while len(answer) < length:
        answer += connection.recv(65536)
    return answer

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "served.py"), "w") as file:
        file.write(APP)
    command = [sys.executable, "-m", *[word.replace("PORT", str(port)) for word in SERVER]]
    server = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port))
                if connection.getsockname() != connection.getpeername():  # it may have found itself
                    break
                connection.close()
            except OSError:
                assert server.poll() is None, "the server has ended"
                time.sleep(0.1)
        found = []
        for _ in range(ROUNDS):
            before = float(ask(b"/cpu"))
            for _ in range(COUNT):
                ask(b"/hello", BODY)
            found.append((float(ask(b"/cpu")) - before) / COUNT)
    finally:
        server.terminate()
        server.wait()
print(json.dumps({"unit_seconds": min(found), "units": (COUNT + 2) * ROUNDS}))
"""
_UVICORN = ["uvicorn", "served:app", "--port", "PORT", "--log-level", "critical", "--no-access-log"]
_GUNICORN = ["gunicorn", "served:app", "-b", "127.0.0.1:PORT", "--log-level", "critical"]
_GTHREAD = [*_GUNICORN, "-k", "gthread", "--threads", "1"]


def _program(app: str, server: list[str], body: bytes = b"", closes: bool = False) -> str:
    return f"BODY, CLOSES = {body!r}, {closes}\n" + _CLIENT % (app, server)


#: Name -> the program.
SERVED = {
    "uvicorn": _program(_ASGI, _UVICORN),
    "uvicorn, 1 KiB sent": _program(_ASGI, _UVICORN, b"x" * 1024),
    "gunicorn gthread": _program(_WSGI, _GTHREAD),
    "gunicorn sync": _program(_WSGI, _GUNICORN, closes=True),
    "werkzeug": _program(_WSGI, ["served", "PORT"], closes=True),
}
