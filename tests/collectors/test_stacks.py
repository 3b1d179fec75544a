"""The call-stack sampler in real processes: what it sees, and that the program around it stays the same."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from _thread import get_ident
from pathlib import Path

import pytest
from bottleneck_profiler import signals
from bottleneck_profiler.agent.frames import AllFrames

from collectors.children import BURN, PACKAGE, START, Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="POSIX timers on a CPU clock")


def test_running_and_blocked_time_go_to_their_functions(tmp_path):
    run = Run(tmp_path, "import time\ndef nap():\n    time.sleep(2)\nburn(30)\nnap()\nburn(3)\n")
    assert run.result.returncode == 0, run.result.stderr
    assert run.seconds(signals.STACK_CPU, "burn") > 0.2
    assert run.seconds(signals.STACK_BLOCKED, "nap") > 1.0
    assert run.seconds(signals.STACK_CPU, "nap") < 0.05
    assert run.notes("attached")[0]["collector"] == "stacks"
    files = [frame[1] for note in run.notes("stack") for frame in note["frames"]]
    assert files and not any(file.startswith(str(PACKAGE)) for file in files), "our own frames are left out"
    assert run.notes("sampler")[0]["ticks"] >= 5


def test_a_sample_carries_the_open_phase(tmp_path):
    body = "from _bottleneck_child.agent.recorder import recorder\nrecorder().ring().phase = 5\nburn(10)\n"
    run = Run(tmp_path, body)
    assert run.seconds(signals.STACK_CPU, "burn", phase=5) > 0.05


def test_a_long_c_call_is_charged_to_its_line_in_full(tmp_path):
    body = """
import time
data = (1,) * 50_000_000
def long_call():
    before = time.thread_time()
    sum(data)
    print(time.thread_time() - before)
long_call()
"""
    run = Run(tmp_path, body)
    spent = float(run.result.stdout)
    assert spent > 0.06, "the call is too short to tell"
    assert run.seconds(signals.STACK_CPU, "long_call") > spent - 0.03


ENDINGS = {
    "return": "burn()\nprint('done')",
    "exception": "burn()\nraise ValueError('mine')",
    "sys.exit": "burn()\nsys.exit(3)",
    "os._exit": "import os\nburn()\nos._exit(4)",
    "exec": "import os\nburn()\nos.execv('/bin/sh', ['sh', '-c', 'echo new; exit 5'])",
    "failed exec": "import os\ntry:\n    os.execv('/none', ['none'])\nexcept OSError:\n    burn()\nsys.exit(6)",
    "signal": "import os, signal\nburn()\nos.kill(os.getpid(), signal.SIGTERM)",
    "fork": "import os\nburn()\npid = os.fork()\nburn()\nif not pid: sys.exit(7)\nsys.exit(os.waitpid(pid, 0)[1] >> 8)",
    "fork exec": (
        "import os, subprocess\nburn()\n"
        "sys.exit(subprocess.run(['sh', '-c', 'exit 8'], preexec_fn=os.getpid).returncode)"
    ),
    "busy at exit": "import atexit\natexit.register(burn)\nburn()",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_exit_code_and_output_are_those_of_the_program_alone(tmp_path, ending):
    body = "\n" + ENDINGS[ending] + "\n"
    alone = Run(tmp_path / "alone", body, recorded=False).result
    with_us = Run(tmp_path / "with", body).result
    assert with_us.returncode == alone.returncode
    assert with_us.stdout == alone.stdout
    assert with_us.stderr.splitlines()[-1:] == alone.stderr.splitlines()[-1:]


def test_blocking_calls_of_c_code_are_not_interrupted(tmp_path):
    body = """
import ctypes
libc = ctypes.CDLL(None)
burn()
failed = 0
for _ in range(3000):
    sum(range(3000))
    failed += libc.usleep(100) != 0
    failed += libc.poll(None, 0, 0) != 0
failed += libc.poll(None, 0, 100) != 0
print("failed", failed)
"""
    run = Run(tmp_path, body)
    assert run.result.stdout == "failed 0\n", run.result.stderr
    assert run.notes("sampler")[0]["ticks"] >= 3


def test_a_program_that_wants_the_signal_gets_only_its_own(tmp_path):
    body = """
import os, signal
burn()
got = []
print(signal.signal(signal.SIGURG, lambda *_: got.append(1)) == signal.SIG_DFL)
burn(10)
print(len(got))
os.kill(os.getpid(), signal.SIGURG)
print(len(got))
"""
    run = Run(tmp_path, body)
    assert run.result.stdout == "True\n0\n1\n", run.result.stderr
    assert [n["collector"] for n in run.notes("failed")] == ["stacks"]


def test_who_waits_for_signals_is_not_woken_by_ours(tmp_path):
    body = """
import signal
burn()
before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
burn(20)
signal.alarm(1)
print(signal.sigwait(signal.valid_signals()) == signal.SIGALRM)
signal.pthread_sigmask(signal.SIG_SETMASK, before)
def later(): burn(10)
later()
"""
    run = Run(tmp_path, body)
    assert run.result.stdout == "True\n", run.result.stderr
    assert run.seconds(signals.STACK_CPU, "later") > 0.03


def test_detaching_puts_everything_back(tmp_path):
    body = """
import _signal, signal, os
from _bottleneck_child.agent import bootstrap as child
before = {undo[1]: undo[2] for undo in reversed(stacks._collector.patches._undo)}
assert sorted(before) == ["pthread_sigmask", "set_wakeup_fd", "signal"]
assert all(vars(_signal)[name] is not before[name] for name in before)
burn()
stacks._collector.detach()
print(all(vars(_signal)[name] is before[name] for name in before), signal.set_wakeup_fd is before["set_wakeup_fd"])
print(signal.getsignal(signal.SIGURG) == signal.SIG_DFL, len(os.listdir("/proc/self/task")))
"""
    run = Run(tmp_path, body)
    assert run.result.stdout == "True True\nTrue 1\n", run.result.stderr


def test_a_forked_child_is_sampled_too(tmp_path):
    body = """
import os
def in_child(): burn(10)
burn()
pid = os.fork()
if not pid:
    in_child()
    os._exit(0)
os.waitpid(pid, 0)
"""
    run = Run(tmp_path, body)
    assert run.seconds(signals.STACK_CPU, "in_child") > 0.05
    assert len({n["of"] for n in run.notes("stack")}) == 2


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_a_fork_warns_of_no_thread_of_ours(tmp_path, version):
    found = sorted(Path(os.path.expanduser("~/.pyenv/versions")).glob(f"{version}*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    body = """
import os
for _ in range(20):
    burn(2)
    pid = os.fork()
    if not pid: os._exit(0)
    os.waitpid(pid, 0)
print(stacks._collector.on)
"""
    run = Run(tmp_path, body, python=str(found[-1]), flags=("-W", "error"))
    assert run.result.stdout == "True\n", run.result.stderr
    assert run.result.stderr == ""


@pytest.mark.parametrize("error", ["ValueError", "KeyboardInterrupt", "SystemExit"])
def test_a_failing_sampler_never_reaches_the_program(tmp_path, error):
    body = f"""
def fail(*_): raise {error}("planted")
stacks._collector._stacks.id_of = fail
burn(10)
print("fine")
"""
    run = Run(tmp_path, body)
    if error == "KeyboardInterrupt":  # cannot be told from Ctrl-C, and Ctrl-C belongs to the program
        assert run.result.returncode != 0
        return
    assert (run.result.returncode, run.result.stdout, run.result.stderr) == (0, "fine\n", "")
    assert "planted" in run.notes("failed")[0]["error"]


def test_pyinstruments_own_engine_saves_its_session(tmp_path):
    pytest.importorskip("pyinstrument")
    (tmp_path / "run").mkdir()
    run = Run(tmp_path / "run" / "x", "", recorded=False)
    script = run.folder / "script.py"
    script.write_text(START.replace("stacks=auto", "stacks=pyinstrument") + BURN + "burn(10)\n")
    done = subprocess.run([sys.executable, str(script), str(run.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    from pyinstrument.session import Session

    session = Session.load(next(run.folder.glob("pyinstrument-*.pyisession")))
    assert session.sample_count > 0
    assert any("burn" in key for frames, _ in session.frame_records for key in frames)


def test_a_program_replaced_by_exec_is_sampled_too(tmp_path):
    again = "if len(sys.argv) < 3:\n    os.execv(sys.executable, [sys.executable, *sys.argv, 'x'])\n"
    run = Run(tmp_path, f"import os, sys\nburn(30)\n{again}")
    assert run.result.returncode == 0, run.result.stderr
    assert not run.notes("failed")
    assert len(list(tmp_path.glob("live/*-3200?.ring"))) == 4


THREADS = """
import hashlib, threading, time
def turns():
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        sum(range(100))
def sleeps():
    time.sleep(1.5)
def hashes():
    end, data = time.monotonic() + 1.5, bytes(1 << 22)
    while time.monotonic() < end:
        hashlib.blake2b(data)
def locked(lock=threading.Lock()):
    for _ in range(40):
        with lock:
            time.sleep(0.02)
pace.LONGEST_LOOK_NS, pace.COST_SHARE = pace.LOOK_NS, 1  # a look every 25 ms, whatever one costs here
while not stacks._collector.pace.ticks:  # the first tick starts the thread that looks
    pass
threads = [threading.Thread(target={function}) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize(
    ("function", "held"), [("turns", True), ("sleeps", False), ("hashes", False), ("locked", False)]
)
def test_a_late_look_at_the_blocked_main_thread_shows_that_another_runs_python(tmp_path, function, held):
    run = Run(tmp_path, THREADS.replace("{function}", function))
    assert run.result.returncode == 0, run.result.stderr
    blocked, by_others = run.seconds(signals.STACK_BLOCKED, "<module>"), run.seconds(signals.GIL_HELD, function)
    assert blocked > 0.3
    assert (by_others > 0.2 * blocked) == held, (by_others, blocked)
    assert run.notes("gil")[0]["enabled"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="a fork beside another thread warns there")
def test_a_parent_that_only_waits_for_its_child_is_looked_at(tmp_path):
    body = """
import os, time
def waits(child):
    os.waitpid(child, 0)
child = os.fork()
if not child:
    time.sleep(1.5)
    os._exit(0)
waits(child)
"""
    run = Run(tmp_path, body)
    assert run.result.returncode == 0, run.result.stderr
    assert run.seconds(signals.STACK_BLOCKED, "waits") > 1


@pytest.mark.parametrize("version", ["3.10", "3.12"])
def test_threads_that_fork_at_once_leave_one_looking_thread(tmp_path, version):
    found = sorted(Path(os.path.expanduser("~/.pyenv/versions")).glob(f"{version}*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    body = """
import os, threading
def forks():
    for _ in range(40):
        child = os.fork()
        if not child: os._exit(0)
        os.waitpid(child, 0)
def at_once():
    threads = [threading.Thread(target=forks) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
at_once()
burn(10)
before = len(os.listdir("/proc/self/fd"))
at_once()
burn(10)
print(len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")) - before, stacks._collector.on)
"""
    run = Run(tmp_path, body, python=str(found[-1]), flags=("-W", "ignore"))
    assert run.result.stdout == "2 0 True\n", run.result.stderr


def test_a_fork_where_no_thread_can_be_started_is_silent(tmp_path):
    body = """
import os
def no_more(*_): raise RuntimeError("can't start new thread")
stacks.native_thread.start = no_more
child = os.fork()
if not child: os._exit(0)
os.waitpid(child, 0)
burn(10)
print(stacks._collector.on)
"""
    run = Run(tmp_path, body)
    assert (run.result.stdout, run.result.stderr) == ("False\n", "")
    assert run.notes("failed")[0]["error"] == "RuntimeError: can't start new thread"


def test_a_look_that_fails_keeps_nothing_alive(tmp_path):
    body = """
import gc, time
class Local: pass
def fail(*_): raise ValueError("planted")
def works():
    local = Local()
    time.sleep(0.3)
gc.disable()
stacks._collector._walked = fail
works()
print(stacks._collector.on, any(type(each) is Local for each in gc.get_objects()))
"""
    run = Run(tmp_path, body)
    assert run.result.stdout == "False False\n", run.result.stderr


def test_frames_are_left_alone_where_there_may_be_other_interpreters(monkeypatch):
    for name in ("_interpreters", "_xxsubinterpreters"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with AllFrames() as frames:
        assert len(frames) >= 1
    monkeypatch.setitem(sys.modules, "_interpreters", None)
    with AllFrames() as frames:
        assert frames == {}


def test_nothing_is_collected_while_frames_are_walked():
    """A finalizer may release the GIL, and on Python 3.11 a frame that is being walked to would be gone."""
    for wanted in (True, False):
        gc.enable() if wanted else gc.disable()
        try:
            with AllFrames() as frames:
                assert get_ident() in frames
                assert gc.isenabled() is (wanted and sys.version_info[:2] != (3, 11))
            assert gc.isenabled() is wanted and not frames
        finally:
            gc.enable()
