"""Damaged, truncated, foreign and empty files cost one line each; no file of a run holds secrets of a trace."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from bottleneck_profiler.session import analyse

from . import test_nsight, test_xplane
from .test_import import imported
from .test_kineto import SECRET, saved, trace


def kineto(folder: Path) -> Path:
    content = {"metadata": {"system": {"env": {"HF_TOKEN": SECRET}}}, f"unknown {SECRET}": SECRET, **trace()}
    for event in content["traceEvents"]:
        event.setdefault("args", {})[f"key {SECRET}"] = SECRET
        event["unknown"] = [SECRET]
    content["traceEvents"].append({"ph": "M", "name": "process_labels", "pid": 1, "args": {"labels": SECRET}})
    content["INFO"] = [f"started with TOKEN={SECRET}"]
    return saved(folder, content)


def nsight(folder: Path) -> Path:
    return test_nsight.export(
        folder / "a.sqlite",
        *test_nsight.KERNELS,
        *test_nsight.CALLS,
        "create table TARGET_INFO_SYSTEM_ENV (name, value)",
        f"insert into TARGET_INFO_SYSTEM_ENV values ('DeviceEnvironment', 'HF_TOKEN={SECRET}')",
        "create table META_DATA_CAPTURE (name, value)",
        f"insert into META_DATA_CAPTURE values ('PROCESS_0:ENVIRONMENT_VARIABLE', 'HF_TOKEN={SECRET}')",
        "create table PROCESSES (pid, name)",
        f"insert into PROCESSES values (1, 'server --token {SECRET}')",
        names=(*test_nsight.CALLED, f"HF_TOKEN={SECRET}"),
    )


def xplane(folder: Path) -> Path:
    secret = test_xplane.field(6, test_xplane.field(1, 1) + test_xplane.field(5, SECRET))
    environment = test_xplane.plane("Task Environment", {}) + secret
    planes = [test_xplane.HOST + secret, test_xplane.DEVICE + secret, environment]
    return test_xplane.profile(folder / "host.pb", planes)


MADE = [kineto, nsight, xplane]


@pytest.mark.parametrize("make", MADE)
def test_what_is_private_is_in_no_file_of_the_run(tmp_path, make):
    path = make(tmp_path)
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert SECRET.encode() in data
    assert imported(path, run_dir=tmp_path / "run").exit_code == 0
    files = [each for each in (tmp_path / "run").rglob("*") if each.is_file()]
    assert len(files) > 5
    assert not [each for each in files if SECRET.encode() in each.read_bytes()]
    recording, _ = analyse(tmp_path / "run")
    assert SECRET not in repr(recording)


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.97])
def test_a_file_that_was_cut_is_a_run_or_one_line(tmp_path, make, share):
    path = make(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    done = imported(path, run_dir=tmp_path / "run")
    if done.exit_code:
        assert done.exit_code == 2 and len(done.output.splitlines()) == 1
        assert path.name in done.output and "Traceback" not in done.output
        assert not (tmp_path / "run").exists()
    else:
        assert (tmp_path / "run" / "run.json").is_file()


FOREIGN = {
    "empty": b"",
    "spaces": b" \n",
    "text": b"epoch,loss\n1,2\n",
    "another JSON": json.dumps({"nodes": [1, 2], "edges": []}).encode(),
    "a list": b"[1, 2, 3]",
    "zeros": bytes(4096),
    "an empty gzip": gzip.compress(b""),
    "an empty zstd": pa.Codec("zstd").compress(b"", asbytes=True),
    "gzip of text": gzip.compress(b"hello"),
    "only the magic of gzip": b"\x1f\x8b",
    "only the magic of zstd": b"\x28\xb5\x2f\xfd",
    "deep": b'{"traceEvents": [' + b'{"args": {"a": ' + b"[" * 100_000,
    "events of another kind": b'{"traceEvents": {"a": 1}}',
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_one_line(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    done = imported(path, run_dir=tmp_path / "run")
    assert done.exit_code == 2 and "file.json" in done.output
    assert len(done.output.splitlines()) == 1 and "Traceback" not in done.output


def test_paths_that_are_no_traces_are_notes_beside_one_that_is(tmp_path):
    (tmp_path / "notes.txt").write_bytes(FOREIGN["text"])
    paths = [tmp_path / "missing.json", saved(tmp_path, trace()), tmp_path / "notes.txt"]
    done = imported(*paths, run_dir=tmp_path / "run")
    assert done.exit_code == 0, done.output
    notes = analyse(tmp_path / "run")[1].run.notes
    assert [name for name in ("missing.json", "notes.txt") if any(name in note for note in notes)] == [
        "missing.json", "notes.txt",
    ]  # fmt: skip


def test_bad_files_among_good_ones_are_notes(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    for rank in range(2):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        saved(folder, content, f"{rank}.json")
    (folder / "damaged.json").write_bytes(FOREIGN["events of another kind"])
    (folder / "cut.json.gz").write_bytes(gzip.compress(json.dumps(trace()).encode())[:60])
    (folder / "notes.txt").write_bytes(FOREIGN["text"])
    (folder / "sub").mkdir()
    diagnosis = analyse(folder)[1]
    assert [use.rank for use in diagnosis.devices] == [0, 1]
    assert all("\n" not in note for note in diagnosis.run.notes)
    assert [note for note in diagnosis.run.notes if "damaged.json" in note]
