"""The files of ``deploy/``: dashboards by the rules of Grafana's linter, and files that name each other correctly."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from bottleneck_profiler.exporters.metrics import families as f

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARDS = {
    path.stem: json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
}
TYPES = Path(__file__).parents[2] / ".venv" / "grafana"
TSC = TYPES / "node_modules" / ".bin" / "tsc"
SUFFIXES = ("", "_bucket", "_sum", "_count")


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_provisioned_anywhere(name: str) -> None:
    board = BOARDS[name]
    assert board["id"] is None and board["uid"] == f"bottleneck-{name}"
    assert board["title"] and board["schemaVersion"] > 30
    variables = {each["name"]: each for each in board["templating"]["list"]}
    assert set(variables) == {"datasource", "run"}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert variables["run"]["datasource"]["uid"] == "${datasource}"
    for panel in panels(board):
        assert {each["datasource"]["uid"] for each in (panel, *panel["targets"])} == {"${datasource}"}


@pytest.mark.skipif(not TSC.exists(), reason="Grafana's types are not there; dev.py installs them where npm is")
def test_dashboards_have_the_types_of_grafana(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(TYPES / "node_modules")

    def check(**boards: str) -> subprocess.CompletedProcess[str]:
        for name, text in boards.items():
            code = f'import type {{ Dashboard }} from "@grafana/schema";\nexport const board: Dashboard = {text};\n'
            (tmp_path / f"{name}.ts").write_text(code)
        options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
        files = [f"{name}.ts" for name in boards]
        return subprocess.run([TSC, *options, *files], cwd=tmp_path, capture_output=True, text=True)

    texts = {name: json.dumps(board) for name, board in BOARDS.items()}
    done = check(**texts)
    assert done.returncode == 0, done.stdout
    wrong = check(wrong=texts["serving"].replace('"title": "Latency"', '"title": 5'))
    assert "Type 'number' is not assignable to type 'string'" in wrong.stdout


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_has_a_title_a_unit_and_targets_of_its_own(name: str) -> None:
    board = BOARDS[name]
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) and len(set(titles)) == len(titles)
    for panel in panels(board):
        assert panel["targets"] and panel["fieldConfig"]["defaults"]["unit"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_on_the_grid_and_on_no_other(name: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[name]["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, (one, other)


@pytest.mark.parametrize("name", BOARDS)
def test_expressions_ask_for_metrics_of_ours_and_for_the_chosen_run(name: str) -> None:
    known = {family.name + suffix for family in f.FAMILIES for suffix in SUFFIXES}
    for panel in panels(BOARDS[name]):
        for target in panel["targets"]:
            asked = re.findall(r"bottleneck_\w+", target["expr"])
            assert asked and set(asked) <= known
            assert target["expr"].count('{run=~"$run"') == len(asked)
            ranges = re.findall(r"\[([^\]]+)\]", target["expr"])
            assert set(ranges) <= {"$__rate_interval"}


def test_alerts_ask_for_metrics_of_ours() -> None:
    known = {family.name + suffix for family in f.FAMILIES for suffix in SUFFIXES}
    asked = set(re.findall(r"bottleneck_\w+", (DEPLOY / "prometheus" / "alerts.yml").read_text()))
    assert asked <= known and len(asked) > 8


def test_ports_and_files_agree_between_the_parts() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    for mounted in re.findall(r"- \./([\w./-]+):", compose):
        assert (DEPLOY / mounted).exists(), mounted
    scraped = re.findall(r"127\.0\.0\.1:(\d+)", (DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert scraped == ["9464", "9100", "8889"]
    assert "--web.listen-address=127.0.0.1:9100" in compose and '"127.0.0.1:8889:8889"' in compose
    assert "endpoint: 0.0.0.0:8889" in (DEPLOY / "otel-collector" / "config.yaml").read_text()
    provisioned = (DEPLOY / "grafana" / "provisioning" / "dashboards" / "dashboards.yaml").read_text()
    assert "/var/lib/grafana/dashboards" in provisioned
    assert "./grafana/dashboards:/var/lib/grafana/dashboards" in compose
    # Whatever is reachable is reachable from this machine only.
    assert all(port.startswith("127.0.0.1:") for port in re.findall(r'- "([\d.:]+)"', compose))
