"""What traced devices did, on the page: idle time by cause, communication, and the kernels with most time."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.exporters import html
from bottleneck_profiler.exporters.support.device_page import DevicePage, device_page
from bottleneck_profiler.importers import kineto
from bottleneck_profiler.session import analyse
from importers.test_kineto import KERNEL, STEP, STEPS, WAIT, saved, trace

from .samples import ATTACK


def page(folder: Path, ranks: int = 1, kernel: str = "sgemm_32x32") -> DevicePage:
    folder.mkdir(exist_ok=True)
    for rank in range(ranks):
        content = trace()
        content["distributedInfo"]["rank"] = rank
        for event in content["traceEvents"]:
            if event["name"] == "sgemm_32x32":
                event["name"] = kernel
        saved(folder, content, f"{rank}.json")
    found = device_page(kineto.read(folder))
    assert found is not None
    return found


def test_each_device_has_its_time_by_cause(tmp_path: Path):
    found = page(tmp_path / "job", ranks=3)
    assert [row.name for row in found.devices] == [f"rank {rank}, device 0" for rank in range(3)]
    busy, waiting, *others = found.devices[0].shares
    assert busy == pytest.approx((KERNEL + 200) / STEP, abs=0.01)
    assert waiting == pytest.approx(WAIT / STEP, abs=0.02)
    assert busy + waiting + sum(others) == pytest.approx(1.0)
    assert found.devices[0].communication == "communicates for 1.8 ms, 67 % hidden"
    assert (found.more_devices, found.more_kernels) == (0, 0)


def test_kernels_are_those_of_all_devices(tmp_path: Path):
    first, *others = page(tmp_path / "job", ranks=3).kernels
    assert (first.name, first.kind, first.count) == ("sgemm_32x32", "kernel", 3 * STEPS)
    assert first.seconds == pytest.approx(3 * STEPS * KERNEL / 1e6)
    assert first.longest_seconds == pytest.approx(KERNEL / 1e6)
    assert {row.kind for row in others} == {"communication", "copy to the device"}
    assert first.share + sum(row.share for row in others) == pytest.approx(1.0)


def test_the_page_shows_them_and_escapes_names(tmp_path: Path):
    page(tmp_path / "job", kernel=ATTACK + "x" * 500)
    recording, diagnosis = analyse(tmp_path / "job")
    html.write(recording, diagnosis, tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert "<h2>Kernels" in text and "communicates for" in text and "x" * 101 not in text
    assert ATTACK not in text and "&lt;/script&gt;" in text and len(text) < 60_000


def test_many_ranks_keep_the_page_small(tmp_path: Path):
    found = page(tmp_path / "job", ranks=70)
    assert len(found.devices) == 64 and found.more_devices == 6


def test_without_a_traced_device_there_is_no_such_part(tmp_path: Path):
    recording, diagnosis = analyse(saved(tmp_path, trace(device=False)))
    assert device_page(recording) is None
    html.write(recording, diagnosis, tmp_path)
    assert "<h2>Devices" not in (tmp_path / "report.html").read_text()
