"""A trace is read in parts, wherever they are cut, and as far as it goes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bottleneck_profiler.importers import importer_of, kineto
from bottleneck_profiler.recording import trace_files
from bottleneck_profiler.recording.trace_events import EventStream
from bottleneck_profiler.session import analyse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .test_kineto import SECRET, STEPS, saved, trace

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
AWKWARD = ["}, {", '"}],"', "\\", '\\"}, {"', "[", "]}", "é", "\n", "traceEvents", '"traceEvents": [']


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_files, "_PIECE", 50)
    monkeypatch.setattr(trace_files, "_BLOCK", 50)


def streamed(path: Path) -> tuple[list[str], EventStream]:
    stream = EventStream(path)
    return [event.name for part in stream for event in part], stream


texts = st.lists(st.sampled_from([*AWKWARD, "a", "kernel"]), max_size=4).map("".join)
keys = texts.filter(lambda text: text != "traceEvents")  # the first key of that name is taken for the list
values = st.recursive(
    texts | st.integers() | st.none(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(keys, each, max_size=3),
)
events = st.lists(
    st.fixed_dictionaries({"name": texts, "ph": st.just("X"), "args": st.dictionaries(texts, values, max_size=3)}),
    max_size=12,
)


@settings(suppress_health_check=QUIET, deadline=None, max_examples=150)
@given(events, values, values, st.sampled_from([None, 1, 4]), st.booleans())
def test_every_event_is_read_once_wherever_the_parts_are_cut(tmp_path, found, before, after, indent, bare):
    content: Any = found if bare else {"before": before, "traceEvents": found, "after": after, "baseTimeNanoseconds": 7}
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(content, indent=indent))
    names, stream = streamed(path)
    assert names == [event["name"] for event in found]
    assert not stream.problems
    assert bare or stream.header.baseTimeNanoseconds == 7


@settings(suppress_health_check=QUIET, deadline=None, max_examples=100)
@given(events, st.data(), st.sampled_from(["plain", "gzip", "zstd"]))
def test_of_a_file_that_was_cut_off_what_is_there_is_used(tmp_path, found, data, packed):
    whole = json.dumps({"schemaVersion": 1, "traceEvents": found, "baseTimeNanoseconds": 7}).encode()
    names = [event["name"] for event in found]
    pack = {"plain": bytes, "gzip": gzip.compress, "zstd": lambda each: pa.Codec("zstd").compress(each, asbytes=True)}
    packed_whole = pack[packed](whole)
    path = tmp_path / "trace.json"
    path.write_bytes(packed_whole[: data.draw(st.integers(1, len(packed_whole) - 1))])
    try:
        read, stream = streamed(path)
    except ValueError:
        return  # it does not reach the events
    assert read == names[: len(read)]
    assert stream.problems or packed != "plain" or read == names


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: pa.Codec("zstd").compress(data, asbytes=True)])
def test_compressed_files_are_recognised_by_content(tmp_path, pack):
    path = tmp_path / "trace"
    path.write_bytes(pack(json.dumps(trace()).encode()))
    assert importer_of(path) is kineto
    assert analyse(path)[1].devices[0].steps == STEPS


def test_several_gzip_members_are_one_trace(tmp_path):
    text = json.dumps(trace()).encode()
    path = tmp_path / "trace.json.gz"
    path.write_bytes(gzip.compress(text[:1000]) + gzip.compress(text[1000:]))
    assert analyse(path)[1].devices[0].steps == STEPS


@pytest.mark.parametrize("shape", ["other keys first", "pretty", "bare", "byte order mark", "keys of events turned"])
def test_the_shape_of_the_file_does_not_matter(tmp_path, shape):
    content = trace()
    listed = content["traceEvents"]
    if shape == "other keys first":
        text = json.dumps({"metadata": {"text": '"traceEvents": ['}, "traceEvents": listed, **content})
    elif shape == "bare":
        text = json.dumps(listed)
    elif shape == "keys of events turned":
        text = json.dumps({**content, "traceEvents": [dict(reversed(event.items())) for event in listed]})
    else:
        text = "\ufeff" * (shape != "pretty") + json.dumps(content, indent=4)
    path = tmp_path / "trace.json"
    path.write_text(text, encoding="utf-8")
    assert importer_of(path) is kineto
    diagnosis = analyse(path)[1]
    assert diagnosis.devices[0].steps == STEPS and not diagnosis.run.notes
    assert diagnosis.findings[0].finding.detector == "starved-gpu"


def test_a_cut_trace_is_reported_as_far_as_it_goes_and_says_so(tmp_path):
    path = saved(tmp_path, trace(), "cut.json")
    text = path.read_bytes()
    path.write_bytes(text[: len(text) * 3 // 4])
    diagnosis = analyse(path)[1]
    assert 1 < (diagnosis.devices[0].steps or 0) < STEPS
    (said,) = diagnosis.run.notes
    assert "cut.json" in said and "ends in the middle of its events" in said and "\n" not in said


def test_events_that_are_no_json_are_left_out_and_counted(tmp_path):
    text = json.dumps(trace()).replace('"name": "sgemm_32x32"', '"name": sgemm_32x32', 1)
    text = text.replace('"bytes": 4096', '"bytes": N/A', 1).replace(
        '"name": "Optimizer', '"name": "\\ud800Optimizer', 1
    )
    path = tmp_path / "trace.json"
    path.write_text(text)
    diagnosis = analyse(path)[1]
    assert diagnosis.devices[0].compute_seconds == pytest.approx((STEPS - 1) * 3e-3, rel=0.05)
    assert any("1 of its events" in note or "2 of its events" in note for note in diagnosis.run.notes)


@pytest.mark.parametrize("value", [None, "x", [1], {"a": 1}, 1e300, 2**80, "12"])
@pytest.mark.parametrize("key", ["correlation", "device", "stream", "bytes"])
def test_values_of_another_kind_are_taken_for_unknown(tmp_path, key, value):
    content = trace()
    for event in content["traceEvents"]:
        if key in event.get("args", {}):
            event["args"][key] = value
    content["deviceProperties"], content["distributedInfo"], content["baseTimeNanoseconds"] = value, value, value
    analyse(saved(tmp_path, content))


def test_a_token_anywhere_in_the_file_is_in_no_part_of_the_recording(tmp_path):
    content = {f"unknown_{SECRET}": SECRET, **trace(), "environment": {"TOKEN": SECRET}, "INFO": [SECRET]}
    for event in content["traceEvents"]:
        event["args"]["unknown"] = SECRET
    recording, _ = analyse(saved(tmp_path, content))
    assert SECRET not in repr(recording)
