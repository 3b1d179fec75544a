"""A real Prometheus scrapes replays of recorded runs: every panel shows something, and promtool has no complaint."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bottleneck_profiler.exporters.metrics import families as f

from .replay import PRICES, SERVING, TRAINING, at, ended, page_of, serving
from .servers import DEPLOY, Prometheus, needs_prometheus, prometheus, promtool

pytestmark = needs_prometheus
SCRAPES = 16
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
EXPRESSIONS = [
    pytest.param(path.stem, target["expr"], id=f"{path.stem}-{panel['title']}-{target['refId']}")
    for path in DASHBOARDS
    for panel in json.loads(path.read_text())["panels"]
    for target in panel.get("targets", ())
]
#: Each dashboard is about one of these runs.
RUNS = {"training": "starved-gpu", "serving": "synchronous-serving"}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus, after it has scraped two runs from their beginning to their end, and then what they left."""
    made = {name: [page_of(name, at(name, n / SCRAPES, prices=PRICES)) for n in range(SCRAPES + 1)]
            for name in (TRAINING, SERVING)}  # fmt: skip
    left = {name: page_of(name, ended(name, prices=PRICES)) for name in made}
    scrapes = dict.fromkeys(made, 0)

    def now(name: str) -> str:
        scrapes[name] += 1
        return made[name][min(scrapes[name], SCRAPES)]

    pages = {
        "/training": lambda: now(TRAINING),
        "/serving": lambda: now(SERVING),
        "/trained": lambda: left[TRAINING],
        "/served": lambda: left[SERVING],
    }
    with (
        serving(pages) as port,
        prometheus(tmp_path_factory.mktemp("prometheus"), port, {path[1:]: path for path in pages}) as server,
    ):
        while min(scrapes.values()) <= SCRAPES:
            time.sleep(0.2)
        yield server


@pytest.mark.parametrize(("dashboard", "expression"), EXPRESSIONS)
def test_every_expression_of_a_panel_returns_data(scraped: Prometheus, dashboard: str, expression: str) -> None:
    asked = expression.replace("$__rate_interval", "30s").replace("$run", RUNS[dashboard])
    assert "$" not in asked
    now = time.time()
    found = scraped.ask("query_range", query=asked, start=f"{now - 120}", end=f"{now}", step="1")["result"]
    values = [float(value) for series in found for _, value in series["values"]]
    assert [value for value in values if math.isfinite(value)], asked


def test_the_variable_finds_the_runs(scraped: Prometheus) -> None:
    for path in DASHBOARDS:
        (variable,) = [each for each in json.loads(path.read_text())["templating"]["list"] if each["name"] == "run"]
        metric = re.fullmatch(r"label_values\((\w+), run\)", variable["query"]["query"])
        assert metric
        found = scraped.ask("label/run/values", **{"match[]": metric[1]})
        assert found == sorted(RUNS.values())


def test_prometheus_counts_fewer_than_200_series_a_run(scraped: Prometheus) -> None:
    found = scraped.ask("query", query='count by (run, job) ({run=~".+"})')["result"]
    assert len(found) == 4
    assert all(0 < float(each["value"][1]) < 200 for each in found)


def test_prometheus_knows_type_and_help_of_each_metric(scraped: Prometheus) -> None:
    known = scraped.ask("metadata")
    for family in f.FAMILIES:
        if family.name in known:
            (about,) = known[family.name]
            assert (about["type"], about["help"]) == (family.kind, family.help)
    assert len([family for family in f.FAMILIES if family.name in known]) > 25


def test_promtool_has_no_complaint_about_the_metrics() -> None:
    for name in (TRAINING, SERVING):
        for samples in (at(name, 0.5, PRICES), ended(name, PRICES)):
            promtool("check", "metrics", given=page_of(name, samples))


def test_promtool_takes_the_configuration_and_the_rules() -> None:
    promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    promtool("check", "rules", DEPLOY / "prometheus" / "alerts.yml")


def test_every_alert_fires_when_it_should_and_is_silent_otherwise() -> None:
    tests = Path(__file__).with_name("alerts_test.yml")
    promtool("test", "rules", tests)
    alerts = set(re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus" / "alerts.yml").read_text()))
    assert set(re.findall(r"alertname: (\w+)", tests.read_text())) == alerts
