"""The mapping language: what it selects, and one line for what is wrong in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from bottleneck_profiler.recording.folder import RunError
from bottleneck_profiler.recording.servers import rules
from bottleneck_profiler.recording.servers.page import Page
from bottleneck_profiler.recording.servers.readings import NoServer, Readings
from bottleneck_profiler.recording.servers.signals import COLUMNS, MEASURES

from .made import page


def mapping(tmp_path: Path, text: str) -> tuple[rules.Mapping, ...]:
    path = tmp_path / "own.ini"
    path.write_text(text)
    return rules.read(path)


def row(tmp_path: Path, text: str, shown: str) -> dict[str, float]:
    (found,) = Readings(mapping(tmp_path, text)).read(shown)
    return found.values


def test_names_factors_labels_and_sums(tmp_path: Path) -> None:
    text = """[mine]
    running_requests = new_name | old_name
    waiting_requests = queue{kind="in"} + queue{kind!="in", priority="high"}
    kv_cache_share = used_percent * 0.01
    queue = wait_ms * 0.001
    """
    shown = 'old_name 3\nqueue{kind="in"} 1\nqueue{kind="x",priority="high"} 2\nqueue{kind="x",priority="low"} 4\n'
    shown += "used_percent 50\nwait_ms_sum 2000\nwait_ms_count 4\n"
    assert row(tmp_path, text, shown) == {
        "running_requests": 3, "waiting_requests": 3, "kv_cache_share": 0.5,
        "queue_seconds_total": 2, "queue_count_total": 4,
    }  # fmt: skip
    assert row(tmp_path, text, "old_name 3\nnew_name 5\n") == {"running_requests": 5}


def test_a_models_label_makes_rows_and_the_user_has_precedence(tmp_path: Path) -> None:
    own = mapping(tmp_path, "[mine]\nmodels = model_name\nwhen = vllm:num_requests_running\n"
                            "running_requests = vllm:num_requests_running\n")  # fmt: skip
    shown = 'vllm:num_requests_running{model_name="a"} 1\nvllm:num_requests_running{model_name="b"} 2\n'
    rows = Readings(own).read(shown)
    assert [(each.server, each.model, each.values["running_requests"]) for each in rows] == [
        ("mine", "a", 1), ("mine", "b", 2),
    ]  # fmt: skip


def test_a_section_for_pages_of_nobody_else(tmp_path: Path) -> None:
    http = 'http_request_duration_seconds_count{handler="/x"} 5\nhttp_request_duration_seconds_sum{handler="/x"} 1\n'
    (alone,) = Readings().read(http + 'http_request_duration_seconds_count{handler="/metrics"} 9\n')
    assert alone.server == "HTTP" and alone.values["latency_count_total"] == 5
    (both,) = Readings().read(page("vllm_metrics.txt") + http)
    assert both.server == "vLLM"


def test_an_unknown_server(tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="of no server that is known"):
        Readings().read("my_metric 1\n")
    assert row(tmp_path, "[mine]\nrunning_requests = my_metric\n", "my_metric 1\n") == {"running_requests": 1}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"it has no \[section\]"),
        ("running_requests = a\n", "no section headers"),
        ("[a]\nruning = a\n", "runing, which is no signal"),
        ("[a]\nrunning_requests = \n", "no name of a metric"),
        ("[a]\nrunning_requests = a b\n", "makes no sense"),
        ("[a]\nrunning_requests = a * 0\n", "factor is a positive number"),
        ("[a]\nrunning_requests = a * 1e999\n", "factor is a positive number"),
        ("[a]\nrunning_requests = a * --\n", "could not convert|makes no sense"),
        ("[a]\nrunning_requests = a{b}\n", 'list of label="value"'),
        ("[a]\nmodels = m\n", "names no metric"),
        ("[a]\nrunning_requests = a\nrunning_requests = b\n", "already exists"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(RunError, match=says) as caught:
        mapping(tmp_path, text)
    assert "own.ini" in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, says in (("absent", "No such file"), ("binary", "no text"), (".", "directory")):
        with pytest.raises(RunError, match=says):
            rules.read(tmp_path / name)


def test_the_built_in_mappings_name_signals_that_exist() -> None:
    known = {*COLUMNS, *MEASURES}
    sections = rules.built_in()
    assert {rule.signal for section in sections for rule in section.rules} <= known
    assert len({section.name for section in sections}) == len(sections) >= 13
    assert all(section.when for section in sections)


def test_a_counter_is_found_with_and_without_its_ending() -> None:
    for name in ("a", "a_total"):
        for shown in ("a", "a_total"):
            assert rules.Term(name).name_on(Page(f"{shown} 1\n")) == shown
