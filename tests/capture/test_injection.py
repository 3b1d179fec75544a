"""Which processes record, and that the user's program does not notice."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.capture import start_code

from .conftest import drive, driver_words, environment

INJECT = Path(__file__).parents[2] / "bottleneck" / "agent" / "inject"


def script(folder: Path, text: str, name: str = "program.py") -> list[str]:
    (folder / name).write_text(text)
    return [sys.executable, str(folder / name)]


def skipped(run_dir: Path) -> list[dict[str, str]]:
    path = run_dir / "live" / "skipped"
    return [ast.literal_eval(line)[1] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_record(tmp_path: Path, method: str) -> None:
    text = f"""
import multiprocessing, os
def work(queue):
    queue.put(os.getpid())
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    queue = context.Queue()
    workers = [context.Process(target=work, args=(queue,)) for _ in range(2)]
    [w.start() for w in workers]
    print(os.getpid(), *[queue.get() for _ in workers])
    [w.join() for w in workers]
"""
    result = drive(tmp_path, script(tmp_path, text))
    pids = {int(word) for word in result.stdout.split()}
    assert len(pids) == 3, result.stderr.decode()
    assert pids <= {hello["pid"] for hello in result.hellos}
    # the tracker of shared memory is no worker: the server of forkserver is the one process that may be added
    assert len(result.hellos) == len(pids) + (method == "forkserver")


def test_processes_further_down_record_and_helpers_do_not(tmp_path: Path) -> None:
    text = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "pass"])
subprocess.run([sys.executable, "-m", "pip", "--version"], stdout=subprocess.DEVNULL)
subprocess.run([sys.executable, "-W", "ignore", "-Xutf8", "-um", "other"])
subprocess.run([sys.executable, "other.py"])
"""
    (tmp_path / "other.py").write_text("import os; print(os.getpid())")
    result = drive(tmp_path, script(tmp_path, text))
    assert {hello["pid"] for hello in result.hellos[1:]} == {int(word) for word in result.stdout.split()}
    assert [fields["reason"] for fields in skipped(result.run_dir)] == ["helper", "helper"]


def test_a_process_finds_what_it_starts_with_in_one_file(tmp_path: Path) -> None:
    text = f"""
import os, sys
ours = [(name, module) for name, module in sys.modules.items() if name.startswith("_bottleneck_child.")]
print([name.partition(".")[2] for name, module in ours])
print([name for name, module in ours if module.__spec__.loader is not None])
print(os.path.exists(os.environ["BOTTLENECK_RUN_DIR"] + "/live/{start_code.NAME}"))
"""
    result = drive(tmp_path, script(tmp_path, text))
    started_with, found_by_python, there = map(ast.literal_eval, result.stdout.decode().splitlines())
    assert (tuple(started_with), found_by_python, there) == (start_code.MODULES, [], True)
    assert not (result.run_dir / "live" / start_code.NAME).exists()


def test_a_process_starts_without_that_file(tmp_path: Path) -> None:
    text = f"""
import os, subprocess, sys
os.unlink(os.environ["BOTTLENECK_RUN_DIR"] + "/live/{start_code.NAME}")
sys.exit(subprocess.run([sys.executable, "other.py"]).returncode)
"""
    (tmp_path / "other.py").write_text("pass")
    result = drive(tmp_path, script(tmp_path, text))
    assert (result.returncode, result.stderr, len(result.hellos)) == (0, b"", 2)


def test_code_given_on_the_command_line_is_the_program(tmp_path: Path) -> None:
    assert len(drive(tmp_path, [sys.executable, "-c", "pass"]).hellos) == 1


def test_exec_keeps_recording(tmp_path: Path) -> None:
    (tmp_path / "second.py").write_text("print('second')")
    text = "import os, sys; os.execv(sys.executable, [sys.executable, 'second.py'])"
    result = drive(tmp_path, script(tmp_path, text))
    assert result.stdout == b"second\n"
    assert [hello["pid"] for hello in result.hellos] == [result.ended["pid"]] * 2


def test_the_hidden_sitecustomize_runs(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import os\nANSWER = 42\nprint('mine', __file__)\n")
    program = script(tmp_path, "import sitecustomize; print(sitecustomize.ANSWER)")
    env = {"PYTHONPATH": str(folder)}
    plain = subprocess.run(program, capture_output=True, env=environment(**env))
    result = drive(tmp_path, program, env=env)
    assert plain.stdout.endswith(b"42\n")
    assert (result.stdout, result.stderr, len(result.hellos)) == (plain.stdout, plain.stderr, 1)


def test_a_failing_hidden_sitecustomize_fails_as_it_would(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("raise RuntimeError('mine')")
    program = script(tmp_path, "print('went on')")
    env = {"PYTHONPATH": str(folder)}
    plain = subprocess.run(program, capture_output=True, env=environment(**env))
    result = drive(tmp_path, program, env=env)
    assert b"mine" in plain.stderr
    assert (result.stdout, result.stderr, result.returncode) == (plain.stdout, plain.stderr, plain.returncode)


def test_the_users_modules_win(tmp_path: Path) -> None:
    names = ["detectors", "collectors", "bottleneck", "agent", "signals", "capture", "exporters", "session"]
    for name in names:
        (tmp_path / f"{name}.py").write_text("WHOSE = 'user'")
    text = f"import {', '.join(names)}\nprint([m.WHOSE for m in ({', '.join(names)})])"
    result = drive(tmp_path, script(tmp_path, text))
    assert ast.literal_eval(result.stdout.decode()) == ["user"] * len(names)
    assert len(result.hellos) == 1


def test_only_our_private_names_and_the_folder_show_in_the_program(tmp_path: Path) -> None:
    text = """
import sys
print([m for m in sorted(sys.modules)
       if "bottleneck" in m.split(".")[0] and not m.startswith(("_bottleneck_child", "__editable__"))])
print([p for p in sys.path if "bottleneck" in p and not p.endswith("inject")])
"""
    program = script(tmp_path, text)
    # A checkout may lie in a folder of that name, with the environment in it.
    plain = subprocess.run(program, capture_output=True, env=environment(PYTHONSAFEPATH="1"))
    assert plain.stdout.startswith(b"[]\n")
    result = drive(tmp_path, program, env={"PYTHONSAFEPATH": "1"})
    assert result.stdout == plain.stdout


def test_a_broken_recorder_leaves_the_program_alone(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "agent").mkdir(parents=True)
    shutil.copytree(INJECT, copy / "agent" / "inject")
    (copy / "agent" / "__init__.py").touch()
    (copy / "agent" / "bootstrap.py").write_text("raise SystemExit('broken')")
    (tmp_path / "run" / "live").mkdir(parents=True)
    env = environment(BOTTLENECK_RUN_DIR=str(tmp_path / "run"), PYTHONPATH=str(copy / "agent" / "inject"))
    program = script(tmp_path, "import sys; print('fine'); sys.exit(4)")
    done = subprocess.run(program, env=env, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (4, b"fine\n", b"")
    (side,) = (tmp_path / "run" / "live").glob("*.side")
    assert ast.literal_eval(side.read_text()) == (
        "failed",
        {"collector": "recorder", "where": "start", "error": "SystemExit: broken"},
    )


def test_a_vanished_run_folder_leaves_the_program_alone(tmp_path: Path) -> None:
    env = environment(BOTTLENECK_RUN_DIR=str(tmp_path / "gone"), PYTHONPATH=str(INJECT))
    done = subprocess.run(script(tmp_path, "print('fine')"), env=env, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"fine\n", b"")


def test_nothing_happens_outside_a_run(tmp_path: Path) -> None:
    text = "import sys; print([m for m in sys.modules if m.startswith('_bottleneck')])"
    done = subprocess.run(script(tmp_path, text), env=environment(PYTHONPATH=str(INJECT)), capture_output=True)
    assert (done.stdout, done.stderr) == (b"[]\n", b"")


def other_pythons() -> list[Path]:
    found = sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"))
    for minor in range(6, 15):
        path = shutil.which(f"python3.{minor}")
        if path and "shims" not in path:
            found.append(Path(path))
    return found


def test_other_interpreters_record_or_leave_quietly(tmp_path: Path) -> None:
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other interpreter here")
    for index, python in enumerate(pythons):
        folder = tmp_path / str(index)
        folder.mkdir()
        result = drive(folder, [str(python), "-c", "import sys; print(sys.version_info[1])"])
        assert (result.returncode, result.stderr) == (0, b""), python
        minor = int(result.stdout)
        assert len(result.hellos) == (minor >= 9), (python, result.notes)
        assert bool(skipped(result.run_dir)) == (minor < 9)


def test_nested_run_just_runs_the_command(tmp_path: Path) -> None:
    (tmp_path / "inner.py").write_text("import os, sys; print(os.getpid()); sys.exit(6)")
    (tmp_path / "bottleneck").write_text(
        "import os, sys\n"
        "from bottleneck_profiler.capture.command import outer_run, replace_process, resolve\n"
        "assert outer_run(os.environ) == os.environ['BOTTLENECK_RUN_DIR']\n"
        "replace_process(resolve(sys.argv[2:]))\n"
    )
    result = drive(tmp_path, [sys.executable, str(tmp_path / "bottleneck"), "run", str(tmp_path / "inner.py")])
    assert result.returncode == 6
    assert int(result.stdout) == result.ended["pid"]
    assert [hello["pid"] for hello in result.hellos] == [result.ended["pid"]], "the nested supervisor recorded itself"
    assert result.stderr == b""


def test_run_after_a_killed_supervisor_is_not_nested(tmp_path: Path) -> None:
    from bottleneck_profiler.capture.command import outer_run

    (tmp_path / "live").mkdir()
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    environ = {"BOTTLENECK_RUN_DIR": str(tmp_path), "BOTTLENECK_OPTIONS": f"stacks=off,supervisor={gone.pid}"}
    assert outer_run(environ) is None
    assert outer_run({**environ, "BOTTLENECK_OPTIONS": f"supervisor={os.getpid()}"}) == str(tmp_path)
    assert outer_run({}) is None


def test_ranks_of_torchrun_record(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "rank.py").write_text("import os; open('rank' + os.environ['RANK'], 'w').write(str(os.getpid()))")
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "rank.py"]
    run_dir = tmp_path / "run"
    done = subprocess.run(
        driver_words(run_dir, words),
        cwd=tmp_path,
        env=environment(OMP_NUM_THREADS="1"),
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    from .conftest import notes

    hellos = {fields["rank"]: fields["pid"] for kind, fields in notes(run_dir) if kind == "hello"}
    assert {rank: hellos[rank] for rank in "01"} == {rank: int((tmp_path / f"rank{rank}").read_text()) for rank in "01"}
