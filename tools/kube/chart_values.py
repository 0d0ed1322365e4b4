"""What the chart takes from the daemon: the file's schema in that of its values, so that Helm refuses what the daemon
would refuse, the ports on which the databases listen, and the alerts.

python -m kube.chart_values      writes it anew; ``make docs`` does that
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from mooring.config.document import schema
from mooring.protocols.registry import PROTOCOLS

CHART = Path(__file__).parents[2] / "deploy/helm/mooring"
SCHEMA = CHART / "values.schema.json"
PORTS = CHART / "files/ports.json"
ALERTS = CHART / "files/alerts.yaml"
_RULES = CHART.parents[1] / "alerts.yaml"


def text() -> str:
    """The schema as it stands, with that of the file as it is now in it."""
    own = json.loads(SCHEMA.read_text())
    file = schema()
    own["$defs"] = file.pop("$defs")
    own["properties"]["config"] = {name: value for name, value in file.items() if not name.startswith("$")}
    return json.dumps(own, indent=2) + "\n"


def ports() -> str:
    """The ports of all protocols."""
    return json.dumps([port for protocol in PROTOCOLS.values() for port in protocol.ports]) + "\n"


def alerts() -> str:
    """What stands under `spec` of the PrometheusRule, a file of rules as a plain Prometheus reads it."""
    return textwrap.dedent(_RULES.read_text().partition("\nspec:\n")[2])


if __name__ == "__main__":
    PORTS.parent.mkdir(exist_ok=True)
    PORTS.write_text(ports())
    ALERTS.write_text(alerts())
    SCHEMA.write_text(text())
