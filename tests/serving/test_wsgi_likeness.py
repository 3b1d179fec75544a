"""Requests of WSGI applications that come again: hashed on real servers, and as the application would read them."""

import io
from collections import defaultdict

import pytest
import rings
from bottleneck_profiler import signals
from bottleneck_profiler.collectors.support.likeness import Likeness
from bottleneck_profiler.collectors.support.wsgi_likeness import _Body
from wsgi_servers import ASK, END, SERVE, START, gunicorn, run

APP = """
import time
from flask import Flask, Response, request
app = Flask(__name__)
@app.post("/mood")
def mood():
    text = request.get_data()
    time.sleep(0.003)
    return {"mood": sum(text) % 7}
@app.post("/answer")
def answer():
    time.sleep(0.03)
    return {"text": request.get_json()}
@app.post("/unread")
def unread():
    time.sleep(0.003)
    return "unread"
@app.get("/stream")
def stream():
    time.sleep(0.003)
    return Response((part for part in (b"one", request.args["two"].encode())), mimetype="text/plain")
@app.get("/sets")
def sets():
    time.sleep(0.003)
    return Response("yours", headers={"Set-Cookie": "a=b"})
@app.get("/fails")
def fails():
    time.sleep(0.003)
    raise ValueError("theirs")
"""
ASKED = """
def ask_all(port):
    asked = [("/mood", b"good"), ("/mood", b"good"), ("/mood", b"bad"), ("/mood?k=1", b"good"),
             ("/mood", b"good", "Cookie: user=7\\r\\n"), ("/unread", b"one"), ("/unread", b"two"),
             ("/stream?two=2",), ("/stream?two=2",), ("/stream?two=3",), ("/sets",), ("/fails",), ("/nothing",)]
    return [ask(port, *each) for each in asked]
"""


def likeness(folder):
    """Route -> [(flags, what was asked, what was answered)] in the order of the requests."""
    texts = rings.strings(folder)
    names = {row["t0"]: texts[rings.name_of(row)] for row in rings.of_kind(folder, signals.REQUEST)}
    found = defaultdict(list)
    for row in sorted(rings.of_kind(folder, signals.LIKENESS), key=lambda row: row["t0"]):
        found[names[row["t0"]]].append((row["flags"], row["arg"] >> 32, row["arg"] & 0xFFFFFFFF))
    return dict(found)


@pytest.mark.parametrize("server", SERVE)
def test_requests_are_alike_whose_answers_depend_on_the_same(tmp_path, server):
    pytest.importorskip("flask")
    (tmp_path / "live").mkdir()
    code = START + APP + ASK + ASKED + SERVE[server] + END
    assert run(tmp_path, code, tmp_path) == run(tmp_path, code, "bare")
    assert not rings.failures(tmp_path)
    found = likeness(tmp_path)
    first, again, other, queried, personal = found["POST /mood 200"]
    assert first == again and other[1] != first[1] != queried[1] and queried[2] == first[2] != other[2]
    assert (first[0], personal[0]) == (0, 1)
    one, two = found["POST /unread 200"]
    assert one == two  # what nobody reads cannot matter
    first, again, other = found["GET /stream 200"]
    assert first == again and first[1] != other[1] and first[2] != other[2]
    assert [flags for flags, *_ in found["GET /sets 200"]] == [1]
    assert len(found) == 4  # failures are left out


def test_a_route_of_flask_under_gunicorn_that_answers_again_is_found(tmp_path):
    pytest.importorskip("gunicorn")
    pytest.importorskip("flask")
    from bottleneck_profiler.artifacts import Artifacts
    from bottleneck_profiler.detectors.serving.no_response_cache import NoResponseCache
    from bottleneck_profiler.diagnosis.findings import Finding
    from bottleneck_profiler.recording.read import load

    (tmp_path / "app.py").write_text(APP)
    asks = """
import sys
for number in range(80):
    ask(int(sys.argv[1]), "/answer", b'"%d"' % (number % 16), "Content-Type: application/json\\r\\n")
"""
    with gunicorn(tmp_path, tmp_path / "run") as port:
        run(tmp_path, ASK + asks, port)
    recording = load(tmp_path / "run")
    found = Artifacts(recording).call(NoResponseCache().detect)
    assert not recording.facts.failed
    assert isinstance(found, Finding) and found.fix.summary.endswith("POST /answer")


class Unread(io.BytesIO):
    """A body that nobody may read by itself."""

    asked = 0

    def read(self, *size):
        self.asked += 1
        return super().read(*size)


def hashed(like):
    like.begin({"path": "/", "headers": []}, {"status": 200})
    return like.found()


def whole():
    like = Likeness(b"k" * 16)
    like.ask(b"one\ntwo\n")
    return hashed(like)


READ = {
    "at once": lambda body: [body.read()],
    "in parts": lambda body: [body.read(3), body.read(100)],
    "by line": lambda body: [body.readline(), body.readline(2), body.readline()],
    "lines": lambda body: body.readlines(),
    "a loop": list,
    "next": lambda body: [next(body), next(body)],
    "into a buffer": lambda body: [bytes(buffer[: body.readinto(buffer)]) for buffer in (bytearray(5), bytearray(9))],
}


@pytest.mark.parametrize("how", READ)
def test_a_body_is_the_same_however_it_is_read(how):
    like = Likeness(b"k" * 16)
    body = _Body(io.BytesIO(b"one\ntwo\n"), like)
    assert READ[how](body) == READ[how](io.BytesIO(b"one\ntwo\n"))
    assert hashed(like) == whole()


def test_a_body_that_is_read_in_another_way_is_left_out():
    like = Likeness(b"k" * 16)
    body = _Body(io.BytesIO(b"one\ntwo\n"), like)
    assert body.getvalue() == b"one\ntwo\n"
    assert hashed(like) is None


def test_a_body_looks_as_it_is_and_is_not_read_for_us():
    server = Unread(b"one")
    body = _Body(server, Likeness(b"k" * 16))
    assert isinstance(body, io.BytesIO) and body.readable() and not body.closed
    assert server.asked == 0 and server.tell() == 0
    with pytest.raises(AttributeError):
        body.no_such_thing  # noqa: B018
    body.close()
    with pytest.raises(ValueError, match="closed"):
        body.read()


def test_what_is_read_after_the_answer_has_begun_is_not_compared():
    like = Likeness(b"k" * 16)
    body = _Body(io.BytesIO(b"one\ntwo\n"), like)
    body.readline()
    like.begin({"path": "/", "headers": []}, {"status": 200})
    body.read()
    assert like.found() is None


BY_HAND = """
import sys, time
from bottleneck_profiler import WSGIMiddleware
from bottleneck_profiler.agent import bootstrap as child
child.start(sys.argv[1], "stacks=off")
def app(environ, start_response):
    time.sleep(0.003)
    start_response("200 OK", [])
    parts = [b"one", b"two"]
    return parts if environ["PATH_INFO"] == "/list" else (part for part in parts)
served = WSGIMiddleware(app)
for path in ("/list", "/list", "/parts", "/parts"):
    answer = served({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda *args: None)
    assert list(answer) == [b"one", b"two"]
    if path == "/parts":
        answer.close()
answer = served({"PATH_INFO": "/parts", "REQUEST_METHOD": "GET"}, lambda *args: None)
next(iter(answer))
answer.close()  # the client has gone
"""


def test_the_middleware_sees_answers_that_are_whole(tmp_path):
    (tmp_path / "live").mkdir()
    run(tmp_path, BY_HAND, tmp_path)
    found = likeness(tmp_path)
    assert {route: len(rows) for route, rows in found.items()} == {"GET /list 200": 2, "GET /parts 200": 2}
    assert all(len(set(rows)) == 1 for rows in found.values())
    assert rings.names(tmp_path).count("GET /parts 200") == 3 and not rings.failures(tmp_path)
