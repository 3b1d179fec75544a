"""Exports of Nsight Systems, made here with the tables and columns that real ones have."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.importers import importer_of, nsight
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.model import DEVICE_KINDS

PROCESS = 9 << 24
THREAD = PROCESS | 5
MS = 1_000_000


def export(path: Path, *statements: str, names: tuple[str, ...] = ("gemm", "ncclDevKernel_AllReduce")) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table StringIds (id integer, value text)")
        database.executemany("insert into StringIds values (?, ?)", enumerate(names))
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


KERNELS = (
    "create table CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, streamId, correlationId, globalPid, shortName)",
    f"insert into CUPTI_ACTIVITY_KIND_KERNEL values ({100 * MS}, {130 * MS}, 1, 7, 1, {PROCESS}, 0)",
    f"insert into CUPTI_ACTIVITY_KIND_KERNEL values ({190 * MS}, {200 * MS}, 1, 7, 2, {PROCESS}, 1)",
)
COPIES = (
    "create table CUPTI_ACTIVITY_KIND_MEMCPY "
    "(start, end, deviceId, streamId, correlationId, globalPid, bytes, copyKind, srcKind, dstKind)",
    f"insert into CUPTI_ACTIVITY_KIND_MEMCPY values ({130 * MS}, {150 * MS}, 1, 7, 3, {PROCESS}, 4096, 1, 0, 2)",
    f"insert into CUPTI_ACTIVITY_KIND_MEMCPY values ({150 * MS}, {155 * MS}, 1, 7, 4, {PROCESS}, 64, 2, 2, 1)",
)
CALLS = (
    "create table CUPTI_ACTIVITY_KIND_RUNTIME (start, end, globalTid, correlationId, nameId)",
    f"insert into CUPTI_ACTIVITY_KIND_RUNTIME values ({99 * MS}, {100 * MS}, {THREAD}, 1, 2)",
    f"insert into CUPTI_ACTIVITY_KIND_RUNTIME values ({155 * MS}, {175 * MS}, {THREAD}, 5, 3)",
)
CALLED = ("gemm", "ncclDevKernel_AllReduce", "cudaLaunchKernel_v7000", "cudaStreamSynchronize_v3020")


def test_an_export_says_what_each_device_did(tmp_path):
    made = export(tmp_path / "a.sqlite", *KERNELS, *COPIES, *CALLS, names=CALLED)
    assert importer_of(made) is nsight
    diagnosis = diagnose(nsight.read(made))
    (use,) = diagnosis.devices
    assert (use.index, use.window_seconds) == (1, pytest.approx(0.1))
    assert use.busy_share == pytest.approx(0.65)
    assert use.compute_seconds == pytest.approx(0.03)
    assert use.copy_seconds == {"h2d": pytest.approx(0.02), "d2h": pytest.approx(0.005), "d2d": 0.0}
    assert use.communication_seconds == use.exposed_communication_seconds == pytest.approx(0.01)
    assert use.sync_seconds == pytest.approx(0.02)
    assert (use.data_wait_seconds, use.steps) == (None, None)
    assert "GPU 1 is idle for 35 % of 100 ms" in diagnosis.headline


def test_the_memory_of_a_copy_and_the_call_behind_a_kernel_are_known(tmp_path):
    table = nsight.read(export(tmp_path / "a", *KERNELS, *COPIES, *CALLS, names=CALLED)).device
    kinds = [DEVICE_KINDS[kind] for kind in table["kind"]]
    assert kinds == ["launch", "kernel", "memcpy_h2d", "memcpy_d2h", "sync", "collective"]
    assert table["pageable"].tolist() == [-1, -1, 1, 0, -1, -1]
    assert table["bytes"].tolist() == [0, 0, 4096, 64, 0, 0]


def test_operations_of_torch_own_what_they_launch(tmp_path):
    ranges = (
        "create table NVTX_EVENTS (start, end, eventType, text, globalTid)",
        f"insert into NVTX_EVENTS values ({98 * MS}, {101 * MS}, 59, 'aten::linear, op_id = 1', {THREAD})",
        f"insert into NVTX_EVENTS values ({99 * MS - 1}, {100 * MS}, 59, 'aten::addmm, op_id = 2', {THREAD})",
    )
    recording = nsight.read(export(tmp_path / "a", *KERNELS, *CALLS, *ranges, names=CALLED))
    kinds = [DEVICE_KINDS[kind] for kind in recording.device["kind"]]
    assert kinds[:3] == ["cpu_op", "launch", "kernel"]
    assert recording.device["op"][:3].tolist() == [0, 0, 0]


def test_two_processes_are_two_ranks(tmp_path):
    other = f"insert into CUPTI_ACTIVITY_KIND_KERNEL values ({100 * MS}, {120 * MS}, 0, 7, 1, {10 << 24}, 0)"
    diagnosis = diagnose(nsight.read(export(tmp_path / "a", *KERNELS, other)))
    assert sorted(use.index for use in diagnosis.devices) == [0, 1]
    assert [use.rank for use in diagnosis.devices] == [0, 1]
    assert any("do not say which ranks they are of" in note for note in diagnosis.run.notes)


def test_the_exports_of_a_folder_are_the_ranks_of_one_job(tmp_path):
    export(tmp_path / "a.sqlite", *KERNELS)
    export(tmp_path / "b.sqlite", *KERNELS, *COPIES)
    export(tmp_path / "copy.sqlite", *KERNELS)
    (tmp_path / "notes.txt").write_text("two nodes")
    assert importer_of(tmp_path) is nsight
    diagnosis = diagnose(nsight.read(tmp_path))
    assert [use.rank for use in diagnosis.devices] == [0, 1] and diagnosis.run.ranks == 2
    said = " ".join(diagnosis.run.notes)
    assert "copy.sqlite was left out: a.sqlite has the same content." in said and "notes.txt" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [((), "no kernels or copies"), (("create table CUPTI_ACTIVITY_KIND_KERNEL (colour)",), "cannot be read")],
)
def test_an_export_without_a_device_is_one_line(tmp_path, content, said):
    with pytest.raises(RunError, match=said):
        nsight.read(export(tmp_path / "a.sqlite", *content))


def test_other_databases_and_damaged_ones_are_not_recognised(tmp_path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute("create table orders (id)")
    assert not nsight.recognises(tmp_path / "shop.db")
    (tmp_path / "cut.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 100)
    assert not nsight.recognises(tmp_path / "cut.sqlite")
    assert not nsight.recognises(tmp_path)


def test_nothing_of_the_environment_is_kept(tmp_path):
    secret = (
        "create table TARGET_INFO_SYSTEM_ENV (name, value)",
        "insert into TARGET_INFO_SYSTEM_ENV values ('T', 's3cret')",
    )
    recording = nsight.read(export(tmp_path / "a", *KERNELS, *secret))
    assert "s3cret" not in repr(recording)
