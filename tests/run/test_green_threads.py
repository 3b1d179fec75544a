"""Programs under gevent and eventlet: nothing of ours becomes a green thread, and no signal is blocked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import bottleneck

PROGRAM = """
PATCH
import os, signal, subprocess, time

def work(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        time.sleep(0.001); sum(range(20000))

def blocked():
    return next(line for line in open("/proc/self/status") if line.startswith("SigBlk")).split()[1]

got = []
signal.signal(signal.SIGTERM, lambda *a: got.append("SIGTERM"))
work(0.2)
subprocess.run(["true"])
if os.fork() == 0:
    work(0.1)
    print("child blocks", blocked(), flush=True)
    os._exit(0)
os.wait()
work(0.2)
print("blocks", blocked(), flush=True)
print("second command", subprocess.run(["true"], timeout=20).returncode, flush=True)
os.kill(os.getpid(), signal.SIGTERM)
work(0.1)
print("handler ran", got, flush=True)
os._exit(0)
"""
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import warnings; warnings.simplefilter('ignore'); import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.parametrize("library", PATCHES)
def test_the_program_runs_and_hears_its_signals(tmp_path: Path, library: str):
    pytest.importorskip(library)
    script = tmp_path / "green.py"
    script.write_text(PROGRAM.replace("PATCH", PATCHES[library]))
    plain = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100, check=False)
    ran = bottleneck(tmp_path, script)
    assert (ran.code, ran.out) == (plain.returncode, plain.stdout)
    assert "handler ran ['SIGTERM']" in ran.out and ran.out.count("0000000000000000") == 2


@pytest.mark.parametrize("library", PATCHES)
def test_a_profile_that_begins_after_the_patching_has_real_threads(library: str):
    pytest.importorskip(library)
    code = f"""
{PATCHES[library]}
import _thread, builtins
from bottleneck_profiler.agent import unpatched
kind = type(len)
print([type(getattr(unpatched, name)) is kind for name in ("allocate_lock", "get_ident", "start_new_thread", "sleep")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == "[True, True, True, True]\n", done.stderr
