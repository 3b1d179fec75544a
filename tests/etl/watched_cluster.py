"""Starts a Dask scheduler and a worker that know nothing of us, and watches them; an AssertionError says what fails."""

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
import warnings

import cloudpickle
from bottleneck_profiler.dask import watch
from distributed import Client

DIES = """
import sys
from distributed import Client
from bottleneck_profiler.dask import watch
client = Client(sys.argv[1])
watch(client, consent=True).__enter__()
client.submit(sum, [1, 2]).result()
print("watching", flush=True)
input()
"""
BUSY = """
import time
def busy(number):
    end = time.perf_counter() + 0.5
    while time.perf_counter() < end:
        number += 1
    return number
"""


@contextlib.contextmanager
def cluster():
    """(the scheduler's program, a client)."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": plain}
    file = os.path.abspath("scheduler.json")
    common = ["--no-dashboard", "--scheduler-file", file]
    words = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common]
    started = [subprocess.Popen(words, **quiet)]
    try:
        work = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1", *common]
        started.append(subprocess.Popen(work, **quiet))
        client = Client(scheduler_file=file, timeout=60)
        client.wait_for_workers(1, timeout=60)
        yield started[0], client
        client.close(timeout=1)
    finally:
        for each in started:
            each.kill()
            each.wait()


def plugins(client):
    return set(client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.plugins)))


def user_module():
    """A module of the user's, which the workers do not have."""
    with open("users_work.py", "w") as file:
        file.write(BUSY)
    sys.path.insert(0, os.getcwd())
    work = importlib.import_module("users_work")
    cloudpickle.register_pickle_by_value(work)
    return work


def without_consent(client, work, before):
    with watch(client) as seen:
        client.gather(client.map(work.busy, range(5)))
        assert plugins(client) == before
    assert seen.tasks is None and not seen.problem, seen.problem
    assert (seen.lines[0].file, seen.lines[0].function) == (work.__file__, "busy"), seen.lines
    assert seen.lines[0].seconds > 0.5


def with_consent(client, work, before):
    with watch(client, consent=True) as seen:
        client.gather(client.map(work.busy, range(10, 13)))
        assert len(plugins(client) - before) == 1
    assert [(each.prefix, each.count) for each in seen.tasks] == [("busy", 3)]
    assert seen.tasks[0].compute_seconds >= 1.4 and seen.tasks[0].result_bytes > 0
    assert plugins(client) == before and "busy: 3 tasks" in str(seen)


def killed(client, before):
    with open("dies.py", "w") as file:
        file.write(DIES)
    words = [sys.executable, "dies.py", client.scheduler.address]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "watching\n"
        assert len(plugins(client) - before) == 1
        child.send_signal(signal.SIGKILL)
    until = time.monotonic() + 60
    while plugins(client) != before and time.monotonic() < until:
        time.sleep(0.1)
    assert plugins(client) == before


def went_away(scheduler, client):
    with watch(client, consent=True) as seen:
        scheduler.kill()
        scheduler.wait()
        while client.status == "running":
            time.sleep(0.05)
        kept = [1, 2]
    assert kept == [1, 2] and "\n" not in seen.problem and "went away" in seen.problem, seen.problem


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with cluster() as (scheduler, client):
        work, before = user_module(), plugins(client)
        without_consent(client, work, before)
        print("without consent")
        with_consent(client, work, before)
        print("with consent")
        killed(client, before)
        print("killed")
        went_away(scheduler, client)
        print("went away")
