"""Damaged run folders: analysing one works, or raises RunError with one line that names the file. Nothing else."""

from __future__ import annotations

import json
import shutil
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bottleneck_profiler import session, signals
from bottleneck_profiler.agent.frames import line_of
from bottleneck_profiler.agent.recorder import Recorder
from bottleneck_profiler.capture.drain import Drain
from bottleneck_profiler.exporters import json as report_json
from bottleneck_profiler.files import write_json
from bottleneck_profiler.recording.folder import RunError, read_run, summary
from bottleneck_profiler.recording.write import Writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MS = 1_000_000


def notes_of(recorder: Recorder) -> None:
    """One note of most kinds, as the collectors write them."""
    recorder.note("hello", pid=7, ppid=1, time_ns=2 * MS, wall_ns=0, role="main", python="3.11.7", rank="0")
    recorder.note("ready", time_ns=3 * MS)
    for collector in ("training", "stacks", "reading.csv", "pandas", "loaders"):
        recorder.note("attached", collector=collector)
    recorder.note("failed", collector="x", where="before", error="E")
    recorder.note("string", id=3, text="GET / 200")
    recorder.note("site", id=1, file="/job/train.py", line=3, function="main")
    frames = [("load", "/job/train.py", 4, True, True), ("main", "/job/train.py", 3, True)]
    recorder.note("stack", id=1, frames=frames)
    loader = dict(num_workers=2, batch_size=4, prefetch_factor=2, persistent_workers=False, pin_memory=False)
    loader.update(length=9, dataset="D", dataset_site=1, collate="c", collate_site=1, iterable=False)
    recorder.note("loader", id=1, site=1, iter_site=1, **loader)
    read = dict(count=1, wall_ns=MS, cpu_ns=MS, site=1, t0=4 * MS, t1=5 * MS, thread=1, path="/d.csv", size_bytes=9)
    read.update(rows=2, columns=["a"], column_count=1, asked_columns=None, engine=None, dtypes=["i8"])
    recorder.note("read", id=1, call="pandas.read_csv", format="csv", **read)
    recorder.note("used", read=1, columns=["a"])
    recorder.note("probe", read=1, source="x", parquet_seconds=0.1, parquet_low_seconds=0.1, parquet_high_seconds=0.2)
    recorder.note("rowwise", call="c", site=1, rows=200, t0=5 * MS, t1=6 * MS, cpu_ns=9, own_ns=None, columns=3)
    recorder.note("forward", frames=[("main", "/job/train.py", 5)])
    recorder.note("flow_lines", file="/job/train.py", lines=[4, 5])
    recorder.note("serving", event="end", time_ns=90 * MS, arrivals=1, beats=1)
    recorder.note("model_call", site=1, count=4)
    for i in range(4):
        container = dict(container="list", length=10 * i, step=i, time_ns=(20 + 20 * i) * MS, rss_bytes=9, site=1)
        recorder.note("container", name="losses", scope="local", file="/job/train.py", item="int", **container)
    recorder.note("growth_line", name="losses", container_file="/job/train.py", file="/a", line=2, function="f")
    recorder.note("bye", time_ns=99 * MS)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("small") / "run"
    (run / "live").mkdir(parents=True)
    (run / "tables").mkdir()
    recorder = Recorder(str(run))
    notes_of(recorder)
    ring = recorder.ring()
    for i in range(40):
        at = (10 + 2 * i) * MS
        ring.put(signals.DATA_WAIT, signals.FIRST if i == 0 else 0, at, at + MS // 2, 1)
        ring.put(signals.FORWARD, 0, at + MS // 2, at + MS, 4)
        ring.put(signals.BACKWARD, 0, at + MS, at + MS * 3 // 2, 4)
        ring.put(signals.STACK_CPU, signals.NONE, at, at + MS, 1)
        ring.put(signals.BATCH, 4, at, at + MS, MS)
        ring.put(signals.REQUEST if i % 8 == 0 else signals.POOL, 1, at, at + MS, 3)
    ring.put(signals.CHECKPOINT, 0, 91 * MS, 92 * MS, 1)
    drain = Drain(run)
    drain.poll(everything=True)
    host = [{"time_ns": (10 + 5 * i) * MS, "rss_bytes": i, "idle_cores": 0.5, "busy_cores": None} for i in range(17)]
    gpu = [{"time_ns": (10 + 2 * i) * MS, "index": 0, "utilization": 0.1} for i in range(40)]
    steps, records = drain.take(final=True)
    Writer(run).append(steps, records, host, gpu, drain.notes)
    machine = {"cores": 2.0, "memory_bytes": 1 << 30, "hostname": "h"}
    more = {"name": "job", "command": "job.py", "exit_code": 0, "pid": 7, "machine": machine, "gpus": [{"index": 0}]}
    more.update(versions={"python": "3"}, notes=["n"], unit_costs={"call_seconds": 1e-6}, written_records=9)
    more.update(dropped_records=0, totals=[[0, 5, 0, 40, MS], [0, 0, 0, 4, 9]], started_wall_ns=10**18)
    head = {"format": "bottleneck.run", "version": 1, "started_ns": MS, "ended_ns": 100 * MS}
    write_json(run / "run.json", {**head, **more})
    shutil.rmtree(run / "live")
    return run


def outcome(run: Path) -> str:
    """ "" when ``report --json`` would work, else the one line that it prints."""
    try:
        _, diagnosis = session.analyse(run)
        report_json.dumps(diagnosis)
    except RunError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""


@pytest.fixture
def run(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "run"))


def test_the_small_run_is_sound(run: Path):
    assert outcome(run) == ""
    recording, _ = session.analyse(run)
    assert len(recording.steps["t0"]) == 40 and recording.host["busy_cores"].dtype == float
    assert {len(table) for table in (recording.stacks, recording.samples, recording.requests)} == {40}


def test_an_unended_run_without_its_rings_keeps_its_tables(run: Path):
    edit(run, lambda v: v.update(ended_ns=None))
    assert outcome(run) == ""
    recording, _ = session.analyse(run)
    assert len(recording.steps["t0"]) == 40 and recording.ended_ns >= int(recording.steps["t1"].max())


def edit(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = run / "run.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(version="x"),
        lambda v: v.pop("started_ns"),
        lambda v: v.update(totals=[[1, 2]]),
        lambda v: v.update(totals={"a": 1}),
        lambda v: v.update(ended_ns=0),
        lambda v: v.update(machine=[]),
        lambda v: v.update(notes=None),
        lambda v: v.update(started_wall_ns=10**30),
        lambda v: v.update(unit_costs={"call_seconds": "x"}),
    ],
)
def test_run_json_of_another_shape(run: Path, change: Callable[[dict[str, Any]], object]):
    edit(run, change)
    assert str(run / "run.json") in outcome(run)
    assert run.name in summary(run)


def test_a_newer_version_still_says_so(run: Path):
    edit(run, lambda v: v.update(version=99, started_ns="of another kind"))
    assert "newer bottleneck" in outcome(run)
    with pytest.raises(RunError):
        read_run(run)


@pytest.mark.parametrize("line", ["7", "[]", '[0, "read", 3]', '[0, "site", {"id": 1}]', '[0, "bye", {"time_ns": "x"}]',
                                  '[-1, "bye", {"time_ns": 1}]', '[99999999999, "bye", {"time_ns": 1}]', "[" * 100_000,
                                  '[0, "stack", {"id": 1, "frames": [["f", "g", 1]]}]'])  # fmt: skip
def test_a_note_of_another_shape(run: Path, line: str):
    path = run / "tables" / "facts.jsonl"
    before = len(path.read_text().splitlines())
    with open(path, "a") as file:
        file.write(line + "\n")
    _, diagnosis = session.analyse(run)
    assert "Lines of the recording that could not be read were skipped (1)." in diagnosis.run.notes
    assert len(path.read_text().splitlines()) == before + 1  # nothing is thrown away


def test_a_fact_of_a_newer_version_is_named_and_skipped(run: Path):
    with open(run / "tables" / "facts.jsonl", "a") as file:
        file.write('[0, "of_tomorrow", {"x": 1}]\n' * 2)
    _, diagnosis = session.analyse(run)
    assert "Facts of the unknown kind of_tomorrow were skipped (2)." in diagnosis.run.notes


def test_a_frame_without_a_line_has_the_one_before():
    def looped() -> types.FrameType:
        for _ in range(2):
            frame = sys._getframe()
        return frame

    frame = looped()
    nowhere = types.SimpleNamespace(f_lineno=None, f_code=frame.f_code, f_lasti=frame.f_lasti)
    assert line_of(frame) == frame.f_lineno
    assert line_of(nowhere) == frame.f_lineno


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    table = pq.read_table(path)
    columns = {name: table[name] for name in table.column_names}
    change(columns)
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize("name", ["steps", "stacks", "host", "gpu"])
@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("no column", lambda c, key: c.pop(key)),
        ("string", lambda c, key: c.update({key: [str(v) for v in c[key].to_pylist()]})),
        ("double", lambda c, key: c.update({key: [float(v) for v in c[key].to_pylist()]})),
        ("with gaps", lambda c, key: c.update({key: [None, *c[key].to_pylist()[1:]]})),
    ],
)
def test_a_part_of_another_shape(run: Path, name: str, what: str, change: Callable[[dict[str, Any], str], object]):
    (path,) = (run / "tables").glob(f"{name}-*.parquet")
    key = "t0" if name in ("steps", "stacks") else "time_ns"
    rewrite(path, lambda columns: change(columns, key))
    said = outcome(run)
    assert said.startswith(f"{path} is damaged: ") and key in said and what in said


def test_a_number_too_large_for_its_column(run: Path):
    (path,) = (run / "tables").glob("steps-*.parquet")
    rewrite(path, lambda columns: columns.update(loader=[2**40] * 40))
    assert str(path) in outcome(run)


def test_more_columns_are_fine_and_a_foreign_part_is_not(run: Path):
    (path,) = (run / "tables").glob("steps-*.parquet")
    rewrite(path, lambda columns: columns.update(colour=["red"] * 40))
    assert outcome(run) == ""
    foreign = run / "tables" / "steps-00099.parquet"
    pq.write_table(pa.table({"a": [1, 2]}), foreign)
    assert str(foreign) in outcome(run)


def test_parts_may_measure_different_things(run: Path):
    second = run / "tables" / "host-00002.parquet"
    pq.write_table(pa.table({"time_ns": [98 * MS], "swap_in_bytes_total": [4]}), second)
    host = session.analyse(run)[0].host
    assert host["swap_in_bytes_total"][-1] == 4 and np.isnan(host["swap_in_bytes_total"][:-1]).all()
    assert np.isnan(host["idle_cores"][-1]) and host["time_ns"].dtype == np.int64


def test_records_of_a_process_without_notes(run: Path):
    (path,) = (run / "tables").glob("steps-*.parquet")
    rewrite(path, lambda columns: columns.update(process=[5] * 40))
    assert outcome(run) == ""


FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(data=st.data())
def test_any_damaged_bytes(pristine: Path, tmp_path: Path, data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(str(p.relative_to(pristine)) for p in pristine.rglob("*") if p.is_file())))
    original = (pristine / name).read_bytes()
    start = data.draw(st.integers(0, len(original) - 1))
    end = data.draw(st.integers(start, min(len(original), start + 200)))
    new = data.draw(st.one_of(st.binary(max_size=20), st.just(b"\0" * (end - start)), st.binary(min_size=end - start)))
    run = tmp_path / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(pristine, run)
    (run / name).write_bytes(original[:start] + new + original[end:])
    said = outcome(run)
    assert said == "" or str(run / name) in said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inside for place in places(child, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@FUZZ
@given(data=st.data())
def test_any_json_value(pristine: Path, tmp_path: Path, data: st.DataObject):
    name = data.draw(st.sampled_from(["run.json", "tables/facts.jsonl"]))
    text = (pristine / name).read_text()
    lines = [text] if name == "run.json" else text.splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    value = json.loads(lines[number])
    place = data.draw(st.sampled_from(places(value)))
    lines[number] = json.dumps(replaced(value, place, data.draw(JSON)))
    run = tmp_path / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(pristine, run)
    (run / name).write_text("\n".join(lines))
    said = outcome(run)
    assert said == "" or str(run / name) in said
