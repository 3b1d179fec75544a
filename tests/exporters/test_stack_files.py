"""The sampled stacks of all threads as files for other tools: what their formats demand, and nothing lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from artifacts.recorded import golden
from bottleneck_profiler.artifacts import Artifacts
from bottleneck_profiler.artifacts.run.every_thread import EveryThread
from bottleneck_profiler.diagnosis.analysis import diagnose
from bottleneck_profiler.exporters import collapsed, speedscope
from bottleneck_profiler.recording.facts import Thread
from bottleneck_profiler.recording.model import Frame, Recording
from run.made_up import Stood, library, recording, user

MAIN, READ = user(9, "main"), library("read", "/usr/lib/python3/site-packages/lib/io.py")
SELECT = library("BaseSelectorEventLoop.select", "/usr/lib/python3.12/selectors.py")

#: What speedscope's file-format-spec.ts says of a file with sampled profiles.
SCHEMA = {
    "type": "object",
    "required": ["$schema", "shared", "profiles"],
    "properties": {
        "$schema": {"const": "https://www.speedscope.app/file-format-schema.json"},
        "shared": {
            "type": "object",
            "required": ["frames"],
            "properties": {
                "frames": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "file": {"type": "string"},
                            "line": {"type": "number"},
                            "col": {"type": "number"},
                        },
                    },
                }
            },
        },
        "profiles": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "name", "unit", "startValue", "endValue", "samples", "weights"],
                "properties": {
                    "type": {"const": "sampled"},
                    "name": {"type": "string"},
                    "unit": {"enum": ["none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"]},
                    "startValue": {"type": "number"},
                    "endValue": {"type": "number"},
                    "samples": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
                    "weights": {"type": "array", "items": {"type": "number", "minimum": 0}},
                },
            },
        },
        "name": {"type": "string"},
        "activeProfileIndex": {"type": "number"},
        "exporter": {"type": "string"},
    },
}


def three_threads() -> Recording:
    """A main thread that reads and waits, a thread beside it, and another process whose event loop idles."""
    made = recording(
        Stood((READ, MAIN), 0, 3_000),
        Stood((READ, MAIN), 3_000, 4_000, blocked=True),
        Stood((user(3, "pull"),), 0, 2_000, thread=5),
        Stood((SELECT, MAIN), 0, 1_000, process=1, blocked=True),
    )
    made.facts.add(0, Thread(5, "fetch; 1"))
    return made


def written(exporter: Any, made: Recording, folder: Path) -> str:
    assert exporter.write(made, diagnose(made), folder) == []
    (path,) = folder.iterdir()
    return path.read_text("utf-8")


def test_collapsed_stacks_are_one_line_each_with_whole_microseconds(tmp_path: Path) -> None:
    lines = written(collapsed, three_threads(), tmp_path).splitlines()
    assert lines == [
        "process (pid 1);main thread;main (/home/ada/job.py:9);read (lib/io.py:1) 3000000",
        "process (pid 1);main thread;main (/home/ada/job.py:9);read (lib/io.py:1);[waiting] 1000000",
        "process (pid 1);fetch, 1;pull (/home/ada/job.py:3) 2000000",
        "process (pid 2);main thread;main (/home/ada/job.py:9);BaseSelectorEventLoop.select (selectors.py:1);[idle] "
        "1000000",
    ]


def test_speedscope_has_a_profile_for_each_thread_and_shares_their_frames(tmp_path: Path) -> None:
    document = json.loads(written(speedscope, three_threads(), tmp_path))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    frames, profiles = document["shared"]["frames"], document["profiles"]
    assert [profile["name"] for profile in profiles] == [
        "process (pid 1), main thread",
        "process (pid 1), fetch; 1",
        "process (pid 2), main thread",
    ]
    assert [profile["endValue"] for profile in profiles] == pytest.approx([4.0, 2.0, 1.0])
    assert frames[:2] == [
        {"name": "main", "file": "/home/ada/job.py", "line": 9},
        {"name": "read", "file": "/usr/lib/python3/site-packages/lib/io.py", "line": 1},
    ]
    first = [[frames[number]["name"] for number in sample] for sample in profiles[0]["samples"]]
    assert first[0] == ["main", "read"] and first[-1] == ["main", "read", "[waiting]"]  # in the order of the run
    assert frames[profiles[2]["samples"][0][0]] is frames[profiles[0]["samples"][0][0]]


@pytest.mark.parametrize("name", ["synchronous-serving/fires", "gil-threads/fires", "input-wait/silent"])
def test_all_sampled_time_of_a_real_run_is_in_both_files(name: str) -> None:
    made = golden(name)
    every = Artifacts(made).get(EveryThread)
    sampled = sum(float((table["t1"] - table["t0"]).sum()) / 1e9 for table in (made.stacks, made.threads))
    document = speedscope.to_json(every, made, "train.py")
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    for profile in document["profiles"]:
        assert len(profile["samples"]) == len(profile["weights"])
        assert sum(profile["weights"]) == pytest.approx(profile["endValue"], abs=1e-5)
        assert all(0 <= frame < len(document["shared"]["frames"]) for sample in profile["samples"] for frame in sample)
    assert sum(profile["endValue"] for profile in document["profiles"]) == pytest.approx(sampled, rel=1e-4)
    counts = [int(line.rpartition(" ")[2]) for line in collapsed.dumps(every).splitlines()]
    assert sum(counts) / 1e6 == pytest.approx(sampled, rel=1e-4)


def test_no_name_of_the_program_breaks_a_line_or_a_stack(tmp_path: Path) -> None:
    evil = Frame("a;b\nc 7\x1b[2J\udcff", "/home/ada/x;\n y.py", 3, True)
    text = written(collapsed, recording(Stood((evil, MAIN), 0, 1_000)), tmp_path)
    (line,) = text.splitlines()
    assert line.count(";") == 3 and line.endswith(" 1000000") and "\x1b" not in line


def test_a_stack_that_was_not_kept_says_so(tmp_path: Path) -> None:
    made = recording(Stood((MAIN,), 0, 1_000))
    made.facts.stacks.clear()
    assert written(collapsed, made, tmp_path) == "process (pid 1);main thread;[stacks not kept] 1000000\n"


@pytest.mark.parametrize("exporter", [collapsed, speedscope])
def test_a_run_without_samples_leaves_no_file(exporter: Any, tmp_path: Path) -> None:
    made = recording()
    assert exporter.write(made, diagnose(made), tmp_path) == []
    assert list(tmp_path.iterdir()) == []
