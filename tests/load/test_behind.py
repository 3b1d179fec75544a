"""Which line sets a server's capacity, from samples of its threads and tasks; and once from a real server."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.diagnosis.load_tests import Behind
from bottleneck_profiler.load.behind import behind
from bottleneck_profiler.load.guards import Guards, in_source
from bottleneck_profiler.load.samples import DTYPE
from bottleneck_profiler.load.windows import at_the_limit
from bottleneck_profiler.recording.facts import Frame
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Recording, empty_steps

SECOND = 10**9
SOURCE = """\
lock = threading.Lock()
places = asyncio.Semaphore(8)
def root():
    upstream()
    with lock:
        save()
async def other():
    async with places:
        await fetch()
    async with places, self.db_lock:
        await fetch()
"""
POOL = (Frame("WorkerThread.run", "/site-packages/anyio/_backends/_asyncio.py", 1, False, False),)
LOOP = (Frame("_run_once", "/lib/asyncio/base_events.py", 1, False, False),)
IDLE = (Frame("select", "/lib/selectors.py", 1, False, False), *LOOP)


def line(number: int, *outer: Frame, function: str = "root") -> tuple[Frame, ...]:
    return (Frame(function, "app.py", number, True, False), *outer)


class Server:
    """A recording of ten seconds, put together sample by sample."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.main: list[tuple[int, ...]] = []
        self.beside: list[tuple[int, ...]] = []

    def stack(self, frames: tuple[Frame, ...]) -> int:
        known = self.facts.stacks
        number = next((n for (_, n), each in known.items() if each == frames), len(known) + 1)
        known[0, number] = frames
        return number

    def loop(self, frames: tuple[Frame, ...], at: int, tasks: int = 0, running: bool = False) -> None:
        kind = signals.STACK_CPU if running else signals.STACK_BLOCKED
        self.main.append((0, 0, kind, tasks << 8, at, at + SECOND // 10, self.stack(frames)))

    def thread(self, index: int, frames: tuple[Frame, ...], at: int, running: bool = False) -> None:
        kind = signals.THREAD_CPU if running else signals.THREAD_BLOCKED
        self.beside.append((0, 0, kind, 1 << 8, at, at + SECOND // 10, index << 32 | self.stack(frames)))

    def behind(self, throughput: float = 190.0) -> Behind:
        none = np.empty(0, RECORD_DTYPE)
        rows = [np.array(each, RECORD_DTYPE) for each in (self.main, self.beside)]
        recording = Recording({}, self.facts, empty_steps(), none, none, rows[0], none, {}, {}, 0, 10 * SECOND,
                              threads=rows[1])  # fmt: skip
        return behind(recording, [(0, 10 * SECOND)], throughput, lambda file: in_source(ast.parse(SOURCE), file))


TICKS = [at * SECOND // 10 for at in range(100)]


def test_a_locked_line_and_not_the_upstream_that_most_threads_wait_for() -> None:
    server = Server()
    for n, at in enumerate(TICKS):
        server.loop(IDLE, at)
        for index in range(12):
            server.thread(index, line(4, *POOL), at)
        for index in range(12, 38):
            server.thread(index, line(5, *POOL), at)  # they wait for the lock, and fill the pool
        if n % 20:
            server.thread(38, line(6, *POOL), at)
    found = server.behind()
    assert found.limit is not None and (found.limit.name, found.limit.line) == ("the lock lock", 6)
    assert found.limit.share == pytest.approx(0.95) and found.limit.capacity == pytest.approx(200)
    assert found.then is not None and "pool" in found.then.name and found.then.places == 40
    assert found.hottest is not None and found.hottest.line in (4, 5)


def test_an_awaited_upstream_beside_a_semaphore_that_is_used_up() -> None:
    server = Server()
    for n, at in enumerate(TICKS):  # sixteen tasks wait: about half of them inside
        server.loop(line(9 if n % 2 else 4, *LOOP, function="other"), at, tasks=16)
    found = server.behind()
    assert found.limit is not None and (found.limit.name, found.limit.line) == ("places", 9)
    assert found.limit.places == 8 and found.limit.share == pytest.approx(1.0)


def test_a_lock_for_each_key_is_not_one_lock() -> None:
    server = Server()
    for at in TICKS:
        server.loop(line(11, *LOOP), at, tasks=7)
    found = server.behind()
    assert found.limit is not None and (found.limit.name, found.limit.places) == ("places", 8)


def test_a_line_that_blocks_the_loop() -> None:
    server = Server()
    for n, at in enumerate(TICKS):
        if n % 10:
            server.loop(line(20, *LOOP), at)
        else:
            server.loop(line(4, *LOOP), at, tasks=10)
    found = server.behind(170.0)
    assert found.limit is not None and (found.limit.name, found.limit.line) == ("the event loop", 20)
    assert found.limit.capacity == pytest.approx(170 / 0.9)


def test_tasks_wait_while_the_loop_computes_too() -> None:
    server = Server()
    for n, at in enumerate(TICKS):
        if n % 10:
            server.loop(line(20, *LOOP), at, running=True)
        else:
            server.loop(line(9, *LOOP, function="other"), at, tasks=4)  # four of eight places
    found = server.behind(180.0)
    assert found.limit is not None and (found.limit.name, found.limit.line) == ("the event loop", 20)
    assert found.then is not None and found.then.name == "places"
    assert found.then.used == pytest.approx(4.0) and found.then.capacity == pytest.approx(360)


def test_a_pool_of_threads_that_all_wait_for_the_upstream() -> None:
    server = Server()
    for at in TICKS:
        server.loop(IDLE, at)
        for index in range(39):
            server.thread(index, line(4, *POOL), at)
    found = server.behind()
    assert found.limit is not None and "pool" in found.limit.name and found.limit.line == 4


def test_threads_that_compute_take_turns() -> None:
    server = Server()
    for n, at in enumerate(TICKS):
        server.loop(IDLE, at)
        for index in range(40):  # all threads of the pool are taken, because one at a time computes
            server.thread(index, line(30, *POOL), at, running=index == n % 40)
    found = server.behind()
    assert found.limit is not None and "interpreter" in found.limit.name and found.limit.line == 30


def test_a_server_with_room_to_spare_has_no_limit() -> None:
    server = Server()
    for n, at in enumerate(TICKS):
        server.loop(line(4, *LOOP) if n % 3 else IDLE, at, tasks=30 if n % 3 else 0)
        server.thread(0, line(6, *POOL) if n % 5 == 0 else IDLE, at)
    found = server.behind()
    assert found.limit is None and "half used" in found.why
    assert found.hottest is not None and found.hottest.line == 4


def test_without_samples_there_is_no_claim() -> None:
    found = Server().behind()
    assert found.limit is None and "no call stacks" in found.why


def test_guards_of_a_source() -> None:
    found: Guards = in_source(ast.parse(SOURCE), "app.py")
    assert [guard.name for guard in found.held[6]] == ["lock"] and 5 not in found.held
    assert [(guard.name, guard.places) for guard in found.held[11]] == [("places", 8), ("self.db_lock", 1)]
    assert set(found.taken) == {5, 8, 10}


def test_the_stretches_near_the_knee() -> None:
    rows = np.zeros(300, DTYPE)
    rows["planned"] = np.arange(300) * SECOND // 100
    rows["rate"] = np.repeat([50, 100, 200], 100)
    rows["status"], rows["end"] = 200, rows["planned"] + 1
    windows, throughput = at_the_limit(rows, 98.0)
    assert windows == [(SECOND + SECOND // 2, SECOND * 199 // 100)] and throughput == pytest.approx(100, rel=0.05)
    assert at_the_limit(rows, None)[0][0][0] == 2 * SECOND + SECOND // 2
    assert at_the_limit(rows[:0], None) == ([], 0.0)


SERVE = """\
import sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.1)
        with lock:
            time.sleep(0.03)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_command_is_recorded_loaded_and_ended(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "serve.py").write_text(SERVE)
    words = [f"127.0.0.1:{port}", "--json", "--concurrency", "8", "--duration", "8", "--", "serve.py", str(port)]
    done = subprocess.run([sys.executable, "-m", "bottleneck_profiler.cli", "load", *words], cwd=tmp_path,
                          capture_output=True, text=True, timeout=200)  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (Path(found["folder"]) / "server.log").exists()
    assert list((tmp_path / ".bottleneck" / "runs").glob("*/run.json"))
    assert found["behind"]["limit"]["line"] == SERVE[: SERVE.index("time.sleep(0.03)")].count("\n") + 1
    assert found["behind"]["limit"]["name"] == "the lock lock"
    report = subprocess.run([sys.executable, "-m", "bottleneck_profiler.cli", "report", "--json"], cwd=tmp_path,
                            capture_output=True, text=True, timeout=200)  # fmt: skip
    (test,) = json.loads(report.stdout)["load_tests"]
    assert test["behind"] == found["behind"] and test["levels"][0]["clients"] == 8
    with socket.socket() as gone, pytest.raises(OSError):
        gone.connect(("127.0.0.1", port))


def test_a_server_that_does_not_start_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    (tmp_path / "serve.py").write_text("raise SystemExit('no port')")
    done = subprocess.run([sys.executable, "-m", "bottleneck_profiler.cli", "load", "127.0.0.1:9", "--", "serve.py"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=100)  # fmt: skip
    assert done.returncode == 2 and "the server ended before it answered: no port" in done.stderr
