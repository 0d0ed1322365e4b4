"""The values that users of other charts expect, each by what it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from kube import chart_values, dashboard, helm

pytestmark = pytest.mark.needs_cluster  # for Helm: nothing is started here
Manifest = dict[str, Any]
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")
DIGEST = f"sha256:{'0a' * 32}"
OF_THE_POD: Mapping[str, Any] = MappingProxyType(
    {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "tolerations": [{"operator": "Exists"}],
        "nodeSelector": {"zone": "a"},
        "imagePullSecrets": [{"name": "mine"}],
    }
)
"""Values that stand in the pod as they are."""


def made(*words: str, **values: Any) -> list[Manifest]:
    """What the chart makes of these values; ``__`` stands for a dot in a name."""
    named = {name.replace("__", "."): json.dumps(value) for name, value in values.items()}
    asked = [word for name, value in named.items() for word in ("--set-json", f"{name}={value}")]
    return [one for one in yaml.safe_load_all(helm.rendered(*words, *asked)) if one]


def kinds(manifests: list[Manifest]) -> set[str]:
    return {one["kind"] for one in manifests}


def only(kind: str, manifests: list[Manifest]) -> Manifest:
    [found] = [one for one in manifests if one["kind"] == kind]
    return found


def pod(manifests: list[Manifest]) -> Manifest:
    found: Manifest = only("Deployment", manifests)["spec"]["template"]
    return found


@pytest.mark.parametrize("name", OF_THE_POD)
def test_a_value_of_the_pod_stands_there_as_it_is(name: str) -> None:
    """Also where it takes the place of a default, as `affinity` does."""
    assert pod(made(**{name: OF_THE_POD[name]}))["spec"][name] == OF_THE_POD[name]


def test_pods_prefer_different_nodes() -> None:
    """Where no `affinity` is asked for."""
    assert list(pod(made())["spec"]["affinity"]) == ["podAntiAffinity"]


def test_labels_and_annotations_of_the_pod() -> None:
    """They stand beside the chart's own, and the Deployment does not select by them."""
    manifests = made(podLabels={"team": "db"}, podAnnotations={"a/b": "c"})
    metadata = pod(manifests)["metadata"]
    assert metadata["labels"]["team"] == "db"
    assert metadata["annotations"] == {"kubectl.kubernetes.io/default-container": "mooring", "a/b": "c"}
    assert "team" not in only("Deployment", manifests)["spec"]["selector"]["matchLabels"]


def test_replicas_and_resources() -> None:
    """By the names that charts have for them."""
    manifests = made(replicaCount=3, resources={"limits": {"memory": "1Gi"}})
    assert only("Deployment", manifests)["spec"]["replicas"] == 3
    assert pod(manifests)["spec"]["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}


def test_the_doctor_goes_first_where_it_is_asked_for() -> None:
    """In the daemon's image, with its file, its secrets and its Lease; by default a pod has no such container."""
    assert "initContainers" not in pod(made())["spec"]
    [doctor] = pod(made(doctor={"enabled": True}, fullnameOverride="keeper"))["spec"]["initContainers"]
    [daemon] = pod(made())["spec"]["containers"]
    assert doctor["args"] == ["doctor", "--cluster=in-cluster", "--lease-name=keeper", "--only=file,secrets,rights"]
    for field in ("image", "securityContext", "volumeMounts"):
        assert doctor[field] == daemon[field]
    assert "MOORING_SECRET_DIRS" in {one["name"] for one in doctor["env"]}


@pytest.mark.parametrize(
    ("image", "name"), [({"tag": "1.2"}, "mooring:1.2"), ({"tag": "1.2", "digest": DIGEST}, f"mooring@{DIGEST}")]
)
def test_an_image_by_its_digest(image: Mapping[str, str], name: str) -> None:
    """A digest says which image it is, and the tag does not count then."""
    manifests = made(**{f"image__{key}": value for key, value in image.items()})
    pods = [pod(manifests), only("Pod", manifests)]
    assert {container["image"] for one in pods for container in one["spec"]["containers"]} == {name}


def test_variables_and_volumes_of_ones_own() -> None:
    """The daemon has them, and so has the pod of `helm test`, which reads the same file."""
    manifests = made(
        extraEnv=[{"name": "TZ", "value": "UTC"}],
        extraVolumes=[{"name": "more", "emptyDir": {}}],
        extraVolumeMounts=[{"name": "more", "mountPath": "/more"}],
    )
    for one in (pod(manifests)["spec"], only("Pod", manifests)["spec"]):
        assert {"name": "more", "emptyDir": {}} in one["volumes"]
        for container in one["containers"]:
            assert {"name": "TZ", "value": "UTC"} in container["env"]
            assert {"name": "more", "mountPath": "/more"} in container["volumeMounts"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "mooring"),
        ({"fullnameOverride": "db-watch"}, "db-watch"),
        ({"nameOverride": "watch"}, "mooring-watch"),
        ({"fullnameOverride": "a" * 48}, "a" * 48),
    ],
)
def test_every_object_bears_the_full_name(values: Mapping[str, str], name: str) -> None:
    """Also the Lease and the account, and whatever refers to them."""
    manifests = made(**values)
    assert {one["metadata"]["name"].removesuffix("-lease").removesuffix("-test") for one in manifests} == {name}
    assert f"--lease-name={name}" in pod(manifests)["spec"]["containers"][0]["args"]
    assert pod(manifests)["spec"]["serviceAccountName"] == name
    assert {one["subjects"][0]["name"] for one in manifests if one["kind"] == "RoleBinding"} == {name}
    selected = only("Deployment", manifests)["spec"]["selector"]["matchLabels"]
    assert selected.items() <= pod(manifests)["metadata"]["labels"].items()


def test_an_account_of_ones_own() -> None:
    """It gets the rights, and the chart makes none."""
    manifests = made(serviceAccount__create=False, serviceAccount__name="mine", **POLICY)
    assert "ServiceAccount" not in kinds(manifests)
    assert {one["subjects"][0]["name"] for one in manifests if one["kind"] == "RoleBinding"} == {"mine"}
    assert {one["spec"]["serviceAccountName"] for one in (pod(manifests), only("Pod", manifests))} == {"mine"}
    policies = [one for one in manifests if one["kind"] == "ValidatingAdmissionPolicy"]
    assert all("mooring:mine'" in one["spec"]["matchConditions"][0]["expression"] for one in policies)


def test_annotations_of_the_account() -> None:
    """As clouds need them for their identities."""
    account = only("ServiceAccount", made(serviceAccount__annotations={"a/role": "b"}))
    assert account["metadata"]["annotations"] == {"a/role": "b"}


def test_a_file_of_ones_own() -> None:
    """A ConfigMap that is there already is mounted, and the chart makes none."""
    manifests = made(existingConfigMap="mine")
    assert "ConfigMap" not in kinds(manifests)
    volumes = {one["name"]: one for one in pod(manifests)["spec"]["volumes"]}
    assert volumes["config"]["configMap"] == {"name": "mine"}


POLICY: Mapping[str, Any] = MappingProxyType(
    {"admissionPolicy__enabled": True, "allowedCidrs": ["10.20.0.0/16"], "podMonitor__enabled": True}
)


def test_what_the_cluster_lacks_is_left_out() -> None:
    """PodMonitor and PrometheusRule need the operator's kinds; the rules are those of deploy/alerts.yaml."""
    asked: Mapping[str, Any] = {"podMonitor__enabled": True, "prometheusRule__enabled": True}
    assert not {"PodMonitor", "PrometheusRule"} & kinds(made(**asked))
    manifests = made(*OPERATOR, **asked, prometheusRule__labels={"release": "prom"})
    rule = only("PrometheusRule", manifests)
    assert only("PodMonitor", manifests)
    assert rule["spec"] == yaml.safe_load(chart_values.alerts())
    assert rule["metadata"]["labels"]["release"] == "prom"


def test_the_dashboard_is_a_config_map_where_somebody_asks_for_it() -> None:
    """As Grafana's sidecar looks for it, with the text of deploy/dashboard.json."""
    manifests = made(dashboard__enabled=True, dashboard__annotations={"grafana_folder": "Databases"})
    (found,) = (one for one in manifests if one["kind"] == "ConfigMap" and "mooring.json" in one["data"])
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert found["metadata"]["annotations"] == {"grafana_folder": "Databases"}
    assert found["data"]["mooring.json"].rstrip() == dashboard.dashboard().rstrip()


@pytest.mark.parametrize(("version", "has"), [("1.25.0", False), ("1.26.9", False), ("1.27.0", True)])
def test_kubernetes_1_25_is_enough(version: str, has: bool) -> None:  # noqa: FBT001 -- a column of the table
    """A field that came later is not sent to a cluster that would refuse it."""
    budget = only("PodDisruptionBudget", made("--kube-version", version))
    assert ("unhealthyPodEvictionPolicy" in budget["spec"]) is has


@pytest.mark.parametrize(
    ("words", "values", "complaint"),
    [
        (("--kube-version", "1.24.9"), {}, "kubeVersion: >=1.25.0-0"),
        (("--kube-version", "1.29.9"), dict(POLICY), "admissionPolicy.enabled needs Kubernetes 1.30"),
        ((), {"serviceAccount__create": False}, "needs serviceAccount.name"),
        ((), {"image__digest": "0a"}, "/image/digest"),
        ((), {"imagePullSecrets": ["mine"]}, "/imagePullSecrets/0"),
        ((), {"fullnameOverride": "Upper"}, "/fullnameOverride"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], values: Mapping[str, Any], complaint: str) -> None:
    """Before anything reaches the cluster, and with the value's name."""
    with pytest.raises(RuntimeError) as refused:
        made(*words, **values)
    assert complaint in str(refused.value)
