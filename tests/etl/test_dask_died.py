"""Dask clusters that lose a worker or their scheduler while a program runs, under ``bottleneck run``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bottleneck_profiler.recording.facts.dask import DaskGraph
from bottleneck_profiler.recording.read import load

pytest.importorskip("distributed")
START = """
import logging, os, signal, sys, time, warnings
warnings.simplefilter("ignore")
logging.disable()
import dask
from distributed import Client, LocalCluster
def work(number):
    time.sleep(0.05)
    return number
def pid_of(address):
    return client.run(os.getpid, workers=[address])[address]
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
"""
WORKER = """
        futures = client.map(work, range(40))
        time.sleep(0.3)
        os.kill(pid_of(next(iter(cluster.scheduler.workers))), signal.SIGKILL)
        print(sum(client.gather(futures)))
"""
SCHEDULER = """
import os, subprocess, sys, time, warnings
warnings.simplefilter("ignore")
import dask
from distributed import Client
def work(number):
    time.sleep(0.05)
    return number
def started(program, *words):
    command = [sys.executable, "-m", "distributed.cli.dask_" + program, "--no-dashboard", "--scheduler-file", "s.json"]
    return subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if __name__ == "__main__":
    dask.config.set({"distributed.comm.timeouts.connect": "2s", "distributed.client.scheduler-info-interval": "60s"})
    scheduler = started("scheduler", "--host", "127.0.0.1", "--port", "0")
    worker = started("worker", "--no-nanny", "--nthreads", "1")
    try:
        client = Client(scheduler_file="s.json", timeout=60)
        client.wait_for_workers(1, timeout=60)
        futures = client.map(work, range(40))
        time.sleep(0.3)
        scheduler.kill()
        client.gather(futures)
    except Exception as error:
        print(type(error).__name__.endswith("CancelledError"), flush=True)
        sys.exit(7)
    finally:
        for each in (scheduler, worker):
            each.kill()
            each.wait()
        os.remove("s.json")
"""


def ran(folder, code):
    (folder / "etl.py").write_text(code)
    alone = subprocess.run([sys.executable, "etl.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    words = [str(Path(sys.executable).with_name("bottleneck")), "run", "--no-probe", "--run-dir", "r", "etl.py"]
    recorded = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert (recorded.returncode, recorded.stdout) == (alone.returncode, alone.stdout), recorded.stderr
    assert (folder / "r" / "report.html").exists() and "bottleneck  etl.py" in recorded.stderr
    return recorded


def test_a_worker_that_is_killed_is_one_line_and_the_rest_is_counted(tmp_path):
    recorded = ran(tmp_path, START + WORKER)
    assert recorded.stdout.split() == ["780"] and recorded.returncode == 0
    said = " ".join(recorded.stderr.split())
    assert said.count("left the cluster") == 1 and "A Dask worker left the cluster while tasks were running" in said
    graphs = [graph for _, graph in load(tmp_path / "r").facts.of(DaskGraph)]
    assert [graph.lost for graph in graphs if graph.tasks >= 40] == [1]


def test_a_scheduler_that_ends_leaves_the_programs_own_error_and_exit_code(tmp_path):
    recorded = ran(tmp_path, SCHEDULER)
    assert recorded.returncode == 7 and recorded.stdout == "True\n"
    assert "exit code 7" in recorded.stderr and "failed (" not in recorded.stderr
