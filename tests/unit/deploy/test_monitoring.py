"""Dashboard, alert rules and documentation name the metrics that there are, and no others."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.common import metrics
from tests.support.helm import CHART, helm_binary, render

ALL = {one._name: one for one in vars(metrics).values() if isinstance(one, MetricWrapperBase)}
OUTER_LABELS = {"le", "namespace", "pod"}  # what Prometheus and the scrape add


def samples() -> dict[str, set[str]]:
    """Every sample's name, as it is scraped, and its labels."""
    found: dict[str, set[str]] = {}
    for name, one in ALL.items():
        assert isinstance(one, Counter | Gauge | Histogram)
        ends = {Counter: ["_total"], Gauge: [""], Histogram: ["_bucket", "_sum", "_count"]}[type(one)]
        found |= {name + end: {*one._labelnames} for end in ends}
    return found


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CHART / "dashboards" / "antiphon.json").read_text())
    return content


def expressions_of_the_dashboard() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    objects = render(helm_binary(tmp_path_factory.mktemp("helm")), "--set", "monitoring.rules=true")
    found = next(one for one in objects if one["kind"] == "PrometheusRule")
    return [rule for group in found["spec"]["groups"] for rule in group["rules"]]


def check(expression: str) -> None:
    named = re.findall(r"\bantiphon_\w+", expression)
    known = samples()
    assert set(named) <= set(known), expression
    labels = set(re.findall(r"(\w+)\s*=~?\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        labels |= {label.strip() for label in group.split(",") if label.strip()}
    if named:
        assert labels <= set.union(*(known[name] for name in named)) | OUTER_LABELS, expression


@pytest.mark.parametrize("expression", expressions_of_the_dashboard())
def test_a_panel_asks_for_what_there_is(expression: str) -> None:
    check(expression)


def test_an_alert_asks_for_what_there_is_and_says_what_is_wrong(rules: list[dict[str, Any]]) -> None:
    assert len(rules) >= 5
    for rule in rules:
        check(rule["expr"])
        assert rule["annotations"]["summary"].endswith(".")


def test_every_metric_is_on_the_dashboard_or_explains_another(rules: list[dict[str, Any]]) -> None:
    shown = " ".join(expressions_of_the_dashboard() + [rule["expr"] for rule in rules])
    left = {name for name in ALL if name not in shown}
    # Parts of what is shown: the engine's of antiphon_first_delta_seconds, the evidence's of antiphon_step_seconds.
    assert left == {"antiphon_first_token_seconds", "antiphon_evidence_seconds"}


def test_the_documentation_lists_every_metric_with_its_labels() -> None:
    page = (CHART.parents[1] / "TELEMETRY.md").read_text()
    rows = re.findall(r"^\| `(antiphon_\w+)` \| ([^|]*)\|", page, flags=re.MULTILINE)
    told = {
        name.removesuffix("_total"): {label.strip() for label in labels.split(",") if label.strip()}
        for name, labels in rows
    }
    assert told == {name: {*one._labelnames} for name, one in ALL.items()}


def test_prometheus_takes_the_rules(rules: list[dict[str, Any]], tmp_path: Path) -> None:
    try:
        subprocess.run(["promtool", "--version"], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip("promtool is not installed (Debian's package prometheus brings it)")
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "antiphon", "rules": rules}]}))
    told = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
