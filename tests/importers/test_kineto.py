"""Traces that torch.profiler exported are read as recordings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bottleneck_profiler.diagnosis.devices import device_uses
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.exporters.json import to_json
from bottleneck_profiler.importers import importer_of, kineto
from bottleneck_profiler.recording.facts import DeviceTrace, DeviceWindow
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.model import RECORD_DTYPE, Facts, Recording, empty_steps
from bottleneck_profiler.session import analyse, report_folder, write
from click.testing import CliRunner

SECRET = "hf_planted_token"
STEP, WAIT, KERNEL = 10_000, 6_000, 3_000  # microseconds
STEPS = 6


def event(name: str, category: str, ts: float, dur: float, tid: Any = 1, **args: Any) -> dict[str, Any]:
    return {"ph": "X", "name": name, "cat": category, "ts": ts, "dur": dur, "pid": 1, "tid": tid, "args": args}


def on_device(name: str, category: str, ts: float, dur: float, number: int, **more: Any) -> dict[str, Any]:
    return event(name, category, ts, dur, "stream 7", device=0, stream=7, correlation=number, **more)


def trace(old: bool = False, marks: bool = True, device: bool = True) -> dict[str, Any]:
    """Each step waits 6 ms for data, launches a kernel of 3 ms, and updates the weights meanwhile."""
    host, annotation, runtime = (
        ("Operator", "Operator", "Runtime") if old else ("cpu_op", "user_annotation", "cuda_runtime")
    )
    kernel, copy = ("Kernel", "Memcpy") if old else ("kernel", "gpu_memcpy")
    events: list[dict[str, Any]] = [{"ph": "M", "name": "process_name", "pid": 1, "args": {"name": SECRET}}]
    for step in range(STEPS):
        t = 1_000_000 + step * STEP
        if marks:
            events.append(event(f"ProfilerStep#{step}", annotation, t, STEP))
        events += [
            event("enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__", annotation, t, WAIT),
            event("aten::linear", host, t + WAIT, 500),
            event("cudaLaunchKernel", runtime, t + WAIT + 100, 20, correlation=step + 1),
            event("Optimizer.step#SGD.step", annotation, t + WAIT + 600, 400),
        ]
        if device:
            events.append(on_device("sgemm_32x32", kernel, t + WAIT + 200, KERNEL, step + 1))
            events.append(on_device("Memcpy HtoD (Pageable -> Device)", copy, t + WAIT + 3300, 100, 99, bytes=4096))
            events.append(on_device("ncclKernel_AllReduce", kernel, t + WAIT + 3000, 300, 98))
    return {
        "schemaVersion": 1,
        "deviceProperties": [{"id": 0, "name": "Tesla V100", "computeMajor": 7, "computeMinor": 0}] if device else [],
        "distributedInfo": {"backend": "nccl", "rank": 3, "world_size": 8},
        "metadata": {"system": {"env": {"HF_TOKEN": SECRET}}},
        "traceEvents": events,
    }


def saved(folder: Path, content: dict[str, Any], name: str = "worker.pt.trace.json.gz") -> Path:
    path = folder / name
    text = json.dumps(content).encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def diagnosed(path: Path) -> Diagnosis:
    return analyse(path)[1]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz", "anything"])
def test_the_device_and_what_it_waits_for(tmp_path: Path, old: bool, name: str):
    path = saved(tmp_path, trace(old), name)
    assert importer_of(path) is kineto
    diagnosis = diagnosed(path)
    (use,) = diagnosis.devices
    assert (use.name, use.index, use.rank, use.steps, use.basis) == ("Tesla V100", 0, 3, STEPS, "trace")
    assert use.window_seconds == pytest.approx(STEPS * STEP / 1e6)
    assert use.busy_share == pytest.approx((KERNEL + 200) / STEP, abs=0.01)  # two of them overlap
    assert use.compute_seconds == pytest.approx(STEPS * KERNEL / 1e6, rel=0.01)
    assert use.communication_seconds == pytest.approx(STEPS * 300 / 1e6, rel=0.01)
    assert use.exposed_communication_seconds == pytest.approx(STEPS * 100 / 1e6, rel=0.01)
    assert use.copy_seconds["h2d"] == pytest.approx(STEPS * 100 / 1e6, rel=0.01)
    assert use.data_wait_seconds == pytest.approx(STEPS * WAIT / 1e6, rel=0.01)
    assert use.step_seconds_median == pytest.approx(STEP / 1e6)
    first = diagnosis.findings[0].finding
    assert first.detector == "starved-gpu"
    assert first.gain is not None and first.gain.low <= 0.55 <= first.gain.high


def test_without_marks_the_steps_lie_between_two_updates(tmp_path: Path):
    diagnosis = diagnosed(saved(tmp_path, trace(marks=False)))
    assert diagnosis.run.steps == STEPS - 1
    assert diagnosis.findings[0].finding.detector == "starved-gpu"


def test_a_trace_without_a_device_says_nothing_of_one(tmp_path: Path):
    recording, diagnosis = analyse(saved(tmp_path, trace(device=False)))
    assert not diagnosis.devices and not diagnosis.findings and diagnosis.verdict != "fine"
    assert not diagnosis.run.gpus and diagnosis.run.cores == 0
    assert np.array_equal(recording.steps["data_wait"], np.full(STEPS, WAIT))


def test_what_a_trace_leaves_out_is_not_measured(tmp_path: Path):
    diagnosis = diagnosed(saved(tmp_path, trace()))
    assert not [row for row in diagnosis.checked if row.outcome == "not-applicable"]


def test_no_secret_is_copied(tmp_path: Path):
    path = saved(tmp_path, trace())
    recording, diagnosis = analyse(path)
    folder = report_folder(path)
    write(folder, recording, diagnosis, {})
    files = [each for each in folder.rglob("*") if each.is_file()]
    assert files and not [each for each in files if SECRET.encode() in each.read_bytes()]
    assert SECRET not in json.dumps(to_json(diagnosis))


DAMAGED = {
    "cut": b'{"schemaVersion": 1, "traceEvents": [',
    "of another kind": b'{"traceEvents": 7}',
    "without events": b'{"traceEvents": []}',
    "cut gzip": gzip.compress(b'{"traceEvents": [' * 9)[:-9],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_trace_is_named_in_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / "trace.json"
    path.write_bytes(content)
    assert importer_of(path) is kineto
    with pytest.raises(RunError, match=r"trace\.json"):
        kineto.read(path)


def test_a_trace_that_could_not_be_read_has_no_devices():
    facts, none = Facts(), np.empty(0, RECORD_DTYPE)
    facts.add(0, DeviceTrace([], problem="The trace of the device window is damaged."))
    facts.add(0, DeviceWindow(0, 0, 5, 10))
    assert device_uses(Recording({}, facts, empty_steps(), none, none, none, none, {}, {}, 0, 10)) == ()


def test_a_folder_is_the_ranks_of_one_job(tmp_path: Path):
    folder = tmp_path / "job"
    folder.mkdir()
    for rank in (1, 0):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        content["baseTimeNanoseconds"] = 1_700_000_000_000_000_000 + rank * 2_000_000
        saved(folder, content, f"worker{rank}.pt.trace.json.gz")
    saved(folder, trace(), "again.json")
    saved(folder, trace(), "once_more.json")
    (folder / "cut.json").write_bytes(b'{"schemaVersion": 1, "traceEvents": [')
    (folder / "notes.json").write_text("[]")
    recording, diagnosis = analyse(folder)
    assert [use.rank for use in diagnosis.devices] == [0, 1, 3]
    assert diagnosis.run.ranks == 3
    said = " ".join(diagnosis.run.notes)
    assert "cut.json" in said and "once_more.json was left out" in said and "notes.json" not in said
    begins = [int(recording.steps["t0"][recording.steps["process"] == process][0]) for process in (0, 1)]
    assert begins == [0, 0] or begins[1] - begins[0] == 2_000_000  # of one clock


def test_a_folder_without_a_trace_that_can_be_read_is_one_line(tmp_path: Path):
    (tmp_path / "cut.json").write_bytes(b'{"schemaVersion": 1, "traceEvents": [')
    with pytest.raises(RunError, match=r"cut\.json"):
        analyse(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"\x1f\x8bnot gzip", b"name,value\n"])
def test_another_file_is_no_trace(tmp_path: Path, content: bytes):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    assert not kineto.recognises(path)


def test_the_report_of_a_trace(tmp_path: Path):
    from bottleneck_profiler.cli.report import command

    path = saved(tmp_path, trace())
    done = CliRunner().invoke(command, [str(path)])
    assert done.exit_code == 0, done.output
    assert "The accelerator waits for data" in done.output and "Tesla V100" in done.output
    assert (tmp_path / (path.name + ".report") / "report.html").is_file()
