"""Requests of aiohttp's servers: recorded once by route, and answered as without us."""

import pytest
import rings
from bottleneck_profiler import signals
from test_wsgi import START, run

pytest.importorskip("aiohttp")
SERVE = """
import asyncio, socket
from aiohttp import ClientSession, web

async def item(request):
    return web.Response(text=request.match_info["number"])
async def stream(request):
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(3):
        await answer.write(b"part")
    return answer
async def fails(request):
    raise ValueError("theirs")
async def conflicts(request):
    raise web.HTTPConflict(text="theirs")
async def echo(request):
    return web.Response(body=await request.read())
async def same(request):
    await asyncio.sleep(0.01)
    return web.json_response(len(await request.text()))
async def talk(request):
    found = web.WebSocketResponse()
    await found.prepare(request)
    async for message in found:
        await found.send_str(message.data.upper())
    return found
@web.middleware
async def around(request, handler):
    answer = await handler(request)
    answer.headers["X-Around"] = "yes"
    return answer

def made():
    app, sub = web.Application(middlewares=[around]), web.Application()
    sub.router.add_get("/deep/{x}", lambda request: item_of(request))
    app.add_routes([web.get("/items/{number:[0-9]+}", item), web.get("/stream", stream), web.get("/fails", fails),
                    web.get("/conflicts", conflicts), web.post("/echo", echo), web.post("/same", same),
                    web.get("/talk", talk)])
    app.add_subapp("/sub", sub)
    return app
async def item_of(request):
    return web.Response(text=request.match_info["x"])

async def main():
    runner = web.AppRunner(made())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with ClientSession("http://127.0.0.1:%d" % port) as session:
        for method, path, body in ASKED:
            async with session.request(method, path, data=body) as answer:
                print(path, answer.status, (await answer.read())[:60], answer.headers.get("X-Around"))
        async with session.ws_connect("/talk") as talk:
            await talk.send_str("hello")
            print(await talk.receive_str())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"GET %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: %s\\r\\n\\r\\n"
    writer.write(head % (b"/stream", b"keep-alive") + head % (b"/items/8", b"close"))
    print((await reader.read()).count(b"HTTP/1.1 200 OK"))  # two on one connection, asked at once
    writer.close()
    await runner.cleanup()
ASKED = [("GET", "/items/7?secret=1", None), ("GET", "/stream", None), ("GET", "/fails", None),
         ("HEAD", "/items/9", None), ("GET", "/conflicts", None), ("GET", "/nothing/77", None),
         ("POST", "/echo", b"x" * 70_000),
         ("GET", "/sub/deep/4", None)] + [("POST", "/same", b"abc")] * 3
asyncio.run(main())
"""
ONCE = [
    "GET /conflicts 409",
    "GET /fails 500",
    "GET /items/{number} 200",
    "GET /items/{number} 200",
    "GET /nothing/{} 404",
    "GET /stream 200",
    "GET /stream 200",
    "GET /sub/deep/{x} 200",
    "HEAD /items/{number} 200",
    "POST /echo 200",
    "POST /same 200",
    "POST /same 200",
    "POST /same 200",
]


def test_answers_are_the_same_and_each_request_is_recorded_once(tmp_path):
    (tmp_path / "live").mkdir()
    bare, ours = run(tmp_path, START + SERVE, "bare"), run(tmp_path, START + SERVE, tmp_path)
    assert ours == bare
    assert not rings.failures(tmp_path)
    assert rings.names(tmp_path) == ONCE
    texts = rings.strings(tmp_path)
    assert not any("secret" in text for text in texts.values())
    requests = {texts[rings.name_of(each)]: each for each in rings.of_kind(tmp_path, signals.REQUEST)}
    assert rings.size(requests["POST /echo 200"]) == pytest.approx(70_000, rel=1e-3)
    assert all(each["flags"] == 1 for each in requests.values())  # one at a time; the websocket is none
    events = [fields["event"] for kind, fields in rings.notes(tmp_path) if kind == "serving"]
    assert sorted(events) == ["address", "begin", "end"]
    alike = [each["arg"] for each in rings.of_kind(tmp_path, signals.LIKENESS)]
    assert len(alike) >= 3 and max(map(alike.count, alike)) >= 3  # the same answer to the same question


def test_requests_at_once_are_in_flight_together_and_one_that_is_cancelled_ends(tmp_path):
    (tmp_path / "live").mkdir()
    code = """
import asyncio
from aiohttp import ClientSession, web
inside, go, cancelled = asyncio.Semaphore(0), asyncio.Event(), asyncio.Event()
async def waits(request):
    inside.release()
    try:
        await go.wait()
    except asyncio.CancelledError:
        cancelled.set()
        raise
    return web.Response(text="done")
async def main():
    app = web.Application()
    app.router.add_get("/waits", waits)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with ClientSession("http://127.0.0.1:%d" % port) as session:
        asked = [asyncio.ensure_future(session.get("/waits")) for _ in range(3)]
        for _ in asked:
            await inside.acquire()
        asked.pop().cancel()
        await cancelled.wait()
        go.set()
        print([answer.status for answer in await asyncio.gather(*asked)])
    await runner.cleanup()
asyncio.run(main())
"""
    assert run(tmp_path, START + code, tmp_path) == run(tmp_path, START + code, "bare") == "[200, 200]\n"
    assert not rings.failures(tmp_path)
    assert rings.names(tmp_path) == ["GET /waits 0", "GET /waits 200", "GET /waits 200"]
    assert sorted(each["flags"] for each in rings.of_kind(tmp_path, signals.REQUEST)) == [1, 2, 3]


@pytest.mark.parametrize(
    "where", ["serving.Serving.put", "serving.Serving.begin", "coroutines.arrive", "coroutines.Asked.__init__"]
)
def test_a_failing_hook_leaves_the_answers_alone(tmp_path, where):
    (tmp_path / "live").mkdir()
    broken = f"""
if sys.argv[1] != "bare":
    from bottleneck_profiler.collectors.support import coroutines, serving
    def broken(*args):
        raise SystemExit("ours")
    {where} = broken
"""
    code = START + broken + SERVE
    assert run(tmp_path, code, tmp_path) == run(tmp_path, code, "bare")
    assert rings.failures(tmp_path)


def test_detaching_puts_back_what_was_there(tmp_path):
    (tmp_path / "live").mkdir()
    code = """
import sys
from aiohttp import web_protocol, web_server
before = [web_protocol.RequestHandler._handle_request.__code__, web_server.Server.shutdown.__code__]
from bottleneck_profiler.agent import bootstrap as child
child.start(sys.argv[1], "stacks=off")
hooked = [web_protocol.RequestHandler._handle_request.__code__, web_server.Server.shutdown.__code__]
child.stop()
after = [web_protocol.RequestHandler._handle_request.__code__, web_server.Server.shutdown.__code__]
print([a is not b for a, b in zip(before, hooked)], before == after)
"""
    assert run(tmp_path, code, tmp_path) == "[True, True] True\n"
