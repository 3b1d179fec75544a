"""How fast traces of other tools are read, and how much memory that takes, on large files made of real events.

    ingest.py TRACES [--megabytes 1000] [--only NAME ...] [--hta PYTHON] [--ranks 256] [--scheduler ADDRESS]

TRACES is a folder with real ``kineto/``, ``xplane/`` and ``spark/`` traces. From one of each a file of --megabytes is
made in a temporary folder: its events again and again, later each time, unpadded. Each reading runs in a process of its
own, which gives its CPU time (all threads) and its peak memory. ``spark``: an event log, with the memory that each
further task takes. ``kineto``: against the budgets; ``hta``: the reader of
HolisticTraceAnalysis, in the environment of --hta, on a tenth of the megabytes beside ours; ``xplane``; ``ranks``: many
generated ranks of one job, imported by processes of this machine and, with --scheduler, by a Dask cluster, whose
diagnoses must be the same to the byte. Linux only. Exit code 1 when a budget is missed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bottleneck_profiler.importers._protobuf import fields, fields_until
from bottleneck_profiler.recording.trace_events import _read_brackets
from bottleneck_profiler.recording.trace_files import pieces

SPARK, SPARK_MB, TASK_BYTES = "spark/nds_q72_dataproc_2_2.zstd", 100, 100  # per CPU second; of memory a task
SPARK_TIMES = 5  # as large as the others: what is kept of stages and queries is bounded, and full by half of that
KINETO, XPLANE = "kineto/hta_nccl_ddp/nccl_data.json.gz", "xplane/GPU-multi-worker/34.83.195.179_6003.xplane.pb"
KINETO_MB, KINETO_EVENTS, XPLANE_MB, HTA_TIMES = 60, 250_000, 20, 10  # per CPU second; as often as HTA
MEMORY_SHARE, MEMORY_MB = 0.5, 200  # of the file's size, and beside it
RANKS_MB, RANK_MEGABYTES = 1500, 9  # of the importing process; of each generated rank

MEASURE = """
import json, resource, sys, time
def peak_mb():
    with open("/proc/self/status") as status:  # getrusage counts what the process was before exec, too
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
"""
OURS = """
from pathlib import Path
from bottleneck_profiler.importers import importer_of
path = Path(sys.argv[1])
importer = importer_of(path)
before = time.process_time()
recording = importer.read(path)
print(json.dumps({"cpu": time.process_time() - before, "rows": len(recording.device.get("t0", recording.tasks)),
                  "peak_mb": peak_mb()}))
"""
HTA = """
from hta.common.trace_parser import parse_trace_dataframe
from hta.configs.parser_config import ParserConfig
before = time.process_time()
frame = parse_trace_dataframe(sys.argv[1], ParserConfig.get_default_cfg())[1]
print(json.dumps({"cpu": time.process_time() - before, "rows": len(frame), "peak_mb": peak_mb()}))
"""
IMPORT = """
from bottleneck_profiler.cli import main
try:
    main(["import", "--run-dir", *sys.argv[1:]])
except SystemExit as ended:
    assert not ended.code, ended.code
children, mine = (resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
print(json.dumps({"cpu": sum(each.ru_utime + each.ru_stime for each in (children, mine)), "peak_mb": peak_mb(),
                  "worker_mb": children.ru_maxrss / 1024}))
"""


@dataclass
class Trace:
    """A real trace that can be repeated: the bytes before its events, those of the events, and those behind them."""

    before: bytes
    events: bytes
    after: bytes
    count: int
    microseconds: float

    @classmethod
    def read(cls, path: Path) -> Trace:
        data = gzip.decompress(path.read_bytes())
        begin = data.index(b"[", data.index(b'"traceEvents"')) + 1
        ends, close = _read_brackets(data[begin:])
        assert close is not None
        timed = [
            event for event in json.loads(data)["traceEvents"] if event.get("ph") == "X" and event["cat"] != "Trace"
        ]
        first, last = min(event["ts"] for event in timed), max(event["ts"] + event["dur"] for event in timed)
        events = data[begin : begin + ends[-1]]
        return cls(data[:begin], events, data[begin + close :], len(ends), last - first + 1000)

    def repeated(self, path: Path, megabytes: float, rank: int = 0) -> int:
        """Write the events again and again, each time later. Returns their number."""
        times = re.compile(rb'("ts": ?)([0-9.]+)|("correlation": ?)([0-9]+)')
        written = repetitions = 0
        with open(path, "wb") as file:
            file.write(re.sub(rb'("rank": ?)\d+', b"\\g<1>%d" % rank, self.before))
            while not repetitions or written + len(self.events) <= megabytes * 1e6:
                shift, more = repetitions * self.microseconds, repetitions * 1_000_000

                def later(found: re.Match[bytes], shift: float = shift, more: int = more) -> bytes:
                    if found[1]:
                        return found[1] + b"%.3f" % (float(found[2]) + shift)
                    return found[3] + b"%d" % (int(found[4]) + more)

                written += file.write(
                    b"," * bool(repetitions) + (times.sub(later, self.events) if repetitions else self.events)
                )
                repetitions += 1
            file.write(self.after)
        return repetitions * self.count


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def framed(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def repeated_profile(source: Path, path: Path, megabytes: float) -> None:
    """Write the profile with the events of each line again and again, each time later."""
    data = memoryview(source.read_bytes())
    times = max(1, round(megabytes * 1e6 / len(data) * 1.6))  # names and properties are not repeated
    with open(path, "wb") as file:
        at = 0
        for key, value, end in fields_until(data):
            if key == 1 and isinstance(value, memoryview):
                file.write(framed(1, b"".join(_repeated_lines(value, times))))
            else:
                file.write(data[at:end])
            at = end


def _repeated_lines(plane: memoryview, times: int) -> list[bytes]:
    out, at = [], 0
    for key, value, end in fields_until(plane):
        out.append(
            framed(3, _repeated_line(value, times)) if key == 3 and isinstance(value, memoryview) else plane[at:end]
        )
        at = end
    return out


def _repeated_line(line: memoryview, times: int) -> bytes:
    others, events, at = [], list[tuple[int, int, bytes, bytes]](), 0
    for key, value, end in fields_until(line):
        if key == 4 and isinstance(value, memoryview):
            known = dict(fields(value))
            rest = b"".join(bytes(value[a:b]) for a, b in _without_offset(value))
            events.append((known.get(2, 0), known.get(3, 0), varint(1 << 3) + varint(known.get(1, 0)), rest))
        else:
            others.append(bytes(line[at:end]))
        at = end
    span = max((offset + length for offset, length, _, _ in events), default=0) + 1_000_000
    again = (
        framed(4, name + varint(2 << 3) + varint(offset + repetition * span) + rest)
        for repetition in range(times)
        for offset, _, name, rest in events
    )
    return b"".join([*others, *again])


def _without_offset(event: memoryview) -> list[tuple[int, int]]:
    kept, at = [], 0
    for key, _, end in fields_until(event):
        if key > 2:
            kept.append((at, end))
        at = end
    return kept


def measured(code: str, *arguments: object, python: str = sys.executable) -> dict[str, float]:
    done = subprocess.run(
        [python, "-c", MEASURE + code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"ingest: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def told(name: str, megabytes: float, found: dict[str, float], *more: str) -> None:
    figures = [f"{megabytes / found['cpu']:.0f} MB per CPU second", f"peak {found['peak_mb']:.0f} MB", *more]
    print(f"{name}: {megabytes:.0f} MB: {', '.join(figures)}", flush=True)


def memory_allowed(megabytes: float) -> float:
    return MEMORY_SHARE * megabytes + MEMORY_MB


def kineto(arguments: argparse.Namespace, folder: Path) -> bool:
    path = folder / "trace.json"
    count = Trace.read(arguments.traces / KINETO).repeated(path, arguments.megabytes)
    size, found = path.stat().st_size / 1e6, measured(OURS, path)
    path.unlink()
    told("kineto", size, found, f"{count / found['cpu']:,.0f} events per CPU second")
    fast = size / found["cpu"] >= KINETO_MB and count / found["cpu"] >= KINETO_EVENTS
    return fast and found["peak_mb"] <= memory_allowed(size)


def hta(arguments: argparse.Namespace, folder: Path) -> bool:
    path = folder / "trace.json"
    Trace.read(arguments.traces / KINETO).repeated(path, arguments.megabytes / 10)
    size, pairs = (
        path.stat().st_size / 1e6,
        [(measured(OURS, path), measured(HTA, path, python=arguments.hta)) for _ in "ab"],
    )
    ours, theirs = (min(each, key=lambda found: found["cpu"]) for each in zip(*pairs, strict=True))
    path.unlink()
    told("ours", size, ours)
    told("hta", size, theirs, f"{theirs['cpu'] / ours['cpu']:.1f} times as much CPU time")
    return theirs["cpu"] >= HTA_TIMES * ours["cpu"]


def xplane(arguments: argparse.Namespace, folder: Path) -> bool:
    path = folder / "host.xplane.pb"
    repeated_profile(arguments.traces / XPLANE, path, arguments.megabytes)
    size, found = path.stat().st_size / 1e6, measured(OURS, path)
    path.unlink()
    told("xplane", size, found, f"{found['rows']:,.0f} rows")
    return size / found["cpu"] >= XPLANE_MB and found["peak_mb"] <= memory_allowed(size)


def repeated_log(source: Path, path: Path, megabytes: float) -> None:
    """Write an application's events again and again, each time as other jobs, stages and queries."""
    lines = b"".join(pieces(source)).splitlines(keepends=True)
    begin = next(i for i, line in enumerate(lines) if b'"SparkListenerApplicationStart"' in line[:60]) + 1
    body, numbers = b"".join(lines[begin:-1]), re.compile(rb'("(?:Stage ID|Job ID|executionId)":|"Stage IDs":\[)(\d+)')
    with open(path, "wb") as file:
        written = file.write(b"".join(lines[:begin]))
        repetition = 0
        while written < megabytes * 1e6:
            more = 1000 * repetition
            written += file.write(numbers.sub(lambda found, more=more: found[1] + b"%d" % (int(found[2]) + more), body))
            repetition += 1
        file.write(lines[-1])


def spark(arguments: argparse.Namespace, folder: Path) -> bool:
    path, source = folder / "application_1", arguments.traces / SPARK
    megabytes = SPARK_TIMES * arguments.megabytes
    repeated_log(source, path, megabytes / 2)
    half = measured(OURS, path)
    repeated_log(source, path, megabytes)
    size, found = path.stat().st_size / 1e6, measured(OURS, path)
    path.unlink()
    each = (found["peak_mb"] - half["peak_mb"]) * 2**20 / (found["rows"] - half["rows"])
    told("spark", size, found, f"{found['rows']:,.0f} tasks", f"{each:.0f} bytes for each more than half of them")
    return size / found["cpu"] >= SPARK_MB and each <= TASK_BYTES


def ranks(arguments: argparse.Namespace, folder: Path) -> bool:
    real, job = Trace.read(arguments.traces / KINETO), folder / "job"
    job.mkdir()
    for rank in range(arguments.ranks):
        real.repeated(job / f"rank{rank}.json", RANK_MEGABYTES, rank)
    size, good, seen = sum(each.stat().st_size for each in job.iterdir()) / 1e6, True, set[bytes]()
    for name, options in {"processes": [], "cluster": ["--scheduler", arguments.scheduler]}.items():
        if name == "cluster" and not arguments.scheduler:
            continue
        found = measured(IMPORT, folder / name, job, *options)
        also = "without its workers" if name == "cluster" else f"largest process {found['worker_mb']:.0f} MB"
        told(f"{arguments.ranks} ranks, {name}", size, found, also)
        good &= found["peak_mb"] <= RANKS_MB and found["worker_mb"] <= memory_allowed(RANK_MEGABYTES)
        diagnosis: dict[str, Any] = json.loads((folder / name / "diagnosis.json").read_text(encoding="utf-8"))
        diagnosis["run"] |= {"path": "", "started": "", "name": ""}
        seen.add(json.dumps(diagnosis).encode())
    if len(seen) > 1:
        print("the diagnoses differ")
    return good and len(seen) == 1


MEASURES: dict[str, Callable[[argparse.Namespace, Path], bool]] = {
    "kineto": kineto, "hta": hta, "xplane": xplane, "spark": spark, "ranks": ranks,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, metavar="TRACES")
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument("--only", nargs="+", choices=MEASURES)
    parser.add_argument("--hta", metavar="PYTHON", help="an interpreter with HolisticTraceAnalysis")
    parser.add_argument("--ranks", type=int, default=256)
    parser.add_argument("--scheduler", metavar="ADDRESS", default="")
    arguments = parser.parse_args()
    wanted = arguments.only or [name for name in MEASURES if name != "hta" or arguments.hta]
    if "hta" in wanted and not arguments.hta:
        parser.error("hta needs --hta PYTHON")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    good = True
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
            good &= MEASURES[name](arguments, Path(folder))
    print("within the budgets" if good else "a budget is missed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
