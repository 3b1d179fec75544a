"""swapping and memory-near-limit: what they say of made-up readings of a host, and what the limits are read from."""

from __future__ import annotations

import numpy as np
import pytest
from bottleneck_profiler.collectors.host.memory import MachineMemory
from bottleneck_profiler.detectors.memory.memory_near_limit import MemoryNearLimit
from bottleneck_profiler.detectors.memory.swapping import Swapping
from bottleneck_profiler.diagnosis.findings import Finding, Fine, NotMeasured
from bottleneck_profiler.diagnosis.ranking import rank, severity
from hypothesis import given, settings
from hypothesis import strategies as st

from memory import recordings

judge, recording, MiB = recordings.judge, recordings.recording, recordings.MiB
GiB, SECOND = 1 << 30, recordings.SECOND


def swapping(fault_seconds=2e-4, swap_pages=8, base=0.02, count=900, most=200):
    """Steps that take longer by what their faults cost: none, a few, many, in turn."""
    faults = np.array([most * (step // 60 % 4) / 3 for step in range(count)])
    seconds = base + faults * fault_seconds
    made = recording(count=count, seconds=0.02)
    ends = SECOND + np.cumsum(seconds * SECOND)
    made.steps["t1"][:] = ends
    made.steps["t0"][:] = ends - seconds * SECOND
    times = np.arange(SECOND, ends[-1], SECOND // 10)
    total = np.interp(times, ends, np.cumsum(faults))
    made.host = {"time_ns": times, "major_faults_total": total, "swap_in_bytes_total": total * swap_pages * 4096.0}
    made.ended_ns = int(ends[-1])
    return made, float((faults * fault_seconds)[3:].sum())


@settings(max_examples=15, deadline=None)
@given(st.floats(5e-5, 3e-3), st.integers(1, 16))
def test_what_a_fault_costs_is_read_from_the_runs_own_windows(fault_seconds, pages):
    made, lost = swapping(fault_seconds, pages)
    outcome = judge(Swapping(), made)
    assert isinstance(outcome, Finding)
    assert outcome.gain.seconds == pytest.approx(lost, rel=0.1)
    assert sum(outcome.removes.values()) == pytest.approx(outcome.gain.seconds)


def test_reads_of_mapped_files_are_no_swapping():
    assert isinstance(judge(Swapping(), swapping(swap_pages=0)[0]), Fine)
    # Somebody else's pages come back while this run reads its files.
    outcome = judge(Swapping(), swapping(swap_pages=0.3, most=2000)[0])
    assert isinstance(outcome, Fine) and outcome.threshold == Swapping.min_swapped_share


def test_swapping_of_others_and_faults_that_cost_nothing_are_fine():
    made, _ = swapping()
    made.host["major_faults_total"] = made.host["major_faults_total"] / 1000
    assert isinstance(judge(Swapping(), made), Fine)
    made, _ = swapping(fault_seconds=1e-6)
    outcome = judge(Swapping(), made)
    assert isinstance(outcome, Fine) or outcome.gain is None


def test_without_a_difference_between_the_windows_there_is_no_price():
    made = recording(
        count=600,
        host={
            "major_faults_total": lambda share: 1e5 * share,
            "swap_in_bytes_total": lambda share: 4e9 * share,
        },
    )
    outcome = judge(Swapping(), made)
    assert isinstance(outcome, Finding) and outcome.gain is None
    worth, aside, _ = rank([outcome], {}, 13.0)
    assert not worth and len(aside) == 1


def test_what_is_not_counted_is_not_measured():
    assert isinstance(judge(Swapping(), recording(host={"idle_cores": lambda share: 1.0})), NotMeasured)
    assert isinstance(judge(MemoryNearLimit(), recording(host={"idle_cores": lambda share: 1.0})), NotMeasured)


def near(rss, available, limit=None):
    columns = {"rss_bytes": lambda share: rss(share) * GiB, "memory_available_bytes": lambda share: available * GiB}
    if limit is not None:
        columns["memory_limit_bytes"] = lambda share: limit * GiB
    return recording(host=columns)  # on a machine of 32 GiB


@pytest.mark.parametrize(
    ("made", "fires"),
    [
        pytest.param(near(lambda s: 20 + 11 * s, 1), "critical", id="a full machine"),
        pytest.param(near(lambda s: 5 + 2.6 * s, 0.4, 8), "warning", id="a full cgroup"),
        pytest.param(near(lambda s: 31, 20), None, id="workers that share most of it"),
        pytest.param(near(lambda s: 12, 1), None, id="others fill the machine"),
        pytest.param(near(lambda s: 6, 30, 8), None, id="far from it"),
        pytest.param(near(lambda s: 31 if s == 0.5 else 2, 30), None, id="one odd sample"),
    ],
)
def test_near_the_limit(made, fires):
    if fires == "critical":
        made.host["memory_available_bytes"][-1] = 0.2 * GiB
        made.host["rss_bytes"][-1] = 31.9 * GiB
    outcome = judge(MemoryNearLimit(), made)
    assert (severity(outcome) if isinstance(outcome, Finding) else None) == fires


def test_page_cache_of_a_cgroup_is_free_and_what_its_processes_hold_is_not(tmp_path):
    def tree(stat):
        for name, text in {
            "proc/7/cgroup": "0::/job\n",
            "proc/vmstat": "nr_free 1\npswpin 3\npswpout 9\nthp_fault_alloc 5\n",
            "proc/meminfo": "MemTotal: 99999999 kB\nMemFree: 9 kB\nMemAvailable:   90000000 kB\n",
            "sys/fs/cgroup/job/memory.max": f"{8 * GiB}\n",
            "sys/fs/cgroup/job/memory.stat": stat,
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        memory = MachineMemory(7, str(tmp_path))
        values = {"rss_bytes": 7 * GiB}
        memory.add(values)
        memory.close()
        return values

    values = tree(f"anon {2 * GiB}\nfile {5 * GiB}\nshmem {GiB}\nslab_unreclaimable 0\n")
    assert values["memory_available_bytes"] == 5 * GiB and values["memory_limit_bytes"] == 8 * GiB
    assert values["swap_in_bytes_total"] == 3 * 4096 and values["huge_faults_total"] == 5
    assert tree("cache 1\ntotal_rss 1073741824\ntotal_shmem 0\n")["memory_available_bytes"] == 7 * GiB
    assert tree("nothing known 3\n")["memory_available_bytes"] == GiB
