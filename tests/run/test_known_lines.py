"""What the enrichment tells of hot lines, and what is lost when a source or a pattern fails: itself alone."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from bottleneck_profiler.artifacts.run.ways import Called, Way
from bottleneck_profiler.enrich import enrich_all
from bottleneck_profiler.enrich.source import known_lines
from bottleneck_profiler.patterns import Sighting, Source
from bottleneck_profiler.patterns.model import Hot
from bottleneck_profiler.recording.facts import KnownLine
from bottleneck_profiler.recording.model import Frame, Recording

from .made_up import Stood, library, recording, user

SOURCE = """\
import numpy as np
import pandas as pd


def collect(parts):
    whole = pd.DataFrame()
    for part in parts:
        whole = pd.concat([whole, part])
    return whole


def total(frame):
    return frame.apply(lambda row: row["a"] + row["b"], axis=1)
"""
CONCAT = library("concat", "/site-packages/pandas/core/reshape/concat.py")
APPLY = library("DataFrame.apply", "/site-packages/pandas/core/frame.py")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "job.py"
    path.write_text(SOURCE)
    return path


def made(script: Path) -> Recording:
    """Four seconds that collect and three that apply."""
    collects = (CONCAT, user(8, "collect", str(script)), user(20, "<module>", str(script)))
    applies = (APPLY, user(13, "total", str(script)), user(21, "<module>", str(script)))
    return recording(Stood(collects, 0, 4_000), Stood(applies, 4_000, 7_000))


def found(recorded: Recording) -> dict[int, KnownLine]:
    return {fact.line: fact for _, fact in recorded.facts.of(KnownLine)}


def test_lines_are_recognised_by_their_source_and_what_they_called(script: Path, tmp_path: Path):
    recorded = made(script)
    assert known_lines.enrich(tmp_path, recorded) == []
    lines = found(recorded)
    assert {line: fact.pattern for line, fact in lines.items()} == {
        8: "grow-own-argument",
        13: "row-apply",
        20: "",
        21: "",
    }
    assert lines[8].share == pytest.approx(1.0)
    assert (lines[8].call, lines[8].loops) == ("concat", 1)


def test_a_line_is_of_a_pattern_only_when_most_of_its_time_is(script: Path, tmp_path: Path):
    script.write_text(SOURCE.replace("lambda row: row", "lambda row: slow(row) or row"))
    slow = (user(30, "slow", str(script)), user(13, "total.<locals>.<lambda>", str(script)))
    applies = (APPLY, user(13, "total", str(script)))
    recorded = recording(Stood((*slow, *applies), 0, 3_600), Stood(applies, 3_600, 4_000))
    known_lines.enrich(tmp_path, recorded)
    assert found(recorded)[13].pattern == ""


def test_what_is_known_already_is_not_asked_again(script: Path, tmp_path: Path):
    recorded = made(script)
    known_lines.enrich(tmp_path, recorded)
    once = len(recorded.facts.notes)
    known_lines.enrich(tmp_path, recorded)
    assert len(recorded.facts.notes) == once


@pytest.mark.parametrize("text", [None, "def broken(:\n", "\0", "(" * 5_000, "\udcff"], ids=ascii)
def test_a_source_that_cannot_be_read_costs_its_own_lines(script: Path, tmp_path: Path, text: str | None):
    other = tmp_path / "other.py"
    other.write_text(SOURCE)
    if text is None:
        script.unlink()
    else:
        script.write_bytes(text.encode(errors="surrogateescape"))
    collects = Stood((CONCAT, user(8, "collect", str(script))), 0, 4_000)
    recorded = recording(collects, Stood((CONCAT, user(8, "collect", str(other))), 4_000, 8_000))
    assert known_lines.enrich(tmp_path, recorded) == []
    assert [(fact.file, fact.pattern) for fact in found(recorded).values()] == [(str(other), "grow-own-argument")]


@pytest.mark.parametrize(
    "text", ["x = 1\n", "# new\n" * 40 + SOURCE, SOURCE.replace("pd.concat([whole, part])", "part")]
)
def test_a_file_that_was_changed_names_no_pattern_for_lines_that_are_others_now(
    script: Path, tmp_path: Path, text: str
):
    recorded = made(script)
    script.write_text(text)
    known_lines.enrich(tmp_path, recorded)
    assert 8 not in found(recorded) or found(recorded)[8].pattern == ""


def failing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def broken(_: Hot) -> bool:
        raise AttributeError("no such field\nat all")

    # The package gives its name to the function.
    recognising = import_module("bottleneck_profiler.patterns.recognise")
    patterns = [replace(each, when=(broken,)) if each.id == name else each for each in recognising.PATTERNS]
    monkeypatch.setattr(recognising, "PATTERNS", patterns)


def test_a_pattern_that_fails_costs_itself_alone(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    failing(monkeypatch, "row-apply")
    recorded = made(script)
    said = known_lines.enrich(tmp_path, recorded)
    assert said == ["Known slow patterns: row-apply was not judged (AttributeError: no such field)."]
    assert found(recorded)[8].pattern == "grow-own-argument"
    assert found(recorded)[13].pattern == ""


def test_a_line_that_fails_costs_itself_alone(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    judge = known_lines._judge

    def sometimes(source, line, *others):
        if line.line == 13:
            raise RecursionError("too deep")
        return judge(source, line, *others)

    monkeypatch.setattr(known_lines, "_judge", sometimes)
    recorded = made(script)
    said = known_lines.enrich(tmp_path, recorded)
    assert said == ["Known slow patterns: line 13 of job.py was not judged (RecursionError: too deep)."]
    assert set(found(recorded)) == {8, 20, 21}


def test_what_was_missed_is_a_note_of_the_run_and_what_was_found_is_kept(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    failing(monkeypatch, "row-apply")
    (tmp_path / "tables").mkdir()
    (tmp_path / "run.json").write_text(json.dumps({"format": "bottleneck.run", "version": 1, "started_ns": 0}))
    recorded = made(script)
    enrich_all(tmp_path, recorded)
    assert found(recorded)[8].pattern == "grow-own-argument"
    notes = (tmp_path / "run.json").read_text()
    assert "row-apply was not judged" in notes


def test_no_stacks_no_facts(tmp_path: Path):
    recorded = recording()
    assert known_lines.enrich(tmp_path, recorded) == []
    assert found(recorded) == {}


def test_frames_are_compared_by_the_last_part_of_their_name(script: Path, tmp_path: Path):
    """A nested function is sampled by its qualified name."""
    nested = Frame("outer.<locals>.collect", str(script), 8, True)
    recorded = recording(Stood((CONCAT, nested), 0, 4_000))
    known_lines.enrich(tmp_path, recorded)
    assert found(recorded)[8].pattern == "grow-own-argument"


def test_a_line_that_takes_more_and_more_of_its_loop_is_told_from_one_that_varies(tmp_path: Path):
    script = tmp_path / "log.py"
    script.write_text(
        "def work(rows):\n    text = ''\n    for row in rows:\n        find(row)\n        text += row.line()\n"
    )
    find, add = (user(line, "work", str(script)) for line in (4, 5))

    def pattern(shares: list[int]) -> str:
        stood, at = [], 0
        for adding in shares:  # of 400 ms
            stood += [Stood((add,), at, at + adding, every_ms=20), Stood((find,), at + adding, at + 400, every_ms=20)]
            at += 400
        recorded = recording(*stood, wall_ms=at)
        known_lines.enrich(tmp_path, recorded)
        return found(recorded)[5].pattern

    assert pattern([20 * each for each in range(1, 20)]) == "text-grows"
    assert pattern([20 * each for each in range(19, 0, -1)]) == ""
    assert pattern([200] * 20) == ""
    assert pattern([60, 340] * 10) == ""
    assert pattern([380] * 20) == ""


RATES = """\
class Rates:
    def rate(self, code):
        text = self.path.read_text()
        return text.count(code)
"""
ONE_OBJECT = "def total(codes, rates):\n    for code in codes:\n        rates.rate(code)\n"
MANY_OBJECTS = "def total(code, parts):\n    for part in parts:\n        part.rate(code)\n"


@pytest.mark.parametrize(("caller", "pattern"), [(ONE_OBJECT, "file-loaded-again"), (MANY_OBJECTS, "")])
def test_whether_a_method_reads_the_same_file_is_known_from_the_file_that_calls_it(
    tmp_path: Path, caller: str, pattern: str
):
    rates, job = tmp_path / "rates.py", tmp_path / "job.py"
    rates.write_text(RATES)
    job.write_text(caller)
    reads = (
        library("Path.read_text", "/python/pathlib.py"),
        user(3, "Rates.rate", str(rates)),
        user(3, "total", str(job)),
    )
    recorded = recording(Stood(reads, 0, 4_000))
    known_lines.enrich(tmp_path, recorded)
    assert {fact.line: fact.pattern for _, fact in recorded.facts.of(KnownLine) if fact.file == str(rates)} == {
        3: pattern
    }


def test_the_loop_that_a_replacement_takes_the_place_of_is_kept(tmp_path: Path):
    script = tmp_path / "losses.py"
    script.write_text(
        "import torch\n\ndef pair_loss(x, y):\n    total = 0.0\n    for i in range(len(x)):\n"
        "        near = torch.dist(x[i], y[i])\n        total = total + near\n    return total\n"
    )
    recorded = recording(
        Stood((user(6, "pair_loss", str(script)),), 0, 2_000), Stood((user(7, "pair_loss", str(script)),), 2_000, 3_000)
    )
    known_lines.enrich(tmp_path, recorded)
    assert {line: (fact.pattern, fact.loop) for line, fact in found(recorded).items()} == {
        6: ("batch-python-loop", (5, 7)),
        7: ("", (0, 0)),
    }


@pytest.mark.parametrize("serves", [True, False])
def test_the_thread_pool_of_a_server_handles_requests(serves: bool):
    pool = Called("WorkerThread.run", "/site-packages/anyio/_backends/_asyncio.py", False)
    way = Way((), (Called("Thread.run", "/stdlib/threading.py", False), pool), False, False, False)
    assert known_lines._with(Sighting(Source("pass"), 1, serves=serves), way).handler is serves


SERVICE = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health():
    return {}


@app.post("/tag")
def tag(texts: list[str]):
    found = [{"text": each} for each in texts]
    return {"found": found}
"""


@pytest.mark.parametrize("ran", ["tag", "other"])
def test_a_servers_own_work_is_of_the_request_handler_that_ran(tmp_path: Path, ran: str):
    script, service = tmp_path / "main.py", tmp_path / "service.py"
    script.write_text("import requests\n\nfor _ in range(100):\n    requests.post('http://127.0.0.1:8000/tag')\n")
    service.write_text(SERVICE)
    routing = "/site-packages/fastapi/routing.py"
    cycle = library("RequestResponseCycle.run_asgi", "/site-packages/uvicorn/protocols/http/httptools_impl.py")
    server = (cycle, library("Thread.run", "/stdlib/threading.py"))
    encodes = (
        library("jsonable_encoder", "/site-packages/fastapi/encoders.py"),
        library("serialize_response", routing),
        library("get_request_handler.<locals>.app", routing),
        *server,
    )
    handles = (user(13, ran, str(service)), library("run_endpoint_function", routing), *server)
    recorded = recording(
        Stood((user(4, "<module>", str(script)),), 0, 9_000, blocked=True),
        Stood(encodes, 0, 6_000, thread=1),
        Stood(handles, 6_000, 8_000, thread=1),
    )
    known_lines.enrich(tmp_path, recorded)
    fact = found(recorded).get(0)
    if ran == "other":
        assert fact is None, "either handler may have given the answer"
    else:
        assert fact is not None
        assert (fact.pattern, fact.cause, fact.cause_file) == ("jsonable-encoder-walk", 14, str(service))
        count = len(recorded.facts.notes)
        known_lines.enrich(tmp_path, recorded)
        assert len(recorded.facts.notes) == count, "what is known is not asked again"


PACKED = """\
import csv
import gzip

def load(path):
    total = 0.0
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            total += float(row["fare"])
    return total

print(load("trips.csv.gz"))
"""
AGAIN = """\
import json

def load(path):
    with open(path) as file:
        return json.load(file)

for day in range(30):
    print(load("trips.json"))
"""


def test_a_loop_over_a_file_that_is_read_once_does_not_read_it_again(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(PACKED)
    main = user(11, "<module>", str(script))
    reads = (library("DictReader.__next__", "/python/csv.py"), user(7, "load", str(script)), main)
    adds = user(8, "load", str(script)), main
    recorded = recording(*(Stood(each, 500 * at, 500 * at + 500) for at, each in enumerate([reads, adds] * 8)))
    known_lines.enrich(tmp_path, recorded)
    assert found(recorded)[7].pattern == "csv-rows-in-python"


def test_a_function_called_as_the_module_s_does_not_hide_that_it_reads_the_same_file(tmp_path: Path):
    script = tmp_path / "job.py"
    script.write_text(AGAIN)
    reads = library("load", "/python/json/__init__.py"), user(5, "load", str(script)), user(8, "<module>", str(script))
    recorded = recording(Stood(reads, 0, 4_000))
    known_lines.enrich(tmp_path, recorded)
    assert found(recorded)[5].pattern == "file-loaded-again"


@pytest.mark.parametrize("waits", [False, True])
def test_a_sender_that_waits_for_a_full_pipe_pickles_nothing(tmp_path: Path, waits: bool):
    script = tmp_path / "job.py"
    script.write_text(
        "import multiprocessing\n\ndef main(paths):\n    with multiprocessing.Pool(2) as pool:\n"
        "        for result in pool.imap_unordered(enrich, paths, chunksize=4):\n            print(result)\n"
    )
    waiting = library("wait", "/lib/threading.py"), library("IMapIterator.next", "/lib/multiprocessing/pool.py")
    sends = library("_ConnectionBase.send", "/lib/multiprocessing/connection.py")
    recorded = recording(
        Stood((*waiting, user(5, "main", str(script)), user(9, "<module>", str(script))), 0, 8_000, blocked=True),
        Stood(
            (sends, library("Pool._handle_tasks", "/lib/multiprocessing/pool.py")), 0, 8_000, thread=1, blocked=waits
        ),
    )
    assert known_lines.enrich(tmp_path, recorded) == []
    patterns = {fact.pattern for _, fact in recorded.facts.of(KnownLine)}
    assert ("pool-pickles-tasks" in patterns) is not waits
