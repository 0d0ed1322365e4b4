"""The schema of the values of the chart, the configuration file's in it: Helm refuses what the daemon would refuse.

python -m cluster.values      writes it anew; ``make docs`` does that
"""

from __future__ import annotations

import json
from pathlib import Path

from mooring.config.document import schema

SCHEMA = Path(__file__).parents[2] / "deploy/helm/mooring/values.schema.json"


def text() -> str:
    """The schema as it stands, with that of the file as it is now in it."""
    own = json.loads(SCHEMA.read_text())
    file = schema()
    own["$defs"] = file.pop("$defs")
    own["properties"]["config"] = {name: value for name, value in file.items() if not name.startswith("$")}
    return json.dumps(own, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(text())
