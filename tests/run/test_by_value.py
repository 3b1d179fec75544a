"""Functions that went to another process by value: their file is found by name, first line and bytecode."""

from __future__ import annotations

import types

import pytest
from bottleneck_profiler.agent.recorder import Recorder
from bottleneck_profiler.artifacts.run.ways import placed
from bottleneck_profiler.collectors.support.stack_table import StackTable, note_by_value, place_of
from bottleneck_profiler.enrich.source import by_value
from bottleneck_profiler.recording.facts import fact_of
from bottleneck_profiler.recording.facts.source import ByValue, ByValueFile
from bottleneck_profiler.recording.model import Frame

SCRIPT = "import own\n\ndef work(x):\n    return x + 1\n\nkeys = list(map(lambda x: -x, []))\n"
MODULE = "\n\ndef work(x):\n    return x * 2\n\nhalf = lambda x: x / 2\ntwice = lambda x: x * 2\n"
TWINS = "\n\ndef twin(x):\n    return x\n"


def sent(text, name, number=0):
    """The code of a function as cloudpickle rebuilds it."""
    codes = [each for each in compile(text, "f.py", "exec").co_consts if isinstance(each, types.CodeType)]
    return [each for each in codes if each.co_name == name][number].replace(co_filename="<dynamic-code>")


def fact(code):
    """What the recorder of the worker notes of it."""
    noted = []
    recorder = types.SimpleNamespace(note=lambda kind, **fields: noted.append((kind, fields)))
    note_by_value(recorder, code, place_of(code)[2])
    return fact_of(*noted[0])


@pytest.fixture
def found(tmp_path, monkeypatch):
    files = {"job.py": SCRIPT, "own.py": MODULE, "one.py": TWINS, "other.py": TWINS}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    codes = list(by_value._codes([str(tmp_path / "job.py")]))

    def files_of(code):
        return {file.rpartition("/")[2] for file in by_value._files(fact(code), codes)}

    return files_of


def test_the_bytecode_decides_between_functions_of_one_name_and_line(found):
    assert found(sent(SCRIPT, "work")) == {"job.py"}
    assert found(sent(MODULE, "work")) == {"own.py"}


def test_copies_of_a_function_are_noted_once_and_not_kept(tmp_path):
    (tmp_path / "live").mkdir()
    recorder = Recorder(str(tmp_path))
    table, code = StackTable(recorder), sent(SCRIPT, "work")
    copies = [code.replace() for _ in range(3)]  # as each task brings one
    ids = {table.number((id(each), 0), [(each, code.co_firstlineno + 1)]) for each in copies}
    assert len(ids) == len(table) == len(table._codes) == len(table._seen) == len(recorder._codes) == 1
    assert next(iter(table._codes.values()))[5] is copies[0]
    recorder.close_side()
    (side,) = (tmp_path / "live").glob("*.side")
    assert side.read_text().count("('by_value'") == side.read_text().count("('stack'") == 1


def test_lambdas_are_told_apart(found):
    assert found(sent(SCRIPT, "<lambda>")) == {"job.py"}
    assert found(sent(MODULE, "<lambda>", 0)) == {"own.py"}
    assert found(sent(MODULE, "<lambda>", 1)) == {"own.py"}


def test_twins_and_strangers_have_no_file(found):
    assert found(sent(TWINS, "twin")) == {"one.py", "other.py"}
    assert found(sent("def stranger(x):\n    return x\n", "stranger")) == set()


def test_frames_get_the_file_or_keep_the_name():
    frames = (Frame("work", "<dynamic-code>", 4, False), Frame("twin", "<dynamic-code>", 4, False))
    files = (ByValueFile("work", 3, 4, "/me/own.py"), ByValueFile("twin", 3, 4, ""))
    assert [(each.file, each.user) for each in placed(frames, "/me/job.py", files)] == [
        ("/me/own.py", True), ("<dynamic-code>", True),
    ]  # fmt: skip
    assert {each.file for each in placed(frames, "/me/job.py")} == {"/me/job.py"}  # a recording of an older version
    assert isinstance(fact(sent(SCRIPT, "work")), ByValue)
