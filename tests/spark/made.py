"""Event logs made for tests, with the keys that Spark writes."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.importers import spark
from bottleneck_profiler.recording.model import Recording

BEGAN = 1_700_000_000_000  # ms
SQL = "org.apache.spark.sql.execution.ui."
CALLED = "org.apache.spark.sql.Dataset.count(Dataset.scala:1)\nmy.Job.main(Job.scala:7)\njava.lang.Thread.run(T.java:1)"


@dataclass
class Task:
    """``at``, ``seconds``; the rest is what the task's metrics say; ``error``: the class of an exception."""

    at: float
    seconds: float
    executor: str = "1"
    cpu: float | None = None  # default: all of it
    gc: float = 0.0
    start: float = 0.0
    fetch: float = 0.0
    write: float = 0.0
    read: int = 0
    shuffle_read: int = 0
    shuffle_write: int = 0
    written: int = 0
    spilled: int = 0
    error: str = ""
    text: str = ""

    def event(self, stage: int, attempt: int) -> dict[str, Any]:
        run = self.seconds - self.start
        reason = {"Reason": "Success"} if not self.error else {"Reason": "ExceptionFailure", "Class Name": self.error}
        return {
            "Event": "SparkListenerTaskEnd", "Stage ID": stage, "Stage Attempt ID": attempt,
            "Task End Reason": {**reason, "Description": self.text} if self.error else reason,
            "Task Info": {
                "Task ID": 1, "Launch Time": ms(self.at), "Executor ID": self.executor,
                "Finish Time": ms(self.at + self.seconds), "Accumulables": [{"ID": 1, "Value": "?"}],
            },
            "Task Metrics": {
                "Executor Deserialize Time": round(self.start * 1e3), "Executor Run Time": round(run * 1e3),
                "Executor CPU Time": round((run if self.cpu is None else self.cpu) * 1e9),
                "JVM GC Time": round(self.gc * 1e3), "Memory Bytes Spilled": 4 * self.spilled,
                "Disk Bytes Spilled": self.spilled,
                "Shuffle Read Metrics": {
                    "Fetch Wait Time": round(self.fetch * 1e3), "Remote Bytes Read": self.shuffle_read,
                    "Local Bytes Read": 0,
                },
                "Shuffle Write Metrics": {
                    "Shuffle Bytes Written": self.shuffle_write, "Shuffle Write Time": round(self.write * 1e9),
                },
                "Input Metrics": {"Bytes Read": self.read}, "Output Metrics": {"Bytes Written": self.written},
            },
        }  # fmt: skip


def ms(seconds: float) -> int:
    return BEGAN + round(seconds * 1e3)


def node(name: str, *children: dict[str, Any], text: str = "", **metrics: tuple[int, str]) -> dict[str, Any]:
    """An operator of a plan; metrics by name (with _ for spaces): (accumulator, kind)."""
    found = [{"name": k.replace("_", " "), "accumulatorId": a, "metricType": t} for k, (a, t) in metrics.items()]
    return {
        "nodeName": name,
        "simpleString": text or name,
        "children": list(children),
        "metadata": {},
        "metrics": found,
    }


@dataclass
class Log:
    """An application; each method adds events. ``end``: its last second."""

    master: str = "yarn"
    settings: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    end: float = 0.0

    def __post_init__(self) -> None:
        self.add("SparkListenerLogStart", {"Spark Version": "3.5.1"})
        properties = {"spark.master": self.master, **self.settings}
        self.add("SparkListenerEnvironmentUpdate", {"Spark Properties": properties, "JVM Information": {}})
        self.add("SparkListenerApplicationStart", {"App Name": "job", "App ID": "app-1", "Timestamp": BEGAN})

    def add(self, event: str, fields: dict[str, Any]) -> Log:
        self.events.append({"Event": event, **fields})
        return self

    def executor(self, name: str = "1", cores: int = 4, at: float = 1.0) -> Log:
        info = {"Executor ID": name, "Timestamp": ms(at), "Executor Info": {"Host": "h", "Total Cores": cores}}
        return self.add("SparkListenerExecutorAdded", info)

    def query(self, number: int, plan: dict[str, Any], at: float = 2.0, end: float | None = None) -> Log:
        fields = {"executionId": number, "description": "x", "details": "", "sparkPlanInfo": plan, "time": ms(at)}
        self.add(SQL + "SparkListenerSQLExecutionStart", fields)
        return (
            self
            if end is None
            else self.add(SQL + "SparkListenerSQLExecutionEnd", {"executionId": number, "time": ms(end)})
        )

    def stage(
        self, number: int, tasks: Sequence[Task], name: str = "collect at /code/job.py:17", details: str = "",
        operators: Sequence[str] = (), query: int | None = None, values: dict[int, float] | None = None,
        failed: str = "", job_failed: bool = False,
    ) -> Log:  # fmt: skip
        """A stage in a job of its own."""
        begin, end = min(t.at for t in tasks), max(t.at + t.seconds for t in tasks)
        properties = {} if query is None else {"spark.sql.execution.id": str(query)}
        rdds = [
            {"RDD ID": i, "Name": n, "Scope": json.dumps({"id": str(i), "name": n})} for i, n in enumerate(operators)
        ]
        info = {
            "Stage ID": number, "Stage Attempt ID": 0, "Stage Name": name, "Number of Tasks": len(tasks),
            "RDD Info": rdds, "Parent IDs": [], "Details": details, "Submission Time": ms(begin),
        }  # fmt: skip
        job = {"Job ID": number, "Submission Time": ms(begin), "Stage IDs": [number], "Properties": properties}
        self.add("SparkListenerJobStart", job)
        self.add("SparkListenerStageSubmitted", {"Stage Info": info, "Properties": properties})
        self.events += [task.event(number, 0) for task in tasks]
        known = [{"ID": i, "Value": str(v), "Metadata": "sql"} for i, v in (values or {}).items()]
        done = {**info, "Completion Time": ms(end), "Accumulables": known}
        self.add("SparkListenerStageCompleted", {"Stage Info": {**done, "Failure Reason": failed} if failed else done})
        result = {"Result": "JobFailed" if job_failed else "JobSucceeded"}
        self.add("SparkListenerJobEnd", {"Job ID": number, "Completion Time": ms(end), "Job Result": result})
        self.end = max(self.end, end)
        return self

    def lines(self, ended: bool = True) -> bytes:
        last = [{"Event": "SparkListenerApplicationEnd", "Timestamp": ms(self.end)}] if ended else []
        return b"".join(json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in (*self.events, *last))

    def write(self, path: Path) -> Path:
        path.write_bytes(self.lines())
        return path

    def recording(self, folder: Path) -> Recording:
        return spark.read(self.write(folder / "application_1"))

    def artifacts(self, folder: Path) -> Artifacts:
        return Artifacts(self.recording(folder))

    def diagnosis(self, folder: Path) -> Diagnosis:
        return diagnose(self.recording(folder))


def evenly(count: int, seconds: float, at: float = 2.0, cores: int = 4, **metrics: Any) -> list[Task]:
    """``count`` equal tasks, as many at once as there are cores."""
    return [Task(at + (i // cores) * seconds, seconds, **metrics) for i in range(count)]


def lz4_block(content: bytes, size: int = 1 << 12) -> bytes:
    """As lz4-java's LZ4BlockOutputStream writes it; the checksums, which nobody reads here, are 0."""
    packed, codec = b"", pa.Codec("lz4_raw")
    for at in range(0, len(content), size):
        block = content[at : at + size]
        data = codec.compress(block, asbytes=True)
        token, data = (0x25, data) if len(data) < len(block) else (0x15, block)
        packed += struct.pack("<8sBiii", b"LZ4Block", token, len(data), len(block), 0) + data
    return packed + struct.pack("<8sBiii", b"LZ4Block", 0x15, 0, 0, 0)


def xerial_snappy(content: bytes, size: int = 1 << 12) -> bytes:
    """As snappy-java's SnappyOutputStream writes it."""
    packed, codec = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1), pa.Codec("snappy")
    for at in range(0, len(content), size):
        data = codec.compress(content[at : at + size], asbytes=True)
        packed += struct.pack(">i", len(data)) + data
    return packed
