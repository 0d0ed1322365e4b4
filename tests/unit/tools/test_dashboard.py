"""The dashboard for Grafana asks for metrics and labels that the daemon has."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from kube import dashboard
from mooring.observe.families import FAMILIES, Kind
from support.promtool import promtool

WHOLE = json.loads(dashboard.dashboard())
PANELS: dict[str, dict[str, Any]] = {one["title"]: one for one in WHOLE["panels"] if one["type"] != "row"}
QUERIES = [target["expr"] for panel in PANELS.values() for target in panel["targets"]]
NAMES = {
    f"{family.name}{suffix}": family
    for family in FAMILIES
    for suffix in (("_bucket", "_count", "_sum") if family.kind is Kind.HISTOGRAM else ("",))
}
SCRAPED = {"job", "instance", "le"}


@pytest.mark.parametrize("path", dashboard.PATHS, ids=lambda path: path.parent.name)
def test_the_files_are_those_of_today(path: Any) -> None:
    """Else: make docs."""
    assert path.read_text() == dashboard.dashboard()


@pytest.mark.parametrize("query", [*QUERIES, *(one["query"] for one in WHOLE["templating"]["list"])])
def test_each_metric_exists(query: str) -> None:
    """By the table that the exporter and docs/metrics.md are made from."""
    assert set(re.findall(r"\bmooring_\w+", query)) <= NAMES.keys()


@pytest.mark.parametrize("title", PANELS)
def test_each_label_is_one_of_a_metric_of_its_query(title: str) -> None:
    """In selectors, groups and legends."""
    for target in PANELS[title]["targets"]:
        query = target["expr"]
        metrics = [NAMES[name] for name in re.findall(r"\bmooring_\w+", query)]
        known = SCRAPED.union(*(family.labels for family in metrics))
        groups = re.findall(r"\b(?:by|on) \(([^)]*)\)", query)
        named = {label.strip() for group in groups for label in group.split(",")}
        named |= {
            label for group in re.findall(r"{([^}]*)}", query) for label in re.findall(r"(\w+)(?:=~|!=|=)", group)
        }
        named |= set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert named <= known, target


def test_it_has_three_rows_and_no_two_panels_in_one_place() -> None:
    """Services, hosts, latencies."""
    rows = [one["title"] for one in WHOLE["panels"] if one["type"] == "row"]
    assert rows == ["Services", "Hosts", "Latencies and writes"]
    assert len({one["id"] for one in WHOLE["panels"]}) == len(WHOLE["panels"])
    taken = [
        (x, y)
        for one in WHOLE["panels"]
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < dashboard.WIDTH


@pytest.mark.needs_promtool
def test_prometheus_understands_each_query(tmp_path: Any) -> None:
    """With a value for each of Grafana's variables."""
    plain = [re.sub(r"\$__rate_interval", "5m", query) for query in QUERIES]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(plain)]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    code, said = promtool("check", "rules", str(path))
    assert code == 0, said
