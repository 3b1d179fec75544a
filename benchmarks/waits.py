"""What it costs the supervisor to read what threads wait for: CPU time a pass, and share of a core.

    python benchmarks/waits.py [--seconds 20]

Each case is one program with so many threads, of which some keep waking up. A thread that has not run since the last
pass is not looked at again, so those that do run are what a pass costs. The first connection of a run costs a read of
the kernel's tables, which is listed apart.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

from bottleneck_profiler.collectors.host import waits

CASES = ((1, 0), (16, 0), (16, 8), (120, 0), (120, 60))  # threads, and how many of them keep waking up
PROGRAM = """
import socket, sys, threading, time
threads, awake = int(sys.argv[1]), int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
def wake():
    while True:
        client.getpeername()
        time.sleep(0.01)
ways = [wake if number < awake else lambda: client.recv(1) for number in range(threads - 1)]
started = [threading.Thread(target=way, daemon=True) for way in ways]
for thread in started:
    thread.start()
print(*(thread.native_id for thread in started), flush=True)
sys.stdin.read()
"""


def measure(threads: int, awake: int, seconds: float) -> tuple[int, float, float, float]:
    """(passes, median CPU seconds of a pass, CPU seconds of all but the tables, CPU seconds of the tables)."""
    words = [sys.executable, "-c", PROGRAM, str(threads), str(awake)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        native = [int(word) for word in program.stdout.readline().split()]
        notes: list[waits.Note] = [(0, "hello", {"pid": program.pid})]
        notes += [(0, "thread", {"native_id": each}) for each in native]
        sampler, costs, end = waits.WaitSampler(), list[float](), time.monotonic() + seconds
        while time.monotonic() < end:
            passes, before = sampler.passes, sampler.cost_seconds
            sampler.look(notes, {program.pid: 0})
            if sampler.passes > passes:
                costs.append(sampler.cost_seconds - before)
            time.sleep(0.05)  # the supervisor's tick
        sampler.close()
        program.kill()
    return sampler.passes, median(costs), sampler.cost_seconds - sampler.table_seconds, sampler.table_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each case")
    seconds = parser.parse_args().seconds
    print(f"{'threads':>8}{'awake':>8}{'passes/s':>10}{'us/pass':>10}{'of a core':>12}{'tables':>10}")
    for threads, awake in CASES:
        passes, each, cost, tables = measure(threads, awake, seconds)
        share = f"{100 * cost / seconds:.3f} %"
        print(f"{threads:8}{awake:8}{passes / seconds:10.1f}{each * 1e6:10.0f}{share:>12}{tables * 1e3:7.1f} ms")


if __name__ == "__main__":
    main()
