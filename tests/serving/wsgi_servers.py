"""Scripts that serve a WSGI application on a real server and ask it, with and without us."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASK = """
import re, socket, threading, time
def ask(port, path, body=b"", more=""):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        head = "%s %s HTTP/1.1\\r\\nHost: x\\r\\n%sConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n"
        sock.sendall((head % ("POST" if body else "GET", path, more, len(body))).encode() + body)
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
    return re.sub(rb"(Date: |Last-Modified: |Server: ).*?\\r\\n", b"", b"".join(parts))
def drop(port):
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /stream HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
"""
START = """
import sys
if sys.argv[1] != "bare":
    from bottleneck_profiler.agent import bootstrap as child
    child.start(sys.argv[1], "stacks=off")
import hashlib, threading, logging
logging.disable()
"""
SERVE = {
    "werkzeug": "from werkzeug.serving import make_server\nserver = make_server('127.0.0.1', 0, app)\n",
    "werkzeug with threads": "from werkzeug.serving import make_server\n"
    "server = make_server('127.0.0.1', 0, app, threaded=True)\n",
    "wsgiref": "from wsgiref.simple_server import *\nclass Quiet(WSGIRequestHandler):\n"
    "    def log_message(self, *_): pass\n"
    "server = make_server('127.0.0.1', 0, app, handler_class=Quiet)\nsys.stderr = open('/dev/null', 'w')\n",
}
END = """
def asks():
    try:
        for answer in ask_all(server.server_port):
            print(hashlib.sha256(answer).hexdigest()[:12], answer[:300])
    finally:
        server.shutdown()
asking = threading.Thread(target=asks)
asking.start()
server.serve_forever()
asking.join()
"""
ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}


def run(folder, code, *arguments):
    """What a script prints."""
    script = folder / "served.py"
    script.write_text(code)
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=ENVIRON, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def gunicorn(folder, run_dir, *options):
    """The port of ``gunicorn app:app`` in ``folder`` under the command, which ends with the block."""
    pid = folder / "gunicorn.pid"
    recorded = ["-m", "bottleneck_profiler.cli", "run", "--run-dir", str(run_dir), "--", sys.executable]
    server = ["-m", "gunicorn", "app:app", "-b", "127.0.0.1:0", "--pid", str(pid), *options]
    command = [sys.executable, *(recorded if run_dir else []), *server]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=folder, env=ENVIRON, text=True) as started:
        said = iter(started.stderr.readline, "")
        port = next(int(found[1]) for line in said if (found := re.search(r"Listening at: .*:(\d+) ", line)))
        try:
            yield port
        finally:
            os.kill(int(pid.read_text()), signal.SIGTERM)
        rest = started.communicate(timeout=100)[1]
        assert started.returncode == 0, rest
