"""Mooring's image as a pod of a real kubelet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kube.full_cluster import Cluster

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_image]
EXAMPLE = Path(__file__).parents[2] / "config/example.yaml"
RESTRICTED = {
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_it_runs_where_all_is_forbidden(cluster: Cluster, namespace: str, image: str) -> None:
    """Under Pod Security's "restricted", with a root that nobody may write, the image does what it is told."""
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    cluster.kubectl("-n", namespace, "create", "configmap", "mooring", f"--from-file=config.yaml={EXAMPLE}")
    container = {
        "name": "mooring",
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["validate", "/etc/mooring/config.yaml"],
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/mooring"}],
    }
    spec = {
        "containers": [container],
        "restartPolicy": "Never",
        "volumes": [{"name": "config", "configMap": {"name": "mooring"}}],
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "validate"}, "spec": spec}
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl(
        "-n", namespace, "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/validate", "--timeout=300s"
    )
    assert "valid" in cluster.kubectl("-n", namespace, "logs", "validate")
