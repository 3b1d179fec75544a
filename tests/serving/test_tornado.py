"""Requests of Tornado's applications: recorded once by route, and answered as without us."""

import pytest
import rings
from bottleneck_profiler import signals
from test_wsgi import START, run

pytest.importorskip("tornado")
SERVE = """
import asyncio
from tornado import gen, httpclient, httpserver, netutil, web, websocket, wsgi
class Item(web.RequestHandler):
    async def get(self, number):
        self.write(number)
    head = get
class Stream(web.RequestHandler):
    async def get(self):
        for _ in range(3):
            self.write("part")
            await self.flush()
class Fails(web.RequestHandler):
    def get(self):
        raise ValueError("theirs")
class Conflicts(web.RequestHandler):
    @gen.coroutine
    def get(self):
        yield gen.sleep(0)
        raise web.HTTPError(409)
class Echo(web.RequestHandler):
    def post(self):
        self.finish(self.request.body)
class Same(web.RequestHandler):
    async def post(self):
        await asyncio.sleep(0.01)
        self.finish({"length": len(self.request.body)})
@web.stream_request_body
class Upload(web.RequestHandler):
    def prepare(self):
        self.size = 0
    def data_received(self, chunk):
        self.size += len(chunk)
    def post(self):
        self.write(str(self.size))
class Talk(websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message.upper())
def plain(environ, start_response):
    start_response("200 OK", [])
    return [b"plain"]
app = web.Application([
    (r"/items/([0-9]+)", Item), (r"/either/(?P<number>[a-z0-9]+)", Item), ("/stream", Stream), ("/fails", Fails),
    ("/conflicts", Conflicts), ("/echo", Echo), ("/same", Same), ("/upload", Upload), ("/talk", Talk),
    ("/plain", web.FallbackHandler, {"fallback": wsgi.WSGIContainer(plain)}),
    ("/moved", web.RedirectHandler, {"url": "/echo"}),
])
async def main():
    server, sockets = httpserver.HTTPServer(app), netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    base = "127.0.0.1:%d" % sockets[0].getsockname()[1]
    client = httpclient.AsyncHTTPClient()
    for method, path, body in ASKED:
        asked = httpclient.HTTPRequest("http://" + base + path, method, body=body, follow_redirects=False)
        answer = await client.fetch(asked, raise_error=False)
        print(path, answer.code, answer.body[:60])
    talk = await websocket.websocket_connect("ws://" + base + "/talk")
    await talk.write_message("hello")
    print(await talk.read_message())
    talk.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", sockets[0].getsockname()[1])
    head = b"GET %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: %s\\r\\n\\r\\n"
    writer.write(head % (b"/stream", b"keep-alive") + head % (b"/items/8", b"close"))
    print((await reader.read()).count(b"HTTP/1.1 200 OK"))  # two on one connection, asked at once
    writer.close()
    server.stop()
    await server.close_all_connections()
ASKED = [("GET", "/items/7?secret=1", None), ("GET", "/either/b7", None), ("GET", "/stream", None),
         ("GET", "/fails", None), ("HEAD", "/items/9", None), ("GET", "/conflicts", None), ("GET", "/nothing/77", None),
         ("POST", "/echo", b"x" * 70_000), ("POST", "/upload", b"x" * 99), ("GET", "/plain", None),
         ("GET", "/moved", None)] + [("POST", "/same", b"abc")] * 3
asyncio.run(main())
"""
ONCE = [
    "GET /conflicts 409",
    "GET /either/{} 200",
    "GET /fails 500",
    "GET /items/{} 200",
    "GET /items/{} 200",
    "GET /moved 301",
    "GET /nothing/{} 404",
    "GET /stream 200",
    "GET /stream 200",
    "HEAD /items/{} 200",
    "POST /echo 200",
    "POST /same 200",
    "POST /same 200",
    "POST /same 200",
    "POST /upload 200",
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
    assert rings.size(requests["GET /stream 200"]) == 12
    assert rings.size(requests["HEAD /items/{} 200"]) == 0
    assert all(each["flags"] == 1 for each in requests.values())  # one at a time; the websocket is none
    assert {fields["server"] for _, fields in rings.notes(tmp_path) if "server" in fields} == {"tornado"}
    alike = [each["arg"] for each in rings.of_kind(tmp_path, signals.LIKENESS)]
    assert len(alike) >= 3 and max(map(alike.count, alike)) >= 3  # the same answer to the same question


@pytest.mark.parametrize(
    "where", ["serving.Serving.put", "serving.Serving.__init__", "coroutines.arrive", "coroutines.now"]
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
from tornado.web import RequestHandler
hooked = [RequestHandler._execute, RequestHandler.flush]
def codes():
    return [each.__code__ for each in hooked]
before = codes()
from bottleneck_profiler.agent import bootstrap as child
child.start(sys.argv[1], "stacks=off")
during = codes()
child.stop()
print({a is not b for a, b in zip(before, during)}, codes() == before)
"""
    assert run(tmp_path, code, tmp_path) == "{True} True\n"
