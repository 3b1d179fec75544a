"""Real servers of metrics, as Debian has them: Prometheus with promtool, and node-exporter."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from helpers import started

from .replay import free_port, get, until

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
NODE = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
needs_prometheus = pytest.mark.skipif(
    PROMETHEUS is None or PROMTOOL is None, reason="no Prometheus is installed (Debian: prometheus)"
)
needs_node_exporter = pytest.mark.skipif(
    NODE is None, reason="no node exporter is installed (Debian: prometheus-node-exporter)"
)


def promtool(*words: str | Path, given: str | None = None) -> None:
    """Run it; it must have nothing to say against what it is given."""
    done = subprocess.run([str(PROMTOOL), *map(str, words)], input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    if words[1] == "metrics":
        assert done.stdout + done.stderr == ""


class Prometheus:
    """A running Prometheus; ``ask`` gives what its HTTP interface answers."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, what: str, **given: str) -> Any:
        answer = json.loads(get(f"{self._url}{what}?{urlencode(given)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def value(self, expression: str) -> float:
        """The value of the only series of an expression; 0 if there is none."""
        found = self.ask("query", query=expression)["result"]
        return float(found[0]["value"][1]) if found else 0.0


@contextmanager
def prometheus(folder: Path, port: int, paths: Mapping[str, str]) -> Iterator[Prometheus]:
    """Scrapes ``paths`` (job -> path) of a server at ``port``, twice a second."""
    jobs = [
        {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        for job, path in paths.items()
    ]
    config = {"global": {"scrape_interval": "500ms"}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML, too
    own = free_port()
    words = [
        str(PROMETHEUS), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{own}", "--log.level=error",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("w") as log, started(words, stdout=log, stderr=log) as process:
        until(lambda: process.poll() is not None or get(f"http://127.0.0.1:{own}/-/ready"), "Prometheus")
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        yield Prometheus(own)
