"""All manifests, against what the API of Kubernetes 1.25, 1.30 and 1.36 takes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from cluster import kustomized
from kube import helm, kubectl, manifests, schemas
from lab.values import KEY, PORTS
from mooring.cluster.client import Api
from mooring.cluster.lease import KubeLeaseStore
from mooring.cluster.manifest import merged
from mooring.cluster.slice_manifest import merged_slice
from mooring.leader.election import Claim, Lease
from mooring.model.events import NotPublished
from mooring.model.memory import Memory
from mooring.model.objects import Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, Subset
from mooring.observe.events import Recorder
from support.yaml_blocks import documents

pytestmark = pytest.mark.needs_schemas
OPERATORS = {"PodMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator: no part of Kubernetes, and not judged here."""
SINCE_1_27 = ".spec.unhealthyPodEvictionPolicy: V1PodDisruptionBudgetSpec has no such field"
SERVICES: Sequence[Mapping[str, Any]] = (
    {"name": "a", "namespace": "x", "hosts": ["10.20.0.11"], "publish": "both", "check": {"tcp": {}}},
    {"name": "b", "namespace": "y", "hosts": ["10.20.0.12"], "publish": "endpointSlices", "check": {"tcp": {}}},
)
VALUES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "nothing": {},
        "several namespaces": {"config.services": SERVICES, "fullnameOverride": "watch", "replicaCount": 3},
        "a file of one's own": {
            "existingConfigMap": "mine",
            "serviceAccount": {"create": False, "name": "mine", "annotations": {"a/role": "b"}},
            "networkPolicy.enabled": False,
        },
        "the pod": {
            "image": {"digest": f"sha256:{'0a' * 32}", "pullPolicy": "Always"},
            "imagePullSecrets": [{"name": "mine"}],
            "extraArgs": ["--log-format=json"],
            "doctor": {"enabled": True},
            "extraEnv": [{"name": "TZ", "value": "UTC"}],
            "extraVolumes": [{"name": "more", "emptyDir": {}}],
            "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
            "podAnnotations": {"a/b": "c"},
            "podLabels": {"team": "db"},
            "priorityClassName": "system-cluster-critical",
            "nodeSelector": {"zone": "a"},
            "tolerations": [{"operator": "Exists"}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
            ],
        },
        "monitoring": {"podMonitor.enabled": True, "prometheusRule.enabled": True, "dashboard.enabled": True},
        "narrow": {
            "allowedCidrs": ["10.20.0.0/16", "fd00:20::/64"],
            "probeCidrs": ["10.20.0.0/16"],
            "secretDirs": ["/etc/mooring/secrets"],
            "networkPolicy.databases": {"to": ["10.20.0.0/16"], "ports": [3366]},
        },
        "the admission policy": {"allowedCidrs": ["10.20.0.0/16"], "admissionPolicy.enabled": True},
    }
)
"""What users ask of the chart; all values but `config` and names stand in one of them."""
NEW = {"the admission policy": "1.30"}
"""From which version on it can be asked for: the chart refuses it for an older one."""
CASES = [
    (version, name) for version in schemas.VERSIONS for name in VALUES if version >= NEW.get(name, schemas.VERSIONS[0])
]


def words(name: str) -> list[str]:
    """Values as Helm's options."""
    return [word for key, value in VALUES[name].items() for word in ("--set-json", f"{key}={json.dumps(value)}")]


def judged(version: str, text: str) -> tuple[set[str], list[str]]:
    """The kinds that were judged, and what the API would refuse of them."""
    found = [one for one in yaml.safe_load_all(text) if one and one["kind"] not in OPERATORS]
    return {one["kind"] for one in found}, [said for one in found for said in schemas.complaints(version, one)]


@pytest.mark.needs_cluster  # for Helm: nothing is started here
@pytest.mark.parametrize(("version", "name"), CASES)
def test_the_chart(version: str, name: str) -> None:
    """What it makes for a Kubernetes of that version, this version takes whole."""
    operator = ("--api-versions", "monitoring.coreos.com/v1") if name == "monitoring" else ()
    kinds, refused = judged(version, helm.rendered("--kube-version", f"{version}.0", *operator, *words(name)))
    assert refused == []
    assert {"Deployment", "PodDisruptionBudget", "Pod", "Role", "RoleBinding"} <= kinds


@pytest.mark.needs_cluster  # for Helm
@pytest.mark.parametrize("name", VALUES)
def test_lint(name: str) -> None:
    """`helm lint --strict` has nothing to say, whatever is asked for."""
    assert "0 chart(s) failed" in helm.linted(*words(name))


def built(folder: Path) -> str:
    done = subprocess.run([kubectl.PROGRAM, "kustomize", folder], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("version", schemas.VERSIONS)
def test_the_kustomize_base(version: str) -> None:
    """All versions take it; 1.25 but for the one field that docs/install.md says to take out."""
    kinds, refused = judged(version, built(manifests.BASE))
    assert refused == ([SINCE_1_27] if version == "1.25" else [])
    assert {"Deployment", "NetworkPolicy", "PodDisruptionBudget", "Role"} <= kinds


@pytest.mark.parametrize("version", [version for version in schemas.VERSIONS if version != "1.25"])
def test_the_components(version: str, tmp_path: Path) -> None:
    """With the admission policy and the PodMonitor, too."""
    base = kustomized.copied(tmp_path)
    kinds, refused = judged(version, built(kustomized.overlay(base, ["admission", "pod-monitor"])))
    assert refused == []
    assert {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} <= kinds


@pytest.mark.parametrize("version", schemas.VERSIONS)
def test_what_the_documentation_shows(version: str) -> None:
    """Each Service and each Endpoints in it may be applied as it stands."""
    shown = [one for document in documents() if (one := document.manifest())]
    assert [(one, said) for one in shown for said in schemas.complaints(version, one)] == []
    assert {one["kind"] for one in shown} == {"Service", "Endpoints"}


class Recording(Api):
    """Keeps what is sent, in place of an API server; no version but 1.36 runs here."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def get(self, *_: Any, **__: Any) -> Any:
        return {"metadata": {"uid": "1"}}

    def post(self, path: str, body: Any, until: float = 0) -> Any:
        self.sent.append(body)
        return body | {"metadata": {"name": "mooring", "resourceVersion": "1"}}

    def apply(self, path: str, body: Any, query: Any = (), until: float = 0) -> Any:
        return self.post(path, body)


def written() -> list[Any]:
    """One of each kind that the daemon writes, with all that it may write there."""
    memory, api = Memory((("10.20.0.11", "db1"),), PORTS[0], "mysql:3306/TCP"), Recording()
    subsets = (Subset(("10.20.0.11",), ("10.20.0.12",), PORTS),)
    endpoints = merged({}, EndpointsWrite(KEY, None, subsets, memory=memory, writer="me", skip_mirror=True))
    hosts = tuple(Endpoint(f"10.20.0.{at}", one, "eu-1a", ("eu-1a",)) for at, one in enumerate(Condition))
    after = Slice(f"{KEY.name}-mooring-ipv4-0", "IPv4", hosts, PORTS, memory)
    now = "2026-01-01T00:00:00.000000Z"
    recorder = Recorder(api, "me", lambda: 1_700_000_000.0)
    recorder.write(NotPublished(KEY, "has a selector", refused=True))
    assert recorder.outbox.flush(60)
    KubeLeaseStore(api, "here", "mooring").put(Claim(None, Lease("me", 15.0, 5, now, now, note="other")))
    return [endpoints, merged_slice({}, SliceWrite(KEY, None, after, 1_700_000_000.25, writer="me"), after), *api.sent]


@pytest.mark.parametrize("version", schemas.VERSIONS)
def test_what_the_daemon_writes(version: str) -> None:
    """Endpoints, EndpointSlices, Events and Leases, as this version has them."""
    sent = written()
    assert [one["kind"] for one in sent] == ["Endpoints", "EndpointSlice", "Event", "Lease"]
    assert [said for one in sent for said in schemas.complaints(version, one)] == []
