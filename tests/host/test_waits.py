"""What a thread waits for is read from outside, for real threads of a real process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.capture.recorder import Recorder
from bottleneck_profiler.collectors.host import waits
from bottleneck_profiler.collectors.host.sockets import _address
from bottleneck_profiler.collectors.host.system_calls import system_calls
from bottleneck_profiler.collectors.host.unix_sockets import unix_peer
from bottleneck_profiler.collectors.host.waits import WaitSampler

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
PATIENCE_SECONDS = 30.0

PROGRAM = """
import fcntl, os, select, socket, subprocess, sys, threading, time
folder = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
client, timed = socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port))
timed.settimeout(600)
pair, kept = socket.socketpair()
reads, writes = os.pipe()
lock = threading.Lock()
lock.acquire()
path = os.path.join(folder, "shared.db")
holder, waiter = open(path, "w"), open(path, "w")
fcntl.flock(holder, fcntl.LOCK_EX)
unix = socket.socket(socket.AF_UNIX)
unix.bind(os.path.join(folder, "database"))
unix.listen()
local = socket.socket(socket.AF_UNIX)
local.connect(os.path.join(folder, "database"))
accepted, _ = unix.accept()
fifo = os.path.join(folder, "fifo")
os.mkfifo(fifo)
fifo_end = os.open(fifo, os.O_RDWR)
listens = socket.create_server(("127.0.0.1", 0))
waits_for_reply = select.epoll()
waits_for_reply.register(client, select.EPOLLIN)
waits_for_reply.register(pair, select.EPOLLIN)
serves = select.epoll()
for each in listens, pair, client:
    serves.register(each, select.EPOLLIN)
def spin():
    while True:
        sum(range(1000))
WAYS = dict(
    receive=lambda: client.recv(1),
    receive_with_timeout=lambda: timed.recv(1),
    select=lambda: select.select([client], [], []),
    loop=lambda: waits_for_reply.poll(),
    server=lambda: serves.poll(),
    accept=lambda: listens.accept(),
    local=lambda: local.recv(1),
    pair=lambda: kept.recv(1),
    pipe=lambda: os.read(reads, 1),
    fifo=lambda: os.read(fifo_end, 1),
    lock=lock.acquire,
    lock_with_timeout=lambda: lock.acquire(timeout=600),
    file=lambda: fcntl.flock(waiter, fcntl.LOCK_EX),
    sleep=lambda: time.sleep(600),
    child=lambda: subprocess.run(["sleep", "600"]),
    spin=spin,
    spin_too=spin,
)
threads = {name: threading.Thread(target=way, daemon=True) for name, way in WAYS.items()}
for thread in threads.values():
    thread.start()
facts = {name: thread.native_id for name, thread in threads.items()}
print(repr((port, listens.getsockname()[1], facts)), flush=True)
sys.stdin.read()
os.killpg(0, 9)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waits")
    words = [sys.executable, "-c", PROGRAM, str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        port, listening, threads = eval(process.stdout.readline())
        yield process, folder, port, listening, threads
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def notes_of(pid: int, threads: dict[str, int]) -> list[waits.Note]:
    named = [(0, "thread", {"index": i, "native_id": native}) for i, native in enumerate(threads.values(), 1)]
    return [(0, "hello", {"pid": pid}), *named]


def seen(sampler: WaitSampler, pid: int, threads: dict[str, int], wanted: set[str], passes: int = 20):
    """Thread -> the targets that it was seen waiting for; looks until all of ``wanted`` were seen waiting."""
    names, texts = {native: name for name, native in threads.items()}, {}
    found: dict[str, set[tuple[str, str]]] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (sampler.passes < passes or not wanted <= found.keys()) and time.monotonic() < deadline:
        sampler.look(notes_of(pid, threads), {pid: 0})
        rows, notes = sampler.take()
        texts |= {fields["id"]: (fields["what"], fields["name"]) for _, _, fields in notes}
        for row in rows:
            name = names.get(int(row["arg"]) >> 32, "main")
            found.setdefault(name, set()).add(texts[int(row["arg"]) & signals.STACK_MASK])
        time.sleep(0.005)
    return found


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr(waits, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(waits, "FREE_SECONDS", 3600.0)


def diagnosed() -> bool:
    """Whether the kernel tells where Unix sockets lead."""
    one, other = socket.socketpair()
    with one, other:
        return unix_peer(os.fstat(one.fileno()).st_ino) is not None


def test_each_thread_is_seen_waiting_for_what_it_waits_for(program, eager):
    process, folder, port, listening, threads = program
    sampler = WaitSampler()
    found = seen(sampler, process.pid, threads, {*threads} - {"spin", "spin_too"})
    if sampler.problem:
        pytest.skip(sampler.problem)
    peer = ("socket", f"127.0.0.1:{port}")
    expected = {
        "receive": peer,
        "receive_with_timeout": peer,
        "select": peer,
        "loop": peer,
        "server": ("events", ""),
        "accept": ("accept", f"127.0.0.1:{listening}"),
        "local": ("socket", str(folder / "database") if diagnosed() else ""),
        "pair": ("socket", ""),
        "pipe": ("pipe", ""),
        "fifo": ("pipe", str(folder / "fifo")),
        "lock": ("lock", ""),
        "lock_with_timeout": ("lock", ""),
        "file": ("file", str(folder / "shared.db")),
        "sleep": ("sleep", ""),
        "child": ("child", "sleep"),
        "main": ("pipe", ""),
    }
    # A thread that is just being woken may be seen waiting for the GIL.
    assert {name: found.get(name, set()) - {("gil", "")} for name in expected} == {
        name: {target} for name, target in expected.items()
    }
    sampler.close()


def test_threads_that_compute_in_python_wait_for_the_gil_and_for_nothing_else(program, eager):
    process, _, _, _, threads = program
    spinning = {name: native for name, native in threads.items() if name.startswith("spin")}
    sampler = WaitSampler()
    found = seen(sampler, process.pid, spinning, {*spinning})
    if sampler.problem:
        pytest.skip(sampler.problem)
    assert {name: found[name] for name in spinning} == {"spin": {("gil", "")}, "spin_too": {("gil", "")}}
    sampler.close()


def test_a_stopped_process_waits_for_nothing(eager):
    process = subprocess.Popen([sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        clock = (~process.pid << 3) | 2
        begins = time.clock_gettime(clock)
        while time.clock_gettime(clock) < begins + 0.02:  # until it computes
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        sampler = WaitSampler()
        assert seen(sampler, process.pid, {}, set()) == {}
        sampler.close()
    finally:
        process.kill()
        process.communicate()


def test_what_may_not_be_read_is_said_and_is_not_zero(eager, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "")

    sampler = WaitSampler()
    monkeypatch.setattr(waits.os, "pread", refuse)
    sampler.look(notes_of(os.getpid(), {}), {os.getpid(): 0})
    rows, notes = sampler.take()
    assert not len(rows) and not notes
    assert sampler.problem == "operation not permitted"


def test_the_report_says_that_only_call_stacks_tell_what_threads_waited_for(tmp_path):
    (tmp_path / "live").mkdir()
    (tmp_path / "tables").mkdir()
    recorder = Recorder(tmp_path, os.getpid())
    recorder._waits.problem = "operation not permitted"
    recorder.finish()
    assert recorder.notes == [
        "What threads waited for could not be read (operation not permitted): only their call stacks tell."
    ]


def test_passes_stop_while_they_have_cost_more_than_their_share(monkeypatch):
    monkeypatch.setattr(waits, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(waits, "FREE_SECONDS", 0.0)
    monkeypatch.setattr(waits, "COST_SHARE", 0.0)
    sampler = WaitSampler()
    for _ in range(100):
        sampler.look(notes_of(os.getpid(), {}), {os.getpid(): 0})
    assert sampler.passes == 1


def test_descriptors_are_closed_with_their_thread_and_their_process(eager):
    before = len(os.listdir("/proc/self/fd"))
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    sampler = WaitSampler()
    try:
        sampler.look(notes_of(process.pid, {}), {process.pid: 0})
        assert len(os.listdir("/proc/self/fd")) > before
        process.communicate(b"\n")
        sampler.look(notes_of(process.pid, {}), {process.pid: 0})
    finally:
        process.kill()
    assert len(os.listdir("/proc/self/fd")) == before


def test_addresses_are_written_as_people_write_them():
    order = sys.byteorder == "little"
    assert _address(b"0100007F:1538" if order else b"7F000001:1538") == "127.0.0.1:5432"
    loopback = b"00000000000000000000000001000000:0050" if order else b"00000000000000000000000000000001:0050"
    assert _address(loopback) == "[::1]:80"
    mapped = b"0000000000000000FFFF00000100007F:0050" if order else b"00000000000000000000FFFF7F000001:0050"
    assert _address(mapped) == "127.0.0.1:80"


def test_the_numbers_of_this_machine_are_known():
    calls = system_calls()
    if not calls:
        pytest.skip("another machine")
    assert len(calls) > 40 and set(calls) == {number for number in calls if number >= 0}
    assert system_calls("riscv64") == {}
