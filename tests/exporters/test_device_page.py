"""What traced devices did, on the page: idle time by cause, communication, and the kernels with most time."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.diagnosis.model import Diagnosis
from bottleneck_profiler.exporters import html
from bottleneck_profiler.exporters.support.device_page import traced_devices
from bottleneck_profiler.session import analyse
from importers.test_kineto import KERNEL, STEP, STEPS, WAIT, saved, trace

from .samples import ATTACK


def job(folder: Path, ranks: int = 1, kernel: str = "sgemm_32x32") -> Diagnosis:
    folder.mkdir(exist_ok=True)
    for rank in range(ranks):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        for event in content["traceEvents"]:
            if event["name"] == "sgemm_32x32":
                event["name"] = kernel
        saved(folder, content, f"{rank}.json")
    return analyse(folder)[1]


def test_each_device_has_its_time_by_cause(tmp_path: Path):
    rows = traced_devices(job(tmp_path / "job", ranks=3))
    assert [row.name for row in rows] == [f"rank {rank}, device 0" for rank in range(3)]
    busy, waiting, *others = rows[0].shares
    assert busy == pytest.approx((KERNEL + 200) / STEP, abs=0.01)
    assert waiting == pytest.approx(WAIT / STEP, abs=0.02)
    assert busy + waiting + sum(others) == pytest.approx(1.0)
    assert rows[0].communication == "communicates for 1.8 ms, 67 % hidden"


def test_kernels_are_those_of_all_devices(tmp_path: Path):
    view = job(tmp_path / "job", ranks=3).view
    first, *others = view.kernels
    assert view.more_kernels == 0
    assert (first.name, first.kind, first.count) == ("sgemm_32x32", "kernel", 3 * STEPS)
    assert first.seconds == pytest.approx(3 * STEPS * KERNEL / 1e6)
    assert first.longest_seconds == pytest.approx(KERNEL / 1e6)
    assert {row.kind for row in others} == {"collective", "memcpy_h2d"}
    assert first.share + sum(row.share for row in others) == pytest.approx(1.0)


def test_the_page_shows_them_and_escapes_names(tmp_path: Path):
    text = html.render(job(tmp_path / "job", kernel=ATTACK + "x" * 500))
    assert "<h2>Kernels" in text and "communicates for" in text and "x" * 101 not in text and "communication" in text
    assert ATTACK not in text and "&lt;/script&gt;" in text and len(text) < 60_000


def test_many_ranks_keep_the_page_small(tmp_path: Path):
    text = html.render(job(tmp_path / "job", ranks=70))
    assert text.count(", device 0</span>") == 64 and "6 more in diagnosis.json" in text


def test_without_a_traced_device_there_is_no_such_part(tmp_path: Path):
    text = html.render(analyse(saved(tmp_path, trace(device=False)))[1])
    assert "<h2>Devices" not in text and "<h2>Kernels" not in text
