"""Requests of WSGI applications on real servers: recorded once, and answered to the byte as without us."""

import sys

import pytest
import rings
from bottleneck_profiler import signals
from wsgi_servers import ASK, END, SERVE, START, gunicorn, run

pytest.importorskip("flask")
APP = """
import time
from flask import Flask, Response, request, send_file
app = Flask(__name__)
@app.get("/items/<int:number>")
def item(number):
    return {"number": number}
@app.get("/stream")
def stream():
    return Response((b"part" for _ in range(3)), mimetype="text/plain")
@app.get("/file")
def file():
    return send_file(__file__, mimetype="text/plain", conditional=False, etag=False, last_modified=0)
@app.get("/fails")
def fails():
    raise ValueError("theirs")
@app.get("/slow")
def slow():
    time.sleep(0.3)
    return "slow"
@app.post("/echo")
def echo():
    return request.get_data()
"""
CLIENT = (
    ASK
    + """
PATHS = ("/items/7?secret=1", "/stream", "/file", "/fails", "/nothing/77")
def ask_all(port):
    answers = [ask(port, path) for path in PATHS] + [ask(port, "/echo", b"x" * 70_000)]
    drop(port)
    at_once = [threading.Thread(target=ask, args=(port, "/slow")) for _ in range(3)]
    [each.start() for each in at_once]
    [each.join() for each in at_once]
    return answers
"""
)


@pytest.mark.parametrize("server", SERVE)
def test_answers_are_the_same_to_the_byte_and_each_request_is_recorded_once(tmp_path, server):
    (tmp_path / "live").mkdir()
    code = START + APP + CLIENT + SERVE[server] + END
    bare, ours = run(tmp_path, code, "bare"), run(tmp_path, code, tmp_path)
    assert ours == bare
    assert not rings.failures(tmp_path)
    found = rings.names(tmp_path)
    assert found.count("GET /slow 200") == 3
    assert {"GET /items/<int:number> 200", "GET /file 200", "GET /nothing/{} 404", "POST /echo 200"} <= set(found)
    assert [text for text in found if "/fails" in text] == ["GET /fails 500"]
    assert not any("secret" in text for text in rings.strings(tmp_path).values())
    assert [kind for kind, fields in rings.notes(tmp_path) if fields.get("event") == "address"] == ["serving"]
    if sys.platform == "linux" and server == "werkzeug":
        waits = sorted(map(rings.queued, rings.of_kind(tmp_path, signals.REQUEST)))
        assert waits[-1] > 500 and waits[-2] > 250  # two of the three slow ones, behind the others
        assert waits[0] in range(50)


@pytest.mark.parametrize("workers", [["-w", "2"], ["-k", "gthread", "--threads", "4"]], ids=["sync", "gthread"])
def test_gunicorn_under_the_command_ends_with_its_own_code_and_a_report(tmp_path, workers):
    pytest.importorskip("gunicorn")
    (tmp_path / "app.py").write_text(APP)
    asked = {}
    client = CLIENT + "import sys\n[print(answer) for answer in ask_all(int(sys.argv[1]))]"
    for name, run_dir in (("bare", None), ("ours", tmp_path / "run")):
        with gunicorn(tmp_path, run_dir, *workers) as port:
            asked[name] = run(tmp_path, client, port)
    assert asked["ours"] == asked["bare"]
    from bottleneck_profiler.artifacts import Artifacts
    from bottleneck_profiler.artifacts.serving.requests import Requests
    from bottleneck_profiler.recording.read import load

    recording = load(tmp_path / "run")
    requests = Artifacts(recording).get(Requests)
    assert not recording.facts.failed
    assert requests.count == 10
    routes = {route.name: route for route in requests.routes}
    assert len(routes["GET /slow 200"].seconds) == 3
    assert routes["POST /echo 200"].size_bytes.tolist() == pytest.approx([70_000], rel=1e-3)
    if workers == ["-w", "2"] and len(requests.processes) == 2:
        assert requests.queue_seconds.max() > 0.2  # three at once, two workers


def test_middleware_by_hand(tmp_path):
    (tmp_path / "live").mkdir()
    out = run(
        tmp_path,
        """
import sys
from bottleneck_profiler import WSGIMiddleware
from bottleneck_profiler.agent import bootstrap as child
class Wrapper:
    pass
wrapped, parts, pair = Wrapper(), [b"a"], (b"b",)
class Closes:
    closed = 0
    def __iter__(self):
        yield b"one"
    def close(self):
        Closes.closed += 1
def app(environ, start_response):
    if environ["PATH_INFO"] == "/fails":
        raise KeyError("theirs")
    assert start_response("201 Made", [], None) == "write"
    return {"/l": parts, "/t": pair, "/w": wrapped, "/i/3": Closes()}[environ["PATH_INFO"]]
def call(path):
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "wsgi.file_wrapper": Wrapper}
    return middleware(environ, lambda *args: "write")
middleware = WSGIMiddleware(app)
print(call("/l") is parts)
child.start(sys.argv[1], "stacks=off")
print(call("/l") is parts, call("/t") is pair, call("/w") is wrapped)
answer = call("/i/3")
print(list(answer), Closes.closed)
answer.close()
try:
    call("/fails")
except KeyError as error:
    print(error)
print(Closes.closed)
""",
        tmp_path,
    )
    assert out == "True\nTrue True True\n[b'one'] 0\n'theirs'\n1\n"
    expected = ["GET /fails 0", "GET /i/{} 201", "GET /l 201", "GET /t 201", "GET /w 201"]
    assert rings.names(tmp_path) == expected
    assert not rings.failures(tmp_path)


@pytest.mark.parametrize("where", ["serving.Serving.put", "serving.waited", "wsgi.Request.__init__", "wsgi.of_environ"])
def test_a_failing_hook_leaves_the_answers_alone(tmp_path, where, error="SystemExit"):
    (tmp_path / "live").mkdir()
    broken = f"""
from bottleneck_profiler.collectors.support import serving, wsgi
def broken(*args):
    raise {error}("ours")
if sys.argv[1] != "bare":
    {where} = broken
"""
    code = START + broken + APP + CLIENT + SERVE["werkzeug"] + END
    assert run(tmp_path, code, tmp_path) == run(tmp_path, code, "bare")
    assert rings.failures(tmp_path)
