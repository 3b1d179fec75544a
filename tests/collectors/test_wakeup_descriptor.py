"""Sampling while the program has a wakeup descriptor, to which each signal would write."""

from __future__ import annotations

import sys

import pytest
from bottleneck_profiler import signals

from collectors.children import Run

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="POSIX timers on a CPU clock")


def test_no_byte_is_written_to_a_wakeup_descriptor(tmp_path):
    body = """
import os, signal, socket
burn()
ours, theirs = socket.socketpair()
ours.setblocking(False); theirs.setblocking(False)
signal.set_wakeup_fd(ours.fileno())
burn(20)
signal.set_wakeup_fd(-1)
try:
    print(len(theirs.recv(100)))
except BlockingIOError:
    print("nothing")
def later(): burn(10)
later()
"""
    run = Run(tmp_path, body)
    assert run.result.stdout == "nothing\n", run.result.stderr
    assert run.seconds(signals.STACK_CPU, "later") > 0.03


def test_a_forked_child_that_sets_a_wakeup_descriptor_is_sampled_too(tmp_path):
    """As each worker of gunicorn does: no tick comes in it that could start the sampling thread."""
    body = """
import os, signal, time
def work():
    end = time.monotonic() + 0.8
    while time.monotonic() < end:
        time.sleep(0.02)
pid = os.fork()
if not pid:
    signal.set_wakeup_fd(os.pipe2(os.O_NONBLOCK)[1])
    work()
    os._exit(0)
os.waitpid(pid, 0)
"""
    run = Run(tmp_path, body)
    assert run.result.returncode == 0, run.result.stderr
    assert run.seconds(signals.STACK_BLOCKED, "work") > 0.3


def test_running_code_is_sampled_once_while_a_wakeup_descriptor_is_set_and_after_it(tmp_path):
    body = """
import os, signal, time
def work(): burn(600)
def after(): burn(300)
signal.set_wakeup_fd(os.pipe2(os.O_NONBLOCK)[1])
began = time.thread_time()
work()
worked = time.thread_time()
signal.set_wakeup_fd(-1)
after()
print(worked - began, time.thread_time() - worked)
"""
    run = Run(tmp_path, body)
    worked, after = map(float, run.result.stdout.split())
    assert run.seconds(signals.STACK_CPU, "work") == pytest.approx(worked, rel=0.3)
    both = run.seconds(signals.STACK_CPU, "work") + run.seconds(signals.STACK_CPU, "after")
    assert both <= 1.05 * (worked + after)
    assert run.seconds(signals.STACK_CPU, "after") > 0.5 * after
