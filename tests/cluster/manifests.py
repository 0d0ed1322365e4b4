"""The kustomize base and the schema of the chart's values, both written from the chart.

python -m cluster.manifests      writes them anew; ``make deploy`` does that
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from cluster import helm
from mooring.config.document import schema

BASE = helm.CHART.parents[1] / "kustomize"
VALUES_SCHEMA = helm.CHART / "values.schema.json"
_HELMS_OWN = re.compile(r"\n *(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*")
_POLICY = ("--set", "admissionPolicy.enabled=true", "--set", "allowedCidrs={10.20.0.0/16}")
_ALWAYS = ("serviceaccount", "roles", "lease", "deployment", "disruption", "network")
_FROM: Mapping[str, tuple[str, Sequence[str]]] = MappingProxyType(
    {
        **{f"{name}.yaml": (name, ()) for name in _ALWAYS},
        "components/pod-monitor/podmonitor.yaml": ("podmonitor", ("--set", "podMonitor.enabled=true")),
        "components/admission/policy.yaml": ("admission", _POLICY),
        "components/admission/allowed.yaml": ("allowed", _POLICY),
    }
)
"""Each file of the base with its template and the values that it needs besides the default ones."""


def plain(text: str) -> str:
    """Manifests without the labels that say that Helm installed them, and where each came from."""
    text = re.sub(r"^---\n# Source: .*\n", "---\n", _HELMS_OWN.sub("", text), flags=re.MULTILINE)
    return text.removeprefix("---\n")


def base() -> Mapping[Path, str]:
    """What the written files of the base should be."""
    return {
        BASE / path: plain(helm.rendered("--show-only", f"templates/{template}.yaml", *values))
        for path, (template, values) in _FROM.items()
    }


def values_schema() -> str:
    """The schema of the values as it stands, with that of the file as it is now in it."""
    own = json.loads(VALUES_SCHEMA.read_text())
    file = schema()
    own["$defs"] = file.pop("$defs")
    own["properties"]["config"] = {name: value for name, value in file.items() if not name.startswith("$")}
    return json.dumps(own, indent=2) + "\n"


if __name__ == "__main__":
    VALUES_SCHEMA.write_text(values_schema())
    for path, text in base().items():
        path.write_text(text)
