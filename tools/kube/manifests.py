"""The kustomize base, written from the chart.

python -m kube.manifests      writes it anew; ``make deploy`` does that
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from kube import helm

BASE = helm.CHART.parents[1] / "kustomize"
_HELMS_OWN = re.compile(r"\n *(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*")
_POLICY = ("--set", "admissionPolicy.enabled=true", "--set", "allowedCidrs={10.20.0.0/16}")
_OPERATOR = ("--set", "podMonitor.enabled=true", "--api-versions", "monitoring.coreos.com/v1")
_ALWAYS = ("serviceaccount", "roles", "lease", "deployment", "disruption", "network")
_FROM: Mapping[str, tuple[str, Sequence[str]]] = MappingProxyType(
    {
        **{f"{name}.yaml": (name, ()) for name in _ALWAYS},
        "components/pod-monitor/podmonitor.yaml": ("podmonitor", _OPERATOR),
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


if __name__ == "__main__":
    for path, text in base().items():
        path.write_text(text)
