"""Many files are read in processes or by a cluster, in order, with the same result; what is broken is said."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bottleneck_profiler.cli import main
from bottleneck_profiler.exporters.json import to_json
from bottleneck_profiler.importers import Reading, _reading
from bottleneck_profiler.recording import store
from bottleneck_profiler.recording.trace_files import Progress
from bottleneck_profiler.session import analyse
from click.testing import CliRunner

from .test_kineto import saved, trace


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five ranks, one of them twice, and one that is cut; few enough bytes that processes are not worth it else."""
    monkeypatch.setattr(_reading, "_FEW_BYTES", 0)
    folder = tmp_path / "job"
    folder.mkdir()
    for rank in range(5):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        saved(folder, content, f"worker{rank}.json")
    (folder / "worker4 (copy).json").write_bytes((folder / "worker4.json").read_bytes())
    (folder / "cut.json").write_bytes(b'{"schemaVersion": 1, "traceEvents": [')
    return folder


def judged(job: Path, how: Reading) -> object:
    found = to_json(analyse(job, how=how)[1])
    return {**found, "run": {**found["run"], "started": ""}}


def test_processes_find_what_one_process_finds(job: Path):
    one = judged(job, Reading())
    assert judged(job, Reading(processes=2)) == one
    notes = " ".join(one["run"]["notes"])
    assert "worker4.json was left out" in notes or "worker4 (copy).json was left out" in notes
    assert "cut.json" in notes and len(one["devices"]) == 5


ON_A_CLUSTER = """
import json, sys
from pathlib import Path
from distributed import LocalCluster
from bottleneck_profiler.importers import Reading
from bottleneck_profiler.exporters.json import to_json
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.session import analyse
with LocalCluster(processes=False, n_workers=1, dashboard_address=None) as cluster:
    print(json.dumps(to_json(analyse(Path(sys.argv[1]), how=Reading(scheduler=cluster.scheduler_address))[1])))
try:
    analyse(Path(sys.argv[1]), how=Reading(scheduler="nowhere"))
except RunError as error:
    print(error)
"""


def test_a_dask_cluster_finds_the_same(job: Path):
    """In a process of its own: here ``distributed`` is a folder of tests."""
    if importlib.util.find_spec("dask") is None:
        pytest.skip("Dask is not installed")
    done = subprocess.run([sys.executable, "-c", ON_A_CLUSTER, str(job)], capture_output=True, text=True, check=True)
    found, error = done.stdout.splitlines()
    found = json.loads(found)
    assert {**found, "run": {**found["run"], "started": ""}} == json.loads(json.dumps(judged(job, Reading())))
    assert error.startswith("no Dask scheduler answers at nowhere")


def test_a_cluster_needs_dask(job: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(main, ["import", "--scheduler", "tcp://here", "--run-dir", str(job / "run"), str(job)])
    assert done.exit_code == 2 and "--scheduler needs Dask" in done.output
    assert len(done.output.splitlines()) == 1


def ended(path: Path, progress: Progress | None) -> int:
    if path.name == "worker2.json":
        os.kill(os.getpid(), signal.SIGKILL)
    return len(path.name)


def test_a_process_that_is_killed_costs_its_file(job: Path):
    files = [job / f"worker{rank}.json" for rank in range(4)]
    outcomes = list(_reading.read_all(ended, files, Reading(processes=1 + 1)))
    assert len(outcomes) == len(files)
    assert any("was ended" in str(outcome) for outcome in outcomes)


def test_progress_reaches_the_end_of_every_file(job: Path):
    for processes in (1, 2):
        seen = dict[Path, tuple[int, int]]()
        how = Reading(processes, progress=lambda path, done, size, seen=seen: seen.update({path: (done, size)}))
        analyse(job, how=how)
        assert {path.name for path in seen} >= {f"worker{rank}.json" for rank in range(4)}
        assert all(done == size for done, size in seen.values())


WAITING = """
import signal, sys, time
from pathlib import Path
from bottleneck_profiler.importers import Reading, _reading

def wait(path, progress):
    path.with_suffix(".begun").touch()
    time.sleep(600)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
    _reading._FEW_BYTES = 0
    try:
        list(_reading.read_all(wait, sorted(Path(sys.argv[1]).glob("*.json")), Reading(processes=2)))
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_an_interrupt_ends_all_processes_and_shows_no_traceback(job: Path):
    script = job / "waiting.py"
    script.write_text(WAITING)
    pipe = subprocess.PIPE
    command = [sys.executable, str(script), str(job)]
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True) as process:
        while not list(job.glob("*.begun")):  # the test's timeout is the limit
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate()
    assert said == "interrupted\n"
    while _members(process.pid):
        time.sleep(0.02)


def test_an_interrupt_while_the_run_is_written_leaves_none(job: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(run_dir: Path, facts: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "append_facts", interrupted)
    done = CliRunner().invoke(main, ["import", "--run-dir", str(job / "run"), str(job)])
    assert done.exit_code == 1 and done.output.strip() == "Aborted!"
    assert not (job / "run").exists()


def _members(group: int) -> list[str]:
    """The processes of a group that still run."""
    found = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in found.splitlines()]
    return [state for number, state in rows if int(number) == group and not state.startswith("Z")]
