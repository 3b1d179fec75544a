"""Suggests the words nearest to what somebody has typed, by gunicorn with two workers."""

import concurrent.futures
import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

REQUESTS, CLIENTS = 100, 4


def create_app():
    """The application, which prepares its words before it takes requests."""
    import decimal  # noqa: F401

    words = [f"{n * 7919 % 1000003:06x}" for n in range(150_000)]
    parts = {}
    for word in words:
        for at in range(len(word) - 1):
            parts.setdefault(word[at : at + 2], set()).add(word)

    def app(environ, start_response):
        typed = environ["PATH_INFO"].strip("/") or "0000"
        found = sorted(set.intersection(*(parts.get(typed[at : at + 2], set()) for at in range(len(typed) - 1))))
        body = json.dumps(found[:5]).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def start_server(port):
    command = [sys.executable, "-m", "gunicorn", f"{pathlib.Path(__file__).stem}:create_app()"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--log-level", "error"]
    command += ["--max-requests", "12"]  # planted
    return subprocess.Popen(command, cwd=pathlib.Path(__file__).parent)


def ask(port, typed):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{typed}", timeout=60) as reply:
        return len(json.loads(reply.read()))


def wait_until_ready(port):
    for _ in range(600):
        try:
            return ask(port, "0000")
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the server did not start")


def main():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start_server(port)
    try:
        wait_until_ready(port)
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            found = sum(clients.map(lambda n: ask(port, f"{n * 37 % 4096:03x}"), range(REQUESTS)))
        seconds = time.perf_counter() - began
    finally:
        server.terminate()
        server.wait()
    print(f"{found} words for {REQUESTS} requests")
    print("RESULT", json.dumps({"rps": round(REQUESTS / seconds, 1)}), flush=True)


if __name__ == "__main__":
    main()
