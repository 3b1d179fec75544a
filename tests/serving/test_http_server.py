"""Requests of the standard library's ``http.server``: recorded once, also where other servers rest on it."""

import pytest
import rings
from bottleneck_profiler import signals
from test_wsgi import CLIENT, END, START, run

SERVE = """
import http.server, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def date_time_string(self, timestamp=None): return "now"
    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    def do_GET(self):
        if self.path.startswith("/nothing"):
            return self.send_error(404)
        if self.path == "/fails":
            raise ValueError("theirs")
        if self.path == "/slow":
            time.sleep(0.3)
        if self.path == "/socket":
            self.send_response(101)
            self.end_headers()
            self.close_connection = True
            return
        if self.path == "/stream":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            for _ in range(3):
                self.wfile.write(b"part")
            return
        self.answer(self.path.partition("?")[0].encode())
    do_HEAD = do_GET
    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))
class Server(SERVER):
    daemon_threads = True
    def handle_error(self, request, address):
        if isinstance(sys.exc_info()[1], ValueError):  # and no client that hung up
            print("theirs")
server = Server(("127.0.0.1", 0), Handler)
if not hasattr(server, "server_port"):
    server.server_port = server.server_address[1]
"""
AGAIN = """
def keep(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        for path in (b"/a", b"/b"):
            sock.sendall(b"GET " + path + b" HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            sock.recv(65536)
        sock.sendall(b"HEAD /c HTTP/1.1\\r\\nHost: x\\r\\n\\r\\nGET /socket HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        while sock.recv(65536):
            pass
asks_all = ask_all
def ask_all(port):
    keep(port)
    return [*asks_all(port), ask(port, "/unknown", b"") and b""]
"""


@pytest.mark.parametrize(
    "server", ["http.server.HTTPServer", "http.server.ThreadingHTTPServer", "socketserver.TCPServer"]
)
def test_answers_are_the_same_and_each_request_is_recorded_once(tmp_path, server):
    (tmp_path / "live").mkdir()
    code = START + CLIENT + AGAIN + SERVE.replace("SERVER", server) + END
    bare, ours = run(tmp_path, code, "bare"), run(tmp_path, code, tmp_path)
    assert ours == bare
    assert not rings.failures(tmp_path)
    found = rings.names(tmp_path)
    slow = ["GET /slow 200"] * 3
    once = ["GET /a 200", "GET /b 200", "HEAD /c 200", "GET /items/{} 200", "GET /file 200", "GET /fails 0"]
    once += ["GET /nothing/{} 404", "POST /echo 200", "GET /unknown 200"]
    assert sorted(name for name in found if "/stream" not in name) == sorted([*once, *slow])
    assert found.count("GET /stream 200") == 2  # one of them is for a client that hangs up
    assert not any("secret" in text for text in rings.strings(tmp_path).values())
    texts = rings.strings(tmp_path)
    requests = {texts[rings.name_of(each)]: each for each in rings.of_kind(tmp_path, signals.REQUEST)}
    assert rings.size(requests["POST /echo 200"]) == pytest.approx(70_000, rel=1e-3)
    assert rings.size(requests["GET /stream 200"]) == -1
    assert rings.size(requests["HEAD /c 200"]) == 0
    at_once = max(each["flags"] for each in rings.of_kind(tmp_path, signals.REQUEST))
    assert (at_once > 1) is ("Threading" in server)


def test_a_program_that_only_imports_it_does_not_serve(tmp_path):
    (tmp_path / "live").mkdir()
    asks = "import http.server\nprint(sys.modules[child.__package__ + '.recorder'].recorder().serving)\n"
    assert run(tmp_path, START + asks, tmp_path) == "None\n"
    assert ("attached", {"collector": "http.server"}) in rings.notes(tmp_path)


@pytest.mark.parametrize("where", ["serving.Serving.put", "serving.Serving.__init__", "wsgi.Request.__init__"])
def test_a_failing_hook_leaves_the_answers_alone(tmp_path, where):
    (tmp_path / "live").mkdir()
    broken = f"""
from bottleneck_profiler.collectors.support import serving, wsgi
def broken(*args):
    raise SystemExit("ours")
if sys.argv[1] != "bare":
    {where} = broken
"""
    code = START + broken + CLIENT + SERVE.replace("SERVER", "http.server.HTTPServer") + END
    assert run(tmp_path, code, tmp_path) == run(tmp_path, code, "bare")
    assert rings.failures(tmp_path)


def test_detaching_puts_back_what_was_there(tmp_path):
    (tmp_path / "live").mkdir()
    code = """
import sys
from http.server import BaseHTTPRequestHandler as found
hooked = [found.handle_one_request, found.parse_request, found.send_response_only, found.send_header]
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
