"""The host sampler on real processes, and the limits on made-up cgroup trees."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from bottleneck_profiler.collectors.host import limits
from bottleneck_profiler.collectors.host.proc import HostSampler, machine_facts

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

CHILD = """
import os, subprocess, sys
ballast = bytearray(64 << 20)
code = "import sys; x = bytearray(32 << 20); print('up', flush=True); sys.stdin.read()"
pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
grandchild = subprocess.Popen([sys.executable, "-c", code], **pipes)
grandchild.stdout.readline()
total = 0
while sum(os.times()[:2]) < 0.3:
    total += sum(range(1000))
with open(sys.argv[1], "wb") as file:
    file.write(b"x" * 3_000_000)
with open(sys.argv[1], "rb") as file:
    file.read()
print("ready", flush=True)
sys.stdin.readline()
grandchild.communicate()
print("done", flush=True)
sys.stdin.readline()
"""


@linux
def test_a_tree_of_two_processes_is_seen_and_its_sums_never_fall(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "file")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    sampler = HostSampler(child.pid)
    assert child.stdout.readline() == "ready\n"
    sampler._source._refreshed_ns = 0  # do not wait for the refresh of the next second
    first = sampler.sample()
    assert first["processes"] == 2
    assert first["rss_bytes"] - first["main_rss_bytes"] > 32 << 20
    assert first["main_rss_bytes"] > 64 << 20
    assert first["cpu_ns_total"] > 300_000_000
    assert first["write_bytes_total"] >= 3_000_000
    assert first["read_bytes_total"] >= 3_000_000
    assert first["minor_faults_total"] > (96 << 20) // 4096
    assert first["threads"] >= 2
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.stdout.readline() == "done\n"
    time.sleep(0.05)
    second = sampler.sample()
    assert second["processes"] == 1
    assert second["rss_bytes"] == second["main_rss_bytes"] > 64 << 20
    child.communicate("\n")
    third = sampler.sample()
    assert third["processes"] == 0 and third["rss_bytes"] == 0
    for earlier, later in ((first, second), (second, third)):
        for name in earlier:
            if name.endswith("_total"):
                assert later[name] >= earlier[name], name
    assert third["minor_faults_total"] > (96 << 20) // 4096
    sampler.close()


@linux
def test_cores_add_up_to_the_mask_and_descriptors_are_given_back():
    before = len(os.listdir("/proc/self/fd"))
    sampler = HostSampler(os.getpid())
    sampler.sample()
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        pass
    row = sampler.sample()
    mask = len(os.sched_getaffinity(0))
    assert 0 <= row["idle_cores"] <= mask
    assert row["busy_cores"] > 0
    # Rounded to ticks of 10 ms on each side.
    assert row["idle_cores"] + row["iowait_cores"] <= mask + 0.01
    assert row["memory_available_bytes"] > 0
    assert sampler.missing == []
    sampler.close()
    assert len(os.listdir("/proc/self/fd")) == before


@linux
def test_a_process_that_never_was_gives_zero_processes():
    sampler = HostSampler(2**22 + 1)
    assert sampler.sample()["processes"] == 0
    sampler.close()


@linux
def test_switches_and_run_delay_are_read_per_thread():
    child = subprocess.Popen(
        [sys.executable, "-c", "import time\nfor _ in range(50): time.sleep(0.001)\nprint(flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child.stdout.readline()

    def run_delay():
        with open(f"/proc/{child.pid}/task/{child.pid}/schedstat") as file:
            return int(file.read().split()[1])

    before = run_delay()  # 0 where nothing else wanted the core
    sampler = HostSampler(child.pid)
    row = sampler.sample()
    assert row["voluntary_switches_total"] >= 50
    assert before <= row["run_delay_ns_total"] <= run_delay()
    child.communicate(b"\n")
    sampler.close()


def _tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return str(root)


def test_cgroup_v2_limits_are_the_smallest_on_the_way_up(tmp_path):
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/job/inner\n",
            "proc/meminfo": "MemTotal:       16000000 kB\n",
            "sys/fs/cgroup/job/inner/cpu.max": "max 100000\n",
            "sys/fs/cgroup/job/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/job/inner/memory.max": "8000000000\n",
            "sys/fs/cgroup/job/memory.max": "2000000000\n",
        },
    )
    assert limits.cpu_quota("self", root) == 1.5
    assert limits.memory_limit("self", root) == 2_000_000_000
    facts = limits.machine_facts(0, root)
    assert facts["memory_bytes"] == 2_000_000_000
    assert facts["cores"] == min(1.5, len(limits.affinity()))


def test_cgroup_v1_limits_and_no_limits(tmp_path):
    root = _tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",  # the container's own group is the mount's root
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert limits.cpu_quota("self", root) == 0.5
    assert limits.memory_limit("self", root) is None
    root = _tree(tmp_path / "other", {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"})
    assert limits.cpu_quota("self", root) is None


def test_facts_of_this_machine():
    facts = machine_facts()
    assert 0 < facts["cores"] <= os.cpu_count()
    assert facts["memory_bytes"] > 0
    assert {"cpu_model", "os", "kernel", "hostname"} <= facts.keys()


def test_where_there_is_no_proc_psutil_answers_and_says_what_is_missing(monkeypatch):
    import psutil  # noqa: F401  before the platform changes its name

    monkeypatch.setattr("bottleneck_profiler.collectors.host.proc.sys.platform", "darwin")
    sampler = HostSampler(os.getpid())
    monkeypatch.undo()
    row = sampler.sample()
    assert row["main_rss_bytes"] > 0 and row["cpu_ns_total"] > 0
    assert "major_faults_total" in sampler.missing and "major_faults_total" not in row
    assert not set(sampler.missing) & row.keys()
    sampler.close()
