"""Servers whose requests are not recorded: the line and the cause from the call stacks alone."""

from __future__ import annotations

from pathlib import Path

from helpers import bottleneck

#: Each request is answered in a thread of its own, which ends too soon for its waits to be read from outside.
LOCKED = """
import http.server, subprocess, sys, threading, time

CLIENT = '''
import sys, threading, urllib.request
def ask():
    for _ in range(10):
        urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1]).read()
threads = [threading.Thread(target=ask) for _ in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
'''

class Cache:
    def __init__(self):
        self.rows = {}
        self.lock = threading.Lock()

    def get(self, key):
        with self.lock:
            row = self.rows.get(key)
            if row is None:
                row = self.rows[key] = fetch(key)
        return row

def fetch(key):
    time.sleep(0.06)
    return key

CACHE = Cache()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(CACHE.get(time.monotonic())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
subprocess.run([sys.executable, "-c", CLIENT, str(server.server_port)], check=True)
server.shutdown()
"""


def test_threads_that_answer_one_request_each_are_seen_to_wait_for_a_lock(tmp_path: Path):
    script = tmp_path / "serve.py"
    script.write_text(LOCKED)
    ran = bottleneck(tmp_path, script)
    assert ran.code == 0, ran.err
    assert ran.found[:1] == ["lock-around-handler"], ran.diagnosis["headline"]
    line = ran.diagnosis["findings"][0]["location"]["line"]
    assert "with self.lock" in LOCKED.splitlines()[line - 1]
