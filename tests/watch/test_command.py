"""``bottleneck watch`` against servers on loopback: real exporters, and every kind of bad answer, in one line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bottleneck_profiler.capture.servers.fetch import Fetcher, Http, NoPage, address
from helpers import started

from .made import vllm

Answer = Callable[[BaseHTTPRequestHandler], None]


def watch(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "watch", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environ})


def page(text: str, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


class Serving:
    """A server on loopback whose answer can be changed, and that keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[tuple[str, dict[str, str]]]()
        serving = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                serving.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                serving.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    found = Serving(page(vllm(8, 0, 0.5)))
    yield found
    found.close()


def why(serving: Serving, answer: Answer, seconds: float = 5.0) -> str:
    serving.answer = answer
    url = address(serving.host)
    return Fetcher(Http(seconds), seconds)([url])[url].problem


def dripping(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(600):
            handler.wfile.write(b"a 1\n")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


def dripping_heads(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        for number in range(600):
            handler.wfile.write(b"X-%d: y\r\n" % number)
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"a 1\n" * 50_000)
    except OSError:
        pass


def rubbish(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\x01 what is this?\r\n\r\n")
    handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "says", "seconds"),
    [
        (page("", 503), "answers HTTP 503", 5.0),
        (page("", 404), "answers HTTP 404", 5.0),
        (page("", 302, Location="/metrics"), "redirects more than 3 times", 5.0),
        (page("", 302, Location="http://example.invalid/metrics"), "redirects to another host", 5.0),
        (page("", 302, Location="ftp://127.0.0.1/x"), "not a web page", 5.0),
        (rubbish, "gives no page", 5.0),
        (lambda handler: time.sleep(3), "gave no whole page in 0.3 s", 0.3),
        (dripping, "gave no whole page in 0.3 s", 0.3),
        (dripping_heads, "gave no whole page in 0.3 s", 0.3),
        (endless, "larger than 32 MiB", 30.0),
    ],
)
def test_bad_answers(serving: Serving, answer: Answer, says: str, seconds: float) -> None:
    problem = why(serving, answer, seconds)
    assert says in problem and "\n" not in problem and "object at 0x" not in problem


def test_nobody_is_there() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/metrics"
        assert "cannot be reached: Connection refused" in Fetcher(Http(5), 5)([url])[url].problem
    url = "http://no-such-host.invalid/metrics"
    assert "no host that is known" in Fetcher(Http(5), 5)([url])[url].problem


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_certificate_that_nobody_vouches_for(serving: Serving, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    serving.server.socket = context.wrap_socket(serving.server.socket, server_side=True)
    url = f"https://{serving.host}/metrics"
    problem = Fetcher(Http(5), 5)([url])[url].problem
    assert problem.startswith("has a TLS problem: certificate verify failed") and "\n" not in problem


def test_https_asked_of_a_plain_server(serving: Serving) -> None:
    url = f"https://{serving.host}/metrics"
    assert "has a TLS problem" in Fetcher(Http(5), 5)([url])[url].problem


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        ("localhost:8000", "http://localhost:8000/metrics"),
        ("http://h/", "http://h/metrics"),
        ("https://h:1/a/b?c=d#e", "https://h:1/a/b?c=d"),
        ("h", "http://h/metrics"),
        ("[::1]:80", "http://[::1]:80/metrics"),
    ],
)
def test_what_is_typed_is_an_address(typed: str, full: str) -> None:
    assert address(typed) == full


@pytest.mark.parametrize(
    "typed", ["", "http://", "ftp://h/x", "h:port", "h:99999", "http://a b/", "file:///etc/passwd", "h\n"]
)
def test_what_is_no_address(typed: str) -> None:
    if typed.strip() == "h":
        assert address(typed) == "http://h/metrics"
        return
    with pytest.raises(NoPage, match="not an address"):
        address(typed)


def test_credentials_are_sent_and_headers_stay_with_the_host(serving: Serving) -> None:
    http = Http(5, {"X-Key": "k"})
    assert http(f"http://user:p%40ss@{serving.host}/metrics")
    ((_, heads),) = serving.asked
    assert heads["x-key"] == "k" and heads["authorization"] == "Basic dXNlcjpwQHNz"


def test_a_slow_address_does_not_delay_the_others(serving: Serving) -> None:
    slow = Serving(lambda handler: time.sleep(2))
    urls = [address(slow.host), address(serving.host)]
    fetch = Fetcher(Http(0.2), 0.2)
    for _ in range(2):
        pages = fetch(urls)
        assert pages[urls[1]].text and "no whole page" in pages[urls[0]].problem
    slow.close()


# --- the command ---
def test_once_and_json(serving: Serving) -> None:
    shown = watch("--once", "--interval", "0.1", serving.host)
    assert shown.returncode == 0 and "vLLM m" in shown.stdout and "50 %" in shown.stdout and not shown.stderr
    document = json.loads(watch("--once", "--json", "--interval", "0.1", serving.host).stdout)
    assert document["schema"] == "bottleneck.watch/1" and document["servers"][0]["values"]["running_requests"] == 8


def test_a_run_that_report_opens(serving: Serving, tmp_path: Path) -> None:
    done = watch("--duration", "1.5", "--interval", "0.1", "--run-dir", tmp_path / "run", serving.host)
    assert done.returncode == 0 and "Servers (means of the watch)" in done.stdout
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "report", str(tmp_path / "run")]
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0 and "vLLM m" in again.stdout and "requests waiting" in again.stdout
    refused = watch("--duration", "1", "--run-dir", tmp_path / "run", serving.host)
    assert refused.returncode == 2 and "not empty" in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_report(serving: Serving, tmp_path: Path, sent: signal.Signals) -> None:
    command = [sys.executable, "-m", "bottleneck_profiler.cli", "watch", "--json", "--interval", "0.1"]
    words = [*command, "--run-dir", str(tmp_path / "run"), serving.host]
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(3):
            assert json.loads(process.stdout.readline())["servers"]
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "the run is in" in said
    assert (tmp_path / "run" / "report.html").is_file()


def test_nothing_to_watch_is_one_line_for_each_address(serving: Serving, tmp_path: Path) -> None:
    serving.answer = page("<html>hello</html>")
    done = watch("--run-dir", tmp_path / "run", serving.host, "127.0.0.1:9")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2 and not (tmp_path / "run").exists()
    assert "no page of Prometheus metrics" in done.stderr and "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ftp://x"], "'ftp://x' is not an address"),
        (["--header", "secret-without-colon", "x"], "--header takes 'Name: value'"),
        (["--mapping", "absent.ini", "x"], "absent.ini cannot be read"),
    ],
)
def test_what_is_typed_wrong_is_one_line(words: list[str], says: str) -> None:
    done = watch(*words)
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1 and "secret" not in done.stderr


def test_a_storm_of_errors_while_it_watches(serving: Serving, tmp_path: Path) -> None:
    good, count = serving.answer, iter(range(1000))

    def storm(handler: BaseHTTPRequestHandler) -> None:
        (good if next(count) < 3 else page("", 500))(handler)

    serving.answer = storm
    done = watch("--duration", "1.5", "--interval", "0.1", "--run-dir", tmp_path / "run", serving.host)
    assert done.returncode == 0 and "answers HTTP 500 (" in done.stdout and "Nothing to judge" in done.stdout


def test_a_mapping_of_ones_own(serving: Serving, tmp_path: Path) -> None:
    serving.answer = page('jobs_active{queue="a"} 3\njobs_active{queue="b"} 4\n')
    assert "of no server that is known" in watch("--once", serving.host).stderr
    (tmp_path / "own.ini").write_text("[my server]\nrunning_requests = jobs_active\nmodels = queue\n")
    shown = watch("--once", "--interval", "0.1", "--mapping", tmp_path / "own.ini", serving.host)
    assert "my server a" in shown.stdout and "my server b" in shown.stdout
