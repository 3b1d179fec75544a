"""A real node-exporter shows the textfile."""

from __future__ import annotations

from pathlib import Path

from helpers import started
from prometheus_client.parser import text_string_to_metric_families

from .replay import SERVING, TRAINING, free_port, get, until, write_textfile
from .servers import NODE, needs_node_exporter


def series(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@needs_node_exporter
def test_the_textfiles_of_two_runs_are_shown_as_they_are(tmp_path: Path) -> None:
    wanted = {}
    for name in (TRAINING, SERVING):
        wanted.update(series(write_textfile(name, tmp_path).read_text()))
    (tmp_path / "half.prom.part").write_text("bottleneck_run_wall_secon")
    port = free_port()
    words = [
        str(NODE), f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults", "--collector.textfile",
        f"--collector.textfile.directory={tmp_path}",
    ]  # fmt: skip
    with started(words) as process:
        page = until(
            lambda: process.poll() is not None or get(f"http://127.0.0.1:{port}/metrics"), "the page of node-exporter"
        )
        assert process.poll() is None
    shown = series(page)
    assert shown["node_textfile_scrape_error", ()] == 0
    assert {key: shown.get(key) for key in wanted} == wanted
    files = [dict(labels)["file"] for name, labels in shown if name == "node_textfile_mtime_seconds"]
    assert len(files) == 2
