"""Signals of a run's machine from a file of ``aws cloudwatch get-metric-data``."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bottleneck_profiler.monitoring import NoSamples, cloudwatch, fill
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monitoring.test_prometheus import STARTED, run


def result(label: str, value: float, count: int = 30, every: int = 60) -> dict[str, Any]:
    """As CloudWatch writes it: the last value first."""
    first = datetime.fromtimestamp(STARTED - 120, timezone.utc)
    stamps = [(first + timedelta(seconds=every * at)).isoformat() for at in range(count)]
    return {"Id": "m1", "Label": label, "Timestamps": stamps[::-1], "Values": [value] * count, "StatusCode": "Complete"}


def written(folder: Path, *results: dict[str, Any]) -> Path:
    path = folder / "metrics.json"
    path.write_text(json.dumps({"MetricDataResults": list(results), "Messages": []}))
    return path


def test_a_machine_and_its_gpus(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        result("CPUUtilization", 75.0),
        result("i-0abc mem_available", 5e9),
        result("nvidia_smi_utilization_gpu", 40.0), result("nvidia_smi_utilization_gpu", 60.0),
        result("nvidia_smi_memory_used", 1024.0), result("NetworkIn", 1.0),
    )  # fmt: skip
    made = fill(run(), cloudwatch.read(path))
    assert len(made.host["time_ns"]) == 11 and (np.diff(made.host["time_ns"]) > 0).all()
    assert np.allclose(made.host["idle_cores"], 1.0)  # a quarter of four
    assert np.allclose(made.host["memory_available_bytes"], 5e9)
    by_device = [made.gpu["utilization"][made.gpu["index"] == index].mean() for index in (0, 1)]
    assert by_device == [pytest.approx(0.4), pytest.approx(0.6)]
    assert np.isnan(made.gpu["memory_used_bytes"][made.gpu["index"] == 1]).all()  # only one was asked for
    assert all("CloudWatch (metrics.json)" in note for note in made.run["notes"])


def test_the_id_tells_where_the_label_does_not(tmp_path: Path) -> None:
    path = written(tmp_path, {**result("my machine", 75.0), "Id": "cpuutilization"})
    assert np.allclose(fill(run(), cloudwatch.read(path)).host["idle_cores"], 1.0)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "3", "not json", '{"MetricDataResults": 3}', '{"MetricDataResults": [3]}',
             '{"MetricDataResults": [{"Label": "CPUUtilization", "Timestamps": ["x"], "Values": [1]}]}',
             '{"MetricDataResults": [{"Label": "CPUUtilization", "Timestamps": [], "Values": [1]}]}', "\x00\xff"],
)  # fmt: skip
def test_foreign_json_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(NoSamples, match="is not what `aws cloudwatch get-metric-data` writes"):
        cloudwatch.read(path)


def test_files_without_anything_of_use(tmp_path: Path) -> None:
    with pytest.raises(NoSamples, match="has no metric of EC2"):
        cloudwatch.read(written(tmp_path, result("NetworkIn", 1.0)))
    with pytest.raises(NoSamples, match="cannot be read: No such file"):
        cloudwatch.read(tmp_path / "none.json")
    late = written(tmp_path, result("CPUUtilization", 75.0, count=1))  # before the run
    with pytest.raises(NoSamples, match="no sample from its time"):
        fill(run(), cloudwatch.read(late))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.just("CPUUtilization"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["MetricDataResults", "Label", "Timestamps", "Values", "Id"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_json_is_read_or_refused(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "any.json"
    path.write_text(json.dumps(document))
    try:
        cloudwatch.read(path)
    except NoSamples as error:
        assert "\n" not in str(error)
