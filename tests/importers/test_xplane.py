"""XPlane files, made here field by field."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.loading.input_stages import InputStages
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.importers import _xspace, importer_of, xplane
from bottleneck_profiler.importers._protobuf import fields
from bottleneck_profiler.recording.folder import RunError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MS = 1_000_000_000  # in ps
Event = tuple[str, int, int]


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def plane(name: str, lines: dict[str, list[Event]]) -> bytes:
    names = {called: at for at, called in enumerate({event[0] for events in lines.values() for event in events}, 1)}
    body = field(2, name)
    for line, events in lines.items():
        parts = b"".join(
            field(4, field(1, names[called]) + field(2, offset) + field(3, length)) for called, offset, length in events
        )
        body += field(3, field(2, line) + field(3, 5_000) + parts)
    for called, at in names.items():
        body += field(4, field(1, at) + field(2, field(1, at) + field(2, called)))
    return body


def profile(path: Path, planes: Iterable[bytes]) -> Path:
    path.write_bytes(b"".join(field(1, each) for each in planes))
    return path


HOST = plane("/host:CPU", {
    "python": [("$profiler.py:101 start_trace", 0, 9_000 * MS)],
    "tf_data": [("IteratorGetNextOp::DoCompute", 20 * MS, 20 * MS)],
})  # fmt: skip
DEVICE = plane("/device:GPU:1", {
    "Stream #7(Compute)": [("matmul", 10 * MS, 10 * MS), ("ncclDevKernel_AllReduce", 40 * MS, 10 * MS)],
    "Stream #8(MemcpyH2D)": [("MemcpyH2D", 15 * MS, 10 * MS)],
    "Steps": [("0", 10 * MS, 20 * MS), ("1", 30 * MS, 20 * MS)],
    "TensorFlow Ops": [("layer", 10 * MS, 40 * MS)],
})  # fmt: skip


def test_a_profile_says_what_each_device_did(tmp_path):
    made = profile(tmp_path / "host.xplane.pb", [HOST, plane("/device:GPU:0", {}), DEVICE])
    assert importer_of(made) is xplane
    diagnosis = diagnose(xplane.read(made))
    (use,) = diagnosis.devices
    assert (use.index, use.name) == (1, "GPU")
    assert use.window_seconds == pytest.approx(0.04)  # not the nine seconds of the profiler's start
    assert use.busy_share == pytest.approx(0.625)
    assert (use.compute_seconds, use.communication_seconds) == (pytest.approx(0.01), pytest.approx(0.01))
    assert use.copy_seconds["h2d"] == pytest.approx(0.01)
    assert use.data_wait_seconds == pytest.approx(0.02)
    assert (use.steps, use.step_seconds_median) == (2, pytest.approx(0.02))


def test_operations_of_a_tpu_count_once(tmp_path):
    lines = {
        "XLA Modules": [("jit_f", 0, 10 * MS)],
        "XLA Ops": [("fusion.1", 0, 4 * MS), ("all-reduce.2", 6 * MS, 4 * MS)],
    }
    (use,) = diagnose(xplane.read(profile(tmp_path / "a", [plane("/device:TPU:0", lines)]))).devices
    assert (use.name, use.busy_share) == ("TPU", pytest.approx(0.8))
    assert (use.data_wait_seconds, use.steps) == (None, None)


def test_the_same_file_under_two_names_is_one_host(tmp_path):
    for name in ("a.xplane.pb", "b.xplane.pb"):
        profile(tmp_path / name, [HOST, DEVICE])
    recording = xplane.read(tmp_path)
    assert len(diagnose(recording).devices) == 1
    assert any("has the same content" in note for note in recording.run["notes"])


@pytest.mark.parametrize(
    ("content", "said"),
    [(field(1, HOST), "holds no work of a device"), (field(1, DEVICE)[:-7], "in the middle of"), (b"", "no work")],
)
def test_a_profile_that_holds_nothing_or_is_cut_off_is_one_line(tmp_path, content, said):
    (tmp_path / "a.pb").write_bytes(content)
    with pytest.raises(RunError, match=said):
        xplane.read(tmp_path / "a.pb")


def test_other_files_are_not_recognised(tmp_path):
    for number, content in enumerate([b"", b"\x0a", b"\x0a\x80", b'{"traceEvents": []}', field(1, field(2, "page"))]):
        (tmp_path / f"{number}.pb").write_bytes(content)
    assert not any(map(xplane.recognises, [*tmp_path.iterdir(), tmp_path]))


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_an_error(data):
    try:
        for number, value in fields(memoryview(data)):
            assert number >= 0
            assert isinstance(value, int) or len(value) <= len(data)
    except ValueError:
        pass


numbers = st.integers(0, 2**63 - 1) | st.integers(0, 300)
others = st.lists(st.tuples(st.sampled_from([4, 5]), numbers, st.binary(max_size=150)), max_size=2)
times = st.lists(st.tuples(st.sampled_from([1, 2, 3]), numbers, st.none()), max_size=3)
parts = st.builds(lambda before, found, last: before + last if found else last + before, times, st.booleans(), others)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(parts, max_size=12), st.integers(300, 700))
def test_events_are_read_in_parts_as_their_fields_say(made, size):
    messages = [b"".join(field(key, data if key == 4 else value) for key, value, data in event) for event in made]
    line = field(2, "a line") + b"".join(field(4, message) for message in messages) + field(9, 7)
    known = [dict(fields(memoryview(message))) for message in messages]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_xspace, "_PART", size)
        (found,) = _xspace.Plane("", {}, [memoryview(line)]).lines(lambda name: name == "a line")
    assert found.names.tolist() == [each.get(1, 0) for each in known]
    assert found.begins.tolist() == [each.get(2, 0) // 1000 for each in known]
    lengths = [each.get(3, 0) // 1000 for each in known]
    assert (found.ends - found.begins).tolist() == lengths


def test_events_longer_than_a_part_are_read_too(tmp_path):
    long = field(1, 1) + field(2, 7_000) + field(3, 9_000) + field(4, bytes(20_000))
    line = field(2, "Stream #1") + field(4, long) + field(4, field(1, 1) + field(2, 20_000) + field(3, 1_000))
    body = field(2, "/device:GPU:0") + field(3, line) + field(4, field(1, 1) + field(2, field(1, 1) + field(2, "k")))
    table = xplane.read(profile(tmp_path / "a.pb", [body])).device
    assert (table["t0"].tolist(), table["t1"].tolist()) == ([0, 13], [9, 14])


TF_DATA = plane("/host:CPU", {
    "python": [("IteratorGetNextOp::DoCompute", 12 * MS, 25 * MS), ("IteratorGetNextOp::DoCompute", 38 * MS, 10 * MS)],
    "tf_data_1": [
        ("Iterator::Root::Prefetch::Batch", 10 * MS, 38 * MS),
        ("Iterator::Root::Prefetch::Batch::Map", 12 * MS, 30 * MS),
        ("Iterator::Root::Prefetch::Batch::Map::TFRecord", 14 * MS, 4 * MS),
        ("Iterator::Root::Prefetch::Batch::Map::TFRecord", 20 * MS, 2 * MS),
    ],
    "tf_data_2": [("Iterator::Root::Prefetch::Batch::Map", 0, 20 * MS)],  # 10 of them before the device begins
})  # fmt: skip


def test_the_slowest_stage_of_the_input_is_named(tmp_path):
    recording = xplane.read(profile(tmp_path / "host.xplane.pb", [TF_DATA, DEVICE]))
    stages = Artifacts(recording).get(InputStages)
    assert stages.seconds == {
        "Prefetch::Batch::Map": pytest.approx(0.034),
        "Prefetch::Batch": pytest.approx(0.008),
        "Prefetch::Batch::Map::TFRecord": pytest.approx(0.006),
    }
    assert stages.slowest_share == pytest.approx(34 / 48)


def test_a_starved_device_has_the_stage_and_the_words_of_tf_data(tmp_path):
    idle = plane("/device:GPU:0", {
        "Stream #7(Compute)": [("matmul", step * 10 * MS, 2 * MS) for step in range(6)],
        "Steps": [(str(step), step * 10 * MS, 10 * MS) for step in range(6)],
    })  # fmt: skip
    host = plane("/host:CPU", {
        "python": [("IteratorGetNextOp::DoCompute", (step * 10 + 2) * MS, 8 * MS) for step in range(6)],
        "tf_data": [("Iterator::Prefetch::Map", (step * 10 + 2) * MS, 8 * MS) for step in range(6)],
    })  # fmt: skip
    first = diagnose(xplane.read(profile(tmp_path / "a", [host, idle]))).findings[0].finding
    assert first.detector == "starved-gpu" and "num_parallel_calls" in first.fix.snippet
    said = {evidence.label: evidence.value for evidence in first.evidence}
    assert said["slowest stage of the tf.data pipeline by itself"] == "Prefetch::Map"


@pytest.mark.parametrize("suffix", (".gz", ".zst"))
def test_compressed_profiles_are_read_by_their_content(tmp_path, suffix):
    plain = profile(tmp_path / "host.xplane.pb", [HOST, DEVICE]).read_bytes()
    packed = gzip.compress(plain) if suffix == ".gz" else pa.compress(plain, "zstd", asbytes=True)
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / f"host.xplane.pb{suffix}").write_bytes(packed)
    assert importer_of(folder) is xplane
    (use,) = diagnose(xplane.read(folder)).devices
    assert use.window_seconds == pytest.approx(0.04)
    (folder / f"host.xplane.pb{suffix}").write_bytes(packed[: len(packed) // 2])
    if xplane.recognises(folder):
        with pytest.raises(RunError, match="damaged"):
            xplane.read(folder)
