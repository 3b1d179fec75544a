"""A CPU quota that stops a program, from the kernel's files to the finding; an accelerator that lowers its clock."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from bottleneck_profiler.collectors.host.limits import Throttling
from bottleneck_profiler.collectors.host.proc import HostSampler
from bottleneck_profiler.detectors.run.throttled import Throttled
from bottleneck_profiler.diagnosis import ranking
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from memory import recordings

recording, gpu_table = recordings.recording, recordings.gpu_table


def judge(made):
    return recordings.judge(Throttled(), made)


def limited(stopped, used, cores=2.0):
    """Ten seconds of steps: cores that were stopped, and that were used, all the time."""
    totals = {"throttled_ns_total": stopped, "cpu_ns_total": used}
    host = {name: (lambda share, of=of: of * share * 10e9) for name, of in totals.items() if of is not None}
    return recording(count=500, host=host, run={"machine": {"cores": cores, "memory_bytes": 1}})


@pytest.mark.parametrize(
    ("stopped", "used", "cores", "lost", "wanted"),
    [
        (0.5, 0.5, 0.5, 0.5, 1),  # one thread that runs half of the time
        (2.0, 2.0, 2.0, 0.5, 4),  # four threads, each stopped half of the time: counted on four cores
        (0.2, 0.3, 0.5, 0.2, 1),  # it sleeps half of the time: only what it was stopped is lost
    ],
)
def test_what_a_quota_takes_is_a_share_of_the_time_whatever_the_number_of_threads(stopped, used, cores, lost, wanted):
    made = limited(stopped, used, cores)
    found = judge(made)
    assert isinstance(found, Finding) and found.location is None
    assert found.gain.seconds == pytest.approx(10 * lost, rel=0.12)  # of the seconds that hold whole windows
    assert found.gain.step_share == pytest.approx(lost, rel=0.01)
    assert found.gain.low < found.gain.share < found.gain.high < 1
    assert f"to {wanted} core" in found.fix.summary
    assert ("thread" in found.fix.summary) == (wanted > max(1, int(cores)))
    order, _, plan = ranking.rank([found], {}, made.wall_seconds)
    assert [step.detector for step in plan] == [r.finding.detector for r in order] == ["throttled"]


def test_a_little_throttling_none_and_no_answer_are_told_apart():
    assert isinstance(judge(limited(0.03, 0.9)), Fine)
    assert isinstance(judge(limited(0.0, 0.9)), Fine)
    assert isinstance(judge(limited(None, 0.9)), NotMeasured)
    assert isinstance(judge(recording(count=50, host={"throttled_ns_total": lambda share: share * 1e9})), NotMeasured)


def _tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return str(root)


def test_the_smallest_quota_on_the_way_up_is_the_one_that_is_read(tmp_path):
    base = "sys/fs/cgroup/pod"
    files = {
        "proc/self/cgroup": "0::/pod/inner\n",
        f"{base}/inner/cpu.max": "400000 100000\n",
        f"{base}/inner/cpu.stat": "usage_usec 9\nnr_throttled 1\nthrottled_usec 1\n",
        f"{base}/cpu.max": "150000 100000\n",
        f"{base}/cpu.stat": "usage_usec 9\nnr_throttled 3\nthrottled_usec 1234\n",
    }
    throttling = Throttling("self", _tree(tmp_path, files))
    assert throttling.nanoseconds() == 1_234_000
    (tmp_path / base / "cpu.stat").write_text("usage_usec 9\n")  # no longer told
    assert throttling.nanoseconds() is None
    throttling.close()
    (tmp_path / base / "cpu.stat").unlink()
    assert Throttling("self", str(tmp_path)).nanoseconds() is None


def test_cgroup_v1_counts_nanoseconds_and_no_quota_stops_nobody(tmp_path):
    base = "sys/fs/cgroup/cpu"
    files = {
        "proc/self/cgroup": "3:cpu,cpuacct:/docker/abc\n0::/\n",
        f"{base}/cpu.cfs_quota_us": "50000\n",
        f"{base}/cpu.cfs_period_us": "100000\n",
        f"{base}/cpu.stat": "nr_periods 159\nnr_throttled 80\nthrottled_time 609937378\n",
    }
    throttling = Throttling("self", _tree(tmp_path, files))
    assert throttling.nanoseconds() == 609_937_378
    throttling.close()
    (tmp_path / base / "cpu.cfs_quota_us").write_text("-1\n")
    assert Throttling("self", str(tmp_path)).nanoseconds() == 0


@pytest.fixture
def group():
    """A real control group with a fifth of a core."""
    base = Path("/sys/fs/cgroup/cpu")
    try:
        made = Path(tempfile.mkdtemp(dir=base if base.is_dir() else base.parent))
        if base.is_dir():
            (made / "cpu.cfs_quota_us").write_text("20000")
        else:
            (made / "cpu.max").write_text("20000 100000")
    except OSError:
        pytest.skip("no control group can be made here")
    yield made
    made.rmdir()


def test_a_real_quota_is_seen_to_stop_a_process(group):
    code = (
        "import sys, time\nsys.stdin.readline()\nwhile time.process_time() < 0.15: pass\nprint()\nsys.stdin.readline()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:
        (group / "cgroup.procs").write_text(str(child.pid))
        sampler = HostSampler(child.pid)
        before = sampler.sample()["throttled_ns_total"]
        child.stdin.write("\n")
        child.stdin.flush()
        child.stdout.readline()
        after = sampler.sample()["throttled_ns_total"]
        descriptors = len(os.listdir("/proc/self/fd"))
        sampler.close()
        assert len(os.listdir("/proc/self/fd")) < descriptors
        child.communicate("\n")
    assert before >= 0 and after > before


def clocked(clock, heat, busy=0.95, power=400.0):
    made = gpu_table(recording(), lambda share, device: busy)
    count = len(made.gpu["time_ns"])
    values = {"sm_clock_hz": clock * 1.98e9, "sm_clock_max_hz": 1.98e9, "temperature_celsius": heat}
    values |= {"power_watts": power, "power_limit_watts": 700.0}
    made.gpu |= {name: np.full(count, value) for name, value in values.items()}
    return made


def test_a_hot_device_that_lowers_its_clock_is_a_finding():
    found = judge(clocked(0.7, 88.0))
    assert isinstance(found, Finding) and not found.hint and "hot" in found.title.lower()
    assert found.gain.step_share == pytest.approx(0.95 * 0.3, abs=0.01)
    assert "simulated" in [item.value for item in found.evidence]


def test_a_device_at_its_power_limit_is_only_noticed():
    found = judge(clocked(0.7, 70.0, power=699.0))
    assert isinstance(found, Finding) and found.hint and found.gain is None


@pytest.mark.parametrize(
    "made",
    [clocked(0.95, 88.0), clocked(0.7, 70.0), clocked(0.2, 88.0, busy=0.1)],
    ids=["hot at full speed", "slow and cool", "hot and idle"],
)
def test_other_devices_are_fine(made):
    assert isinstance(judge(made), Fine)


def test_the_quota_is_told_where_the_device_is_only_at_its_limit():
    made = clocked(0.7, 70.0, power=699.0)
    made.host = limited(0.5, 0.5).host
    assert judge(made).title == Throttled.title


def test_without_an_accelerator_there_is_no_sentence_about_one():
    for made in (recording(), limited(0.5, 0.5), limited(0.0, 0.5)):
        answer = judge(made)
        text = " ".join(str(part) for part in (answer, getattr(answer, "reason", "")))
        assert "accelerator" not in text.lower() and "gpu" not in text.lower()
