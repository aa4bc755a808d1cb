"""Alerts and dashboard: they parse, and ask only for metrics and labels that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from exports.reporting.metrics.table import METRICS

pytestmark = pytest.mark.rule("I3")
DEPLOY = Path(__file__).parents[2] / "deploy"
LABELS = {
    name: {*row.labels, "job", "instance"}
    for row in METRICS
    for name in (row.name, *(f"{row.name}{end}" for end in ("_sum", "_count")))
    if row.kind == "summary" or name == row.name
}
# What Prometheus itself says of each source.
LABELS["up"] = {"job", "instance"}
SELECTOR = re.compile(r"\b(?P<name>cwexport_\w+|up)\b(?:\{(?P<labels>[^}]*)\})?")


def alerts() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def expressions() -> Iterator[tuple[str, str]]:
    for name, rule in alerts().items():
        yield name, rule["expr"]
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$job", "cwexport")


@pytest.mark.parametrize(("title", "expression"), list(expressions()))
def test_expression_asks_for_known_metrics(title: str, expression: str) -> None:
    promql_parser.parse(expression)
    selectors = list(SELECTOR.finditer(expression))

    assert selectors
    for found in selectors:
        labels = set(re.findall(r"(\w+)\s*[=!]", found["labels"] or ""))
        assert labels <= LABELS[found["name"]], found[0]


def test_each_alert_says_what_to_do() -> None:
    for rule in alerts().values():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}
        used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        named = {
            name for found in SELECTOR.finditer(rule["expr"]) for name in LABELS[found["name"]]
        }
        assert used <= named


def test_dashboard_asks_for_its_source() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    variables = {one["name"] for one in dashboard["templating"]["list"]}

    assert variables == {"source", "job"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${source}"}
