"""``profile`` in a program of its own: it starts a run, and the program stays what it was."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from helpers import bottleneck


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """A script with this code, started plainly in ``folder``."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(code))
    return subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=folder, timeout=120, check=False
    )


def facts(folder: Path) -> list[tuple[str, dict]]:
    lines = (folder / "tables" / "facts.jsonl").read_text().splitlines()
    return [(kind, fields) for _, kind, fields in map(json.loads, lines)]


def strings(folder: Path) -> set[str]:
    return {fields["text"] for kind, fields in facts(folder) if kind == "string"}


def test_a_block_is_a_run_with_its_steps_stages_and_marks(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import os, sys, time
        from bottleneck_profiler import mark, profile, stage, steps

        finders = list(sys.meta_path)
        with profile(name="mine") as result:
            for i in steps(range(40), name="turn"):
                with stage("inner"):
                    time.sleep(0.002)
            mark("here")
        assert sys.meta_path == finders
        try:
            os.wait()
        except ChildProcessError:
            pass
        else:
            raise SystemExit("the supervisor is a child of the program")
        assert result.wait() and result.diagnosis is result.diagnosis
        assert result.findings == result.diagnosis.findings
        print(result.run_dir, result.diagnosis.run.steps)
        print(result.report())
        """,
    )
    assert done.returncode == 0, done.stderr
    first, _, report = done.stdout.partition("\n")
    folder, steps = first.rsplit(" ", 1)
    assert steps == "40"
    assert "40 steps" in report
    assert "40 steps" in done.stderr  # the same, printed by the supervisor before the program had ended
    assert {"turn", "inner", "here"} <= strings(Path(folder))
    assert folder.endswith("-mine")
    assert not list((Path(folder) / "live").glob("*.ring"))
    written = json.loads((Path(folder) / "run.json").read_text())
    assert written["exit_code"] is None
    assert written["dropped_records"] == 0


def test_imported_modules_are_hooked_and_unhooked_by_identity(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import csv, json, sys
        import numpy, pandas
        import _signal

        def attributes():
            owners = (csv, json, numpy, pandas, pandas.DataFrame, _signal)
            code = lambda v: v.__code__ if type(v) is type(attributes) else v
            return {(o, n): code(v) for o in owners for n, v in vars(o).items()}

        pandas.DataFrame({"a": [1]}).a.sum()
        before, handler = attributes(), _signal.getsignal(_signal.SIGURG)
        pandas.DataFrame({"a": range(100)}).to_csv("x.csv")
        from bottleneck_profiler import profile

        with profile(quiet=True) as result:
            changed = {n for (o, n), v in attributes().items() if before.get((o, n)) is not v}
            assert "read_csv" in changed, changed
            pandas.read_csv("x.csv")
        after = attributes()
        assert [k for k, v in before.items() if after.get(k) is not v] == []
        assert _signal.getsignal(_signal.SIGURG) is handler
        result.diagnosis
        print(result.run_dir)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    kinds = [kind for kind, _ in facts(Path(done.stdout.strip()))]
    assert "read" in kinds
    assert "failed" not in kinds


def test_blocks_that_overlap_are_one_run_and_blocks_in_turn_are_two(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import asyncio, threading
        from bottleneck_profiler import mark, profile, stage
        from bottleneck_profiler.api import ProfileError

        with profile(quiet=True) as outer:
            with profile(quiet=True) as inner:
                mark("both")
            try:
                inner.diagnosis
            except ProfileError as error:
                assert "still recording" in str(error)
            else:
                raise SystemExit("a result before its end")
            assert not inner.wait()

            barrier = threading.Barrier(4)  # all four live at once: a thread's number is reused after it

            def work(number):
                barrier.wait()
                for _ in range(10):
                    with profile(quiet=True), stage(f"thread {number}"):
                        mark(f"mark {number}")
                barrier.wait()

            threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
            [t.start() for t in threads]
            [t.join() for t in threads]

            @stage("task")
            async def task():
                await asyncio.sleep(0.01)

            async def tasks():
                await asyncio.gather(*(task() for _ in range(5)))

            asyncio.run(tasks())
        assert inner.run_dir == outer.run_dir
        with profile(quiet=True) as second:
            mark("again")
        assert second.run_dir != outer.run_dir
        assert inner.diagnosis is outer.diagnosis
        assert second.wait()
        print(outer.run_dir, second.run_dir)
        """,
    )
    assert done.returncode == 0, done.stderr
    from bottleneck_profiler import signals
    from bottleneck_profiler.recording.read import load

    first, second = map(Path, done.stdout.split())
    events = load(first).events
    assert (events["kind"] == signals.MARK).sum() == 1 + 40
    stages = events[events["kind"] == signals.STAGE]
    assert len(stages) == 40 + 5
    assert len(set(stages["thread"])) == 5  # each thread wrote into a ring of its own
    assert strings(second) == {"again"}


def test_a_decorated_function_is_a_run_and_its_exception_is_the_users(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        from bottleneck_profiler import mark, profile

        @profile(quiet=True, run_dir="r")
        def train(n):
            mark("in")
            raise KeyError(n)

        assert train.result is None
        try:
            train(3)
        except KeyError as error:
            assert error.args == (3,)
        assert train.result.wait()
        print(train.result.run_dir)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str((tmp_path / "r").resolve())
    assert strings(tmp_path / "r") == {"in"}


@pytest.mark.parametrize("end", ["os._exit(7)", "os.kill(os.getpid(), 9)", "raise SystemExit(3)"])
def test_the_run_is_whole_however_the_program_ends(tmp_path: Path, end: str) -> None:
    done = run(
        tmp_path,
        f"""
        import os
        from bottleneck_profiler import mark, profile

        with profile(run_dir="r"):
            mark("before the end")
            {end}
        """,
    )
    # The supervisor holds the captured stderr open, so the report is there when the streams have ended.
    assert done.returncode == {"os._exit(7)": 7, "raise SystemExit(3)": 3}.get(end, -9)
    assert (tmp_path / "r" / "diagnosis.json").exists(), done.stderr
    assert strings(tmp_path / "r") == {"before the end"}


def test_what_prevents_recording_is_one_line_and_the_block_runs(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    done = run(
        tmp_path,
        """
        from bottleneck_profiler import profile

        for _ in range(2):
            with profile(run_dir="full") as result:
                print("ran")
            assert not result.wait() and result.run_dir is None
        print(result.report())
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ran\nran\nbottleneck: nothing was recorded")
    assert len(done.stderr.splitlines()) == 1
    assert "not empty" in done.stderr


JOINED = """
import sys, time
from contextlib import nullcontext
from bottleneck_profiler import mark, profile, stage, steps
from bottleneck_profiler.api import ProfileError

with (profile() if "with" in sys.argv else nullcontext()) as result:
    for _ in steps(range(30)):
        with stage("s"):
            time.sleep(0.001)
        mark("m")
if result is not None:
    assert not result.wait()
    assert "joined" in result.report()
"""


def test_under_bottleneck_run_profile_joins_and_adds_no_record(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(JOINED)
    counts = []
    for word in ("with", "without"):
        (tmp_path / word).mkdir()
        ran = bottleneck(tmp_path / word, script, word, options=("--stacks", "off"))
        assert ran.code == 0, ran.err
        counts.append(json.loads((ran.folder / "run.json").read_text())["written_records"])
        assert not (tmp_path / word / ".bottleneck").exists()
    # 30 steps, stages, marks, and 29 + 1 waits (the last one finds the end)
    assert counts[0] == counts[1] >= 120


def test_another_layout_records_nothing(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import sys, types
        from bottleneck_profiler import mark, profile

        other = types.ModuleType("_bottleneck_child.agent.recorder")
        other.signals = types.SimpleNamespace(LAYOUT_VERSION=999)
        sys.modules["_bottleneck_child.agent.recorder"] = other
        mark("x")
        with profile() as result:
            print(result.run_dir, result.report())
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "None bottleneck: another version of bottleneck is recording this program.\n"


def test_waits_of_a_dataloader_are_recorded_once_and_others_by_steps(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    done = run(
        tmp_path,
        """
        import time, torch
        from torch.utils.data import DataLoader, TensorDataset
        from bottleneck_profiler import profile, steps

        def numbers():
            for i in range(25):
                time.sleep(0.002)
                yield i

        loader = DataLoader(TensorDataset(torch.arange(100)), batch_size=4)
        with profile(quiet=True, run_dir="loader") as result:
            for _ in steps(enumerate(loader)):
                pass
        assert result.wait()
        with profile(quiet=True, run_dir="own") as result:
            for _ in steps(numbers()):
                pass
        assert result.wait()
        print("_bottleneck" in repr(vars(DataLoader)["__iter__"]))
        """,
    )
    assert done.returncode == 0, done.stderr
    from bottleneck_profiler import signals
    from bottleneck_profiler.recording.model import BY_USER
    from bottleneck_profiler.recording.read import load

    def waits(folder: str) -> int:
        totals = load(tmp_path / folder).totals
        return sum(count for (_, phase, _), (count, _) in totals.items() if phase == signals.DATA_WAIT)

    assert waits("loader") == 26  # 25 batches and the end
    assert waits("own") == 26
    rows = load(tmp_path / "own").steps
    mine = rows["loader"] == BY_USER
    assert mine.sum() == 25
    assert not (rows["loader"] > 0).any()
    assert (rows["data_wait"][mine][:-1] > 1000).all()  # each step holds the wait for the next item


def test_a_forked_copy_that_leaves_the_block_does_not_end_its_parents_run(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        """
        import os
        from bottleneck_profiler import mark, profile

        with profile(run_dir="r") as result:
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
            mark("parent" if child else "child")
        assert child or not result.wait()
        print("parent" if child else "child", flush=True)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "child\nparent\n"
    assert strings(tmp_path / "r") == {"parent", "child"}
