"""What the chart takes from elsewhere in the repository is what stands there now: else `make docs`."""

from __future__ import annotations

import yaml

from kube import chart_values

RULES = chart_values.CHART.parents[1] / "alerts.yaml"


def test_the_chart_has_the_alerts_of_today() -> None:
    """`prometheusRule.enabled` installs what deploy/alerts.yaml says."""
    assert chart_values.ALERTS.read_text() == chart_values.alerts()
    assert yaml.safe_load(chart_values.alerts()) == yaml.safe_load(RULES.read_text())["spec"]


def test_the_chart_checks_the_file_of_today() -> None:
    """Helm refuses what the daemon would refuse, and lets Mooring out to the databases' ports."""
    assert chart_values.SCHEMA.read_text() == chart_values.text()
    assert chart_values.PORTS.read_text() == chart_values.ports()
