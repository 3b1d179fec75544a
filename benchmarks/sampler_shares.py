"""How true the call-stack sampler is: a program with known shares, sampled by the product and in three other ways.

The others are a real-time timer in the process, a native thread in it that calls ``sys._current_frames()``, and py-spy
from outside (where it is installed); the last two can see every thread, so they sample a worker thread as well.
The program runs four things in turn, each timed around itself: sleep, C code that holds the GIL (``sum`` of a list),
C code that releases it (``zlib.crc32`` of a large buffer), and plain Python. Usage: ``sampler_shares.py [seconds]``.
"""

from __future__ import annotations

import ast
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("nap", "hold", "release", "python")
REAL_TIME_SECONDS = 0.005


def nap() -> None:
    time.sleep(0.013)


def hold(numbers: list[int]) -> None:
    sum(numbers)


def release(buffer: bytes) -> None:
    zlib.crc32(buffer)


def python() -> None:
    total = 0
    for i in range(160_000):
        total += i & 7


def workload(seconds: float) -> dict[str, float]:
    """True wall seconds of each kind, measured around each call."""
    numbers, buffer = list(range(1_600_000)), bytes(16_000_000)
    spent: Counter[str] = Counter()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for kind, call in zip(KINDS, (nap, lambda: hold(numbers), lambda: release(buffer), python), strict=True):
            before = time.perf_counter()
            call()
            spent[kind] += time.perf_counter() - before
    return dict(spent)


def real_time(seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """(true, sampled) seconds by a real-time interval timer that weighs by elapsed time."""
    sampled: Counter[str] = Counter()
    last = time.perf_counter()

    def handler(number: int, frame: object) -> None:
        nonlocal last
        at = time.perf_counter()
        sampled[_kind_of(frame)] += at - last
        last = at

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, REAL_TIME_SECONDS, REAL_TIME_SECONDS)
    true = workload(seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return true, dict(sampled)


def _kind_of(frame: object) -> str:
    while frame is not None:
        if frame.f_code.co_name in KINDS:  # type: ignore[attr-defined]
            return str(frame.f_code.co_name)  # type: ignore[attr-defined]
        frame = frame.f_back  # type: ignore[attr-defined]
    return "else"


def pair(folder: Path) -> dict[str, dict[str, float]]:
    """{"cpu" or "blocked": seconds by kind} from the rings a child of ``child_main`` left in ``folder``."""
    names: dict[int, str] = {}
    for line in next(folder.glob("live/*.side")).read_text().splitlines():
        kind, fields = ast.literal_eval(line)
        if kind == "stack":
            names[fields["id"]] = next((f[0] for f in fields["frames"] if f[0] in KINDS), "else")
    found: dict[str, dict[str, float]] = {"cpu": Counter(), "blocked": Counter()}
    for path in folder.glob("live/*-3200?.ring"):
        data = path.read_bytes()
        written, capacity = struct.unpack_from("<QI", data, 16)
        if written > capacity:
            raise SystemExit("the ring wrapped: choose fewer seconds")
        for at in range(written):
            t0, t1, kind, _, _, arg = struct.unpack_from("<QQIHHQ", data, 24576 + at * 32)
            found["cpu" if kind == 72 else "blocked"][names.get(arg, "else")] += (t1 - t0) / 1e9
    return found


CHILD = """
import sys, types
package = types.ModuleType("_bottleneck_child")
package.__path__ = [sys.argv[1]]
sys.modules["_bottleneck_child"] = package
from _bottleneck_child.agent import bootstrap as child
if sys.argv[5] == "on":
    child.start(sys.argv[3])
sys.path.insert(0, sys.argv[2])
import json, time, sampler_shares
wall = time.perf_counter()
true = sampler_shares.workload(float(sys.argv[4]))
delay = int(open("/proc/self/schedstat").read().split()[1]) / 1e9
print(json.dumps([true, delay, time.perf_counter() - wall]))
"""


def child(folder: str, seconds: float, state: str) -> tuple[dict[str, float], float, float]:
    """(true seconds by kind, seconds waiting for a core, wall seconds) of a child with the sampler on or off."""
    os.makedirs(os.path.join(folder, "live"), exist_ok=True)
    output = subprocess.run(
        [sys.executable, "-c", CHILD, str(ROOT / "bottleneck"), str(ROOT / "benchmarks"), folder, str(seconds), state],
        check=True,
        capture_output=True,
        text=True,
    )
    if output.stderr:
        print(output.stderr, file=sys.stderr)
    true, delay, wall = json.loads(output.stdout)
    return true, delay, wall


ALL_THREADS = """
import sys
sys.path.insert(0, sys.argv[1])
import ctypes, json, threading, time, _thread, sampler_shares
from collections import Counter
seconds, native, in_thread = float(sys.argv[2]), sys.argv[3] == "native", sys.argv[4] == "thread"
sampled, seen, true, cost, stop = Counter(), [], {}, [0.0], []

def look(_):  # a pthread of our own: threading and _thread do not count it
    before = time.monotonic()
    while not stop:
        libc.usleep(10_000)
        frames, at = sys._current_frames(), time.monotonic()
        for ident in seen:
            if ident in frames:
                sampled[sampler_shares._kind_of(frames[ident])] += at - before
        before, cost[0] = at, time.thread_time()
    return 0

def work():
    seen.append(_thread.get_ident())
    true.update(sampler_shares.workload(seconds))

if native:
    libc = ctypes.CDLL(None)
    callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(look)
    libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, callback, None)
if in_thread:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
stop.append(True)
print(json.dumps([true, sampled, cost[0] / seconds]))
"""


def all_threads(seconds: float, mode: str, where: str) -> subprocess.Popen[str]:
    """A program whose main or other thread works; in mode "native" it samples itself by a native thread."""
    command = [sys.executable, "-c", ALL_THREADS, str(ROOT / "benchmarks"), str(seconds), mode, where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def outside(seconds: float, where: str, folder: Path) -> tuple[dict[str, float], dict[str, float], float]:
    """(true, sampled) seconds by kind with py-spy beside the program, and the share of a core that it took."""
    program = all_threads(seconds, "plain", where)
    time.sleep(0.3)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = folder / f"{where}.raw"
    command = [
        "py-spy",
        "record",
        "-p",
        str(program.pid),
        "-f",
        "raw",
        "-o",
        str(output),
        "-r",
        "50",
        "-i",
        "--nonblocking",
    ]
    spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spy.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)  # the program is waited for after this: py-spy alone
    true, _, _ = json.loads(program.communicate()[0])
    sampled: Counter[str] = Counter()
    for line in output.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        names = [frame.partition(" (")[0] for frame in stack.split(";")]
        if "workload" in names:
            sampled[next((kind for kind in KINDS if kind in names), "else")] += int(count) / 50
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return true, sampled, spent / seconds


def _row(name: str, values: dict[str, float]) -> None:
    total = sum(values.values()) or 1.0
    shares = "".join(f"{100 * values.get(kind, 0) / total:9.1f}" for kind in (*KINDS, "else"))
    print(f"{name:34}{shares}   {total:7.2f} s")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    print(f"{'share of the time, %':34}" + "".join(f"{kind:>9}" for kind in (*KINDS, "else")) + "     total")
    with tempfile.TemporaryDirectory() as folder:
        true, delay, wall = child(folder, seconds, "on")
        found = pair(Path(folder))
        _row("true, sampler on", true)
        both = Counter(found["cpu"])
        both.update(found["blocked"])
        _row("CPU timer + looking thread", both)
        _row("  running (CPU timer)", found["cpu"])
        _row("  blocked (looking thread)", found["blocked"])
        print(f"  weights / (wall - {delay:.2f} s without a core): {sum(both.values()) / (wall - delay):.3f}")
        for line in next(Path(folder).glob("live/*.side")).read_text().splitlines():
            kind, fields = ast.literal_eval(line)
            if kind == "sampler":
                cost = fields["tick_cost_ns"] + fields["look_cost_ns"]
                print(
                    f"  {fields['ticks']} ticks of {fields['tick_cost_ns'] / max(1, fields['ticks']) / 1e3:.1f} us, "
                    f"{fields['looks']} looks of {fields['look_cost_ns'] / max(1, fields['looks']) / 1e3:.1f} us, "
                    f"{100 * cost / 1e9 / wall:.2f} % of a core"
                )
    true, sampled = real_time(seconds)
    _row("true, real-time timer on", true)
    _row("real-time timer, weighted", sampled)
    with tempfile.TemporaryDirectory() as folder:
        for where in ("main", "thread"):
            true, sampled, cost = json.loads(all_threads(seconds, "native", where).communicate()[0])
            _row(f"true, native thread on ({where})", true)
            _row(f"native thread, {100 * cost:.2f} % of a core", sampled)
            if shutil.which("py-spy"):
                true, sampled, cost = outside(seconds, where, Path(folder))
                _row(f"true, py-spy on ({where})", true)
                _row(f"py-spy, {100 * cost:.2f} % of a core", sampled)


if __name__ == "__main__":
    main()
