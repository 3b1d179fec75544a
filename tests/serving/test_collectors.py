"""Requests of real applications under a real server, with the collectors attached by themselves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import rings
from bottleneck_profiler import signals

ROOT = Path(__file__).parents[2]
HEAD = """
import asyncio, os, sys, threading, time
from bottleneck_profiler.agent import bootstrap as child
child.start(sys.argv[1], "stacks=off")
import fastapi, httpx, uvicorn
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, StreamingResponse
app = fastapi.FastAPI()

def serve(app, load, **options):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", **options))
    def client():
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            with httpx.Client(base_url="http://127.0.0.1:%d" % port, trust_env=False) as session:
                load(session)
        finally:
            server.should_exit = True
    thread = threading.Thread(target=client)
    thread.start()
    server.run()
    thread.join()
"""


@pytest.fixture
def run(tmp_path):
    def runner(code):
        (tmp_path / "live").mkdir()
        script = tmp_path / "served.py"
        script.write_text(HEAD + code)
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
        done = subprocess.run(
            [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=100, env=environ
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, tmp_path

    return runner


def test_routes_are_templates_and_every_request_is_recorded_once(run):
    _, folder = run("""
@app.get("/items/{number}")
async def item(number: int):
    return number
sub = fastapi.FastAPI()
@sub.get("/deep/{x}")
def deep(x: int):
    return x
app.mount("/sub", sub)
@app.get("/fails")
async def fails():
    raise ValueError("theirs")
def load(client):
    for number in range(3):
        assert client.get(f"/items/{number}?secret=1").json() == number
    assert client.get("/sub/deep/4").json() == 4
    assert client.get("/nothing/77/here").status_code == 404
    assert client.get("/fails").status_code == 500
serve(app, load)
""")
    found = rings.names(folder)
    assert found.count("GET /items/{number} 200") == 3
    assert "GET /nothing/{}/here 404" in found
    assert "GET /fails 500" in found or "GET /fails 0" in found
    assert len(found) == 6
    assert not any("secret" in text for text in rings.strings(folder).values())
    assert not rings.failures(folder)


def test_plain_asgi_application_streams_and_background_tasks_pass(run):
    out, folder = run("""
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan here")
    async def parts():
        for _ in range(3):
            yield b"part"
    async def later():
        await asyncio.sleep(0.2)
        print("later", flush=True)
    await StreamingResponse(parts(), background=BackgroundTask(later))(scope, receive, send)
def load(client):
    assert client.get("/stream/12").text == "partpartpart"
serve(app, load)
""")
    assert out == "later\n"
    (request,) = rings.of_kind(folder, signals.REQUEST)
    assert rings.names(folder) == ["GET /stream/{} 200"]
    assert request["t1"] - request["t0"] < 200_000_000  # the background task is not part of the response


def test_blocking_line_is_named_and_sleeping_is_not(run):
    _, folder = run("""
@app.get("/block")
async def block():
    time.sleep(0.2)  # the line
@app.get("/wait")
async def wait():
    await asyncio.sleep(0.2)
def load(client):
    client.get("/wait")
    for _ in range(4):
        client.get("/block")
serve(app, load)
""")
    stacks = rings.stacks(folder)
    late = [r for r in rings.of_kind(folder, signals.LAG) if r["t1"] - r["t0"] > 100_000_000 and r["arg"]]
    lines = Path(folder, "served.py").read_text().splitlines()
    users = [next(f for f in stacks[r["arg"]] if f[3]) for r in late]
    blamed = {lines[f[2] - 1].strip() for f in users}
    assert "time.sleep(0.2)  # the line" in blamed
    assert not any("asyncio.sleep" in line for line in blamed)


@pytest.mark.parametrize("where", ["put", "begin", "_sample_pool", "_look"])
@pytest.mark.parametrize("error", ["RuntimeError", "SystemExit"])
def test_failing_hook_leaves_the_answers_alone(run, where, error):
    out, folder = run(f"""
from bottleneck_profiler.collectors.support import serving as _serving
def broken(*args):
    raise {error}("ours")
{"_serving.Serving." + where} = broken
@app.get("/x")
async def x():
    time.sleep(0.15)
    return 1
def load(client):
    print([client.get("/x").json() for _ in range(3)])
serve(app, load)
print("end")
""")
    assert out == "[1, 1, 1]\nend\n"
    if where in ("put", "begin", "_look"):
        assert rings.failures(folder)[0]["collector"] == "serving"


def test_detach_restores_the_same_objects(run):
    out, _ = run("""
import starlette.applications, uvicorn.config
hooked = starlette.applications.Starlette.__call__, uvicorn.config.Config.load
async def plain(scope, receive, send):
    pass
config = uvicorn.Config(plain)
config.load()
child.detach_all()
print(config.loaded_app is not plain, config.loaded_app.app is plain)
now = starlette.applications.Starlette.__call__, uvicorn.config.Config.load
print([one is before and one.__code__.co_filename == sys.modules[one.__module__].__file__
       for one, before in zip(now, hooked)])
import gc
print(len(gc.callbacks), child.recorder_module.recorder().serving)
""")
    assert out == "True True\n[True, True]\n0 None\n"


def test_middleware_by_hand_records_once_and_passes_through_without_a_recorder(run):
    out, folder = run("""
from bottleneck_profiler.asgi import ASGIMiddleware
app.add_middleware(ASGIMiddleware)
@app.get("/x")
def x():
    return 1
seen = []
async def bare(scope, receive, send):
    seen.append(scope["type"])
async def main():
    await ASGIMiddleware(bare)({"type": "websocket"}, None, None)
    await ASGIMiddleware(bare)({"type": "http", "method": "GET", "path": "/a/1"}, None, None)
asyncio.run(main())
serve(app, lambda client: client.get("/x"))
print(seen)
""")
    assert out == "['websocket', 'http']\n"
    assert rings.names(folder) == ["GET /a/{} 0", "GET /x 200"]


def test_an_application_inside_another_one_records_once_and_the_context_is_left_alone(run):
    out, folder = run("""
import contextvars
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
async def home(request):
    return PlainTextResponse(str(list(contextvars.copy_context())))
async def passing(request, call_next):
    return await call_next(request)
inner = Starlette(routes=[Route("/", home)])
inner.add_middleware(BaseHTTPMiddleware, dispatch=passing)
outer = Starlette(routes=[Mount("/in", inner), Route("/out", home)])
serve(outer, lambda client: print(client.get("/in/").status_code, client.get("/out").text))
""")
    assert out.startswith("200 [") and "bottleneck" not in out
    assert len(rings.names(folder)) == 2


def test_an_application_that_gets_a_copy_of_the_scope_is_recorded_once(run):
    _, folder = run("""
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def home(request):
    return PlainTextResponse("home")
inner = Starlette(routes=[Route("/home", home)])
async def outer(scope, receive, send):
    if scope["type"] == "http":
        await inner(dict(scope), receive, send)
def load(client):
    assert client.get("/home").text == "home"
serve(outer, load)
""")
    assert rings.names(folder) == ["GET /home 200"]


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_equal_bodies_are_equal_whether_they_are_there_at_once_or_arrive_in_parts(run, http):
    pytest.importorskip(http)
    _, folder = run(f"""
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    await asyncio.sleep(0.01)  # answers that come at once are not compared
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": str(size).encode()}})
def parts():
    for part in (b"x" * 1000, b"y" * 1000):
        yield part
        time.sleep(0.05)
def load(client):
    for body in (b"x" * 1000 + b"y" * 1000, parts(), b"z" * 2000):
        assert client.post("/", content=body).text == "2000"
serve(app, load, http={http!r})
""")
    whole, cut, other = (each["arg"] for each in rings.of_kind(folder, signals.LIKENESS))
    assert whole == cut
    assert whole >> 32 != other >> 32 and whole & 0xFFFFFFFF == other & 0xFFFFFFFF
    assert not rings.failures(folder)


def test_an_application_that_fails_is_recorded_with_the_answer_that_the_server_gives_for_it(run):
    _, folder = run("""
async def app(scope, receive, send):
    raise ValueError("theirs")
def load(client):
    assert client.get("/").status_code == 500
serve(app, load, lifespan="off")
""")
    (request,) = rings.of_kind(folder, signals.REQUEST)
    assert rings.names(folder) == ["GET / 500"] and rings.size(request) == len("Internal Server Error")
