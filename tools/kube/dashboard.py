"""The dashboard for Grafana, from the metrics that the daemon has: three rows, Services, hosts and latencies.

python -m kube.dashboard      writes deploy/dashboard.json and the chart's copy; ``make docs`` does that
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mooring.observe import families
from mooring.observe.families import Family

ROOT = Path(__file__).parents[2]
PATHS = (ROOT / "deploy/dashboard.json", ROOT / "deploy/helm/mooring/files/dashboard.json")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
LEADS = f"and on (job, instance) ({families.LEADER.name} == 1)"
"""What the leader says is what is published."""
OF_SERVICE = 'namespace=~"$namespace",service=~"$service"'
HOST, SERVICE = "{{namespace}}/{{service}} {{host}}", "{{namespace}}/{{service}}"
WIDTH, HEIGHT, ROW_HEIGHT = 24, 8, 1
Target = tuple[str, str]
"""A query, and what a series of it is called."""
Panel = dict[str, Any]


def dashboard() -> str:
    """Its JSON."""
    rows = {"Services": _services(), "Hosts": _hosts(), "Latencies and writes": _latencies()}
    panels: list[Panel] = []
    top = 0
    for title, held in rows.items():
        row = {"type": "row", "title": title, "collapsed": False, "panels": []}
        panels.append(row | {"gridPos": {"h": ROW_HEIGHT, "w": WIDTH, "x": 0, "y": top}})
        top += ROW_HEIGHT
        panels += [one | {"gridPos": place} for one, place in zip(held, _places(held, top), strict=True)]
        top = max(one["gridPos"]["y"] + one["gridPos"]["h"] for one in panels)
    whole = {
        "title": "Mooring",
        "uid": "mooring",
        "tags": ["mooring"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "panels": [{"id": number, **one} for number, one in enumerate(panels, 1)],
    }
    return json.dumps(whole, indent=2) + "\n"


def _places(held: Sequence[Panel], top: int) -> list[dict[str, int]]:
    """Two panels beside each other; one whose type is a timeline has the whole width."""
    places: list[dict[str, int]] = []
    x = y = 0
    for one in held:
        width = WIDTH if one["type"] == "state-timeline" else WIDTH // 2
        if x + width > WIDTH:
            x, y = 0, y + HEIGHT
        places.append({"h": HEIGHT, "w": width, "x": x, "y": top + y})
        x += width
    return places


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}
    queries = {
        "namespace": f"label_values({families.SERVICE_HOSTS.name}, namespace)",
        "service": f'label_values({families.SERVICE_HOSTS.name}{{namespace=~"$namespace"}}, service)',
    }
    return [source, *(_variable(name, query) for name, query in queries.items())]


def _variable(name: str, query: str) -> dict[str, Any]:
    every = {"includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return {"name": name, "type": "query", "datasource": SOURCE, "query": query, "refresh": 2, **every}


def _services() -> list[Panel]:
    ready, listed = _of_leader(families.SERVICE_READY), _of_leader(families.SERVICE_HOSTS)
    hindered = {
        "not written": families.SERVICE_ERROR,
        "paused": families.SERVICE_PAUSED,
        "contested": families.SERVICE_CONTESTED,
        "split brain": families.SERVICE_SPLIT,
        "traffic": families.SERVICE_TRAFFIC_WARNING,
    }
    return [
        _graph("Ready addresses", [(ready, SERVICE)], unit="short"),
        _graph("Part of the hosts that is ready", [(f"{ready} / {listed}", SERVICE)], unit="percentunit"),
        _graph(
            "What hinders a Service",
            [(f"{_of_leader(family)} == 1", f"{SERVICE} {word}") for word, family in hindered.items()],
            unit="short",
        ),
        _graph(
            "Mooring itself",
            [
                (families.LEADER.name, "{{instance}} leads"),
                (families.BLIND.name, "{{instance}} is blind"),
                (f"1 - {families.RELOAD_OK.name}", "{{instance}} refused a file"),
            ],
            unit="short",
        ),
    ]


def _hosts() -> list[Panel]:
    unknown = _of_leader(families.HOST_UNKNOWN, "namespace, service, host, reason")
    failed = f'{families.PROBES.name}{{{OF_SERVICE},outcome!="success"}}'
    changed = f"{families.TRANSITIONS.name}{{{OF_SERVICE}}}"
    return [
        _timeline("Hosts", [(_of_leader(families.HOST_READY, "namespace, service, host"), HOST)]),
        _graph("Cannot be judged", [(unknown, f"{HOST} {{{{reason}}}}")], unit="short"),
        _graph(
            "Changes of verdicts in ten minutes",
            [(f"sum by (namespace, service, host, to) (increase({changed}[10m]) {LEADS})", f"{HOST} {{{{to}}}}")],
            unit="short",
        ),
        _graph(
            "Probes without success, per second",
            [
                (
                    f"sum by (namespace, service, host, reason) (rate({failed}[$__rate_interval]) {LEADS})",
                    f"{HOST} {{{{reason}}}}",
                )
            ],
            unit="ops",
        ),
        _graph(
            "Verdicts that are held back",
            [(_of_leader(families.HOST_HELD, "namespace, service, host, by"), f"{HOST} {{{{by}}}}")],
            unit="short",
        ),
    ]


def _latencies() -> list[Panel]:
    made = f"sum by (result) (rate({families.WRITES.name}[$__rate_interval]))"
    lost = f"sum by (listener) (increase({families.LOG_DROPPED.name}[10m]))"
    return [
        _graph("Probes", _quantiles(families.PROBE_DURATION, "protocol"), unit="s"),
        _graph("From the first evidence to the verdict", _quantiles(families.DETECTION), unit="s"),
        _graph("From the verdict to the stored object", _quantiles(families.PUBLISH), unit="s"),
        _graph("From the verdict to the slices that kube-proxy reads", _quantiles(families.EFFECTIVE), unit="s"),
        _graph("Writes, per second", [(made, "{{result}}")], unit="ops"),
        _graph(
            "Left out or lost in ten minutes",
            [(lost, "{{listener}}"), (f"sum(increase({families.OVERRUNS.name}[10m]))", "probes")],
            unit="short",
        ),
    ]


def _of_leader(family: Family, by: str = "namespace, service") -> str:
    return f"max by ({by}) ({family.name}{{{OF_SERVICE}}} {LEADS})"


def _quantiles(family: Family, label: str = "") -> list[Target]:
    by = f"le, {label}" if label else "le"
    rate = f"sum by ({by}) (rate({family.name}_bucket[$__rate_interval]))"
    legend = f" {{{{{label}}}}}" if label else ""
    return [
        (f"histogram_quantile({part}, {rate})", f"{name}{legend}") for part, name in ((0.5, "median"), (0.99, "99 %"))
    ]


def _panel(kind: str, title: str, targets: Sequence[Target], fields: Mapping[str, Any]) -> Panel:
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": dict(fields), "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for number, (query, legend) in enumerate(targets)
        ],
    }


def _graph(title: str, targets: Sequence[Target], *, unit: str) -> Panel:
    return _panel("timeseries", title, targets, {"unit": unit, "min": 0})


def _timeline(title: str, targets: Sequence[Target]) -> Panel:
    words = {"0": {"text": "out", "color": "red", "index": 0}, "1": {"text": "ready", "color": "green", "index": 1}}
    return _panel("state-timeline", title, targets, {"mappings": [{"type": "value", "options": words}]})


if __name__ == "__main__":
    for path in PATHS:
        path.write_text(dashboard())
