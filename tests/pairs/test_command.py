"""A version as a command: its folder, its environment, and one line where it fails."""

from __future__ import annotations

import os
import time

import pytest
from bottleneck_profiler.pairs.command import OUTPUT, Command
from bottleneck_profiler.pairs.interleaved import ArmError, OutOfTime
from bottleneck_profiler.recording.folder import read_run


def test_a_run_is_recorded_in_its_own_folder_and_environment(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "json.py").write_text("HIDES = True\n")  # a module of the program must not reach our process
    (tree / "prints.py").write_text("import json, os\nprint(os.getcwd(), os.environ['GIVEN'], json.HIDES)\n")
    Command("the old version", ["prints.py"], tree, {"GIVEN": "yes"}).record(tmp_path / "runs" / "one")
    assert read_run(tmp_path / "runs" / "one")["exit_code"] == 0
    assert (tmp_path / "runs" / f"one{OUTPUT}").read_text() == f"{tree} yes True\n"


def test_a_version_that_fails_is_one_line_with_its_last_words(tmp_path):
    (tmp_path / "fails.py").write_text("raise ValueError('no data\\nfor this')\n")
    with pytest.raises(ArmError) as error:
        Command("the new version", ["fails.py"], tmp_path).record(tmp_path / "one")
    assert "the new version ended with exit code 1: for this" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_command_that_cannot_be_started_is_one_line(tmp_path):
    with pytest.raises(ArmError, match="the old version was not recorded: bottleneck: no such script: gone"):
        Command("the old version", ["gone.py"], tmp_path).record(tmp_path / "one")


def test_at_the_end_of_the_time_the_program_is_ended(tmp_path):
    (tmp_path / "long.py").write_text("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    pid = tmp_path / "pid"

    class Until(float):
        """Reached as soon as the program runs."""

        def __sub__(self, now):
            give_up = time.monotonic() + 120
            while not (pid.exists() and pid.read_text()) and time.monotonic() < give_up:
                time.sleep(0.05)
            return 0.0

    with pytest.raises(OutOfTime):
        Command("the new version", ["long.py"], tmp_path).record(tmp_path / "one", Until(1.0))
    with pytest.raises(ProcessLookupError):
        for _ in range(600):  # killed; its parent has to take note of it
            os.kill(int(pid.read_text()), 0)
            time.sleep(0.1)
