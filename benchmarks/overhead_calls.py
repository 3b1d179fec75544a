"""What a recorded call of a library costs: hooked and unhooked calls in turn, in one process."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PAIRS = 200

PROGRAM = """
import io, json, sys, time
import numpy, pandas, pyarrow, pyarrow.parquet
bootstrap = sys.modules["_bottleneck_child.agent.bootstrap"]
PAIRS, NAME, COLLECTOR = int(sys.argv[1]), sys.argv[2], sys.argv[3]
frame = pandas.DataFrame(numpy.random.default_rng(0).random((100, 3)), columns=list("abc"))
text, binary = "1,2\\n" * 20, io.BytesIO()
frame.to_parquet(binary)
CALLS = {
    "pandas.DataFrame.astype": lambda: frame.astype("float32"),
    "pandas.DataFrame.sort_values": lambda: frame.sort_values("a"),
    "pandas.read_csv": lambda: pandas.read_csv(io.StringIO(text)),
    "pyarrow.parquet.read_table": lambda: pyarrow.parquet.read_table(binary, use_threads=False),
}
call = CALLS[NAME]

def hooked(wanted):
    bootstrap.detach_all() if not wanted else bootstrap.attach(COLLECTOR.replace("__", "."), COLLECTOR)

def block(wanted, count):
    hooked(wanted)
    for _ in range(3):
        call()
    before = time.thread_time_ns()
    for _ in range(count):
        call()
    return (time.thread_time_ns() - before) / count / 1000

alone = block(False, 20)
count = max(5, min(200, int(4000 / alone)))  # about 4 ms
found = []
for turn in range(PAIRS):
    by = {wanted: block(wanted, count) for wanted in ((True, False) if turn % 2 else (False, True))}
    found.append((by[False], by[True] - by[False]))
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Call:
    """A call of a library, the collector that hooks it, and its budget in microseconds of CPU time."""

    name: str
    collector: str
    budget_us: float


CALLS = (
    Call("pandas.DataFrame.astype", "pandas", 2.0),
    Call("pandas.DataFrame.sort_values", "pandas", 2.0),
    Call("pandas.read_csv", "pandas", 5.0),
    Call("pyarrow.parquet.read_table", "pyarrow__parquet", 5.0),
)


def judge(call: Call) -> bool:
    """Measure, print a row, and say whether the budget holds. Raises RuntimeError when the child fails."""
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "calls.py"
        script.write_text(PROGRAM)
        tool = str(Path(sys.executable).with_name("bottleneck"))
        words = ["run", "--quiet", "--stacks=off", "--run-dir", f"{name}/run", "--", sys.executable, str(script)]
        command = [tool, *words, str(PAIRS), call.name, call.collector]
        done = subprocess.run(command, capture_output=True, text=True, cwd=name)
        if done.returncode:
            raise RuntimeError(f"{call.name}: {done.stderr.strip()[-2000:]}")
    pairs = json.loads(done.stdout.splitlines()[-1])
    alone, costs = statistics.median(pair[0] for pair in pairs), sorted(pair[1] for pair in pairs)
    cost, quarter = statistics.median(costs), len(costs) // 4
    fits = cost <= call.budget_us
    print(
        f"{call.name:34}{alone:10.2f}{cost:10.2f}{costs[quarter]:8.2f} .. {costs[-quarter - 1]:6.2f}"
        f"{call.budget_us:9.2f}{'':13}{'ok' if fits else 'OVER'}",
        flush=True,
    )
    return fits
