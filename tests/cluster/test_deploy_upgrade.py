"""`helm upgrade` from the first chart, whose values had other names: what CHANGELOG.md says after **Upgrade**."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kube import helm

pytestmark = pytest.mark.needs_cluster  # for Helm: nothing is started here
FILE = """
config:
  version: 1
  services:
    - name: mysql-external
      namespace: default
      hosts: [10.20.0.11, 10.20.0.12]
      check:
        mysql: {user: mooring, passwordFile: /etc/mooring/secrets/mysql-password}
allowedCidrs: [10.20.0.0/16]
admissionPolicy: {enabled: true}
podMonitor: {enabled: true}
networkPolicy: {databases: {ports: [3306]}}
"""
"""What has the same name in both."""
BEFORE = FILE + "replicas: 3\nimage: {repository: registry/mooring, pullSecrets: [my-registry]}\n"
AFTER = FILE + "replicaCount: 3\nimage: {repository: registry/mooring}\nimagePullSecrets: [{name: my-registry}]\n"
OBJECTS = {
    ("NetworkPolicy", "{}"),
    ("PodDisruptionBudget", "{}"),
    ("ServiceAccount", "{}"),
    ("ConfigMap", "{}-allowed"),
    ("ConfigMap", "{}"),
    ("Role", "{}-lease"),
    ("Role", "{}"),
    ("RoleBinding", "{}-lease"),
    ("RoleBinding", "{}"),
    ("Deployment", "{}"),
    ("PodMonitor", "{}"),
    ("Pod", "{}-test"),
}
"""All that the first chart made in a namespace, by kind and name; ``{}`` is the release's name."""
LABELS = {"app.kubernetes.io/name": "mooring", "app.kubernetes.io/component": "daemon"}
"""By which its Deployment selected pods, beside the release's name. A Deployment's selector can never be changed."""


def made(folder: Path, values: str, release: str, *words: str) -> list[dict[str, Any]]:
    file = folder / "values.yaml"
    file.write_text(values)
    operator = ("--api-versions", "monitoring.coreos.com/v1")
    told = helm.rendered("-f", str(file), *operator, *words, release=release)
    return [one for one in yaml.safe_load_all(told) if one]


def test_former_values_are_refused_by_their_names(tmp_path: Path) -> None:
    """Before anything reaches the cluster: Helm names each value that is called otherwise now."""
    with pytest.raises(RuntimeError, match=r"(?s)pullSecrets.*replicas"):
        made(tmp_path, BEFORE, "mooring")


@pytest.mark.parametrize(("release", "words"), [("mooring", ()), ("db", ("--set", "fullnameOverride=db"))])
def test_with_the_new_names_all_objects_stay(tmp_path: Path, release: str, words: tuple[str, ...]) -> None:
    """None is made anew under another name, and the Deployment keeps its selector, so the upgrade is a rolling one."""
    objects = made(tmp_path, AFTER, release, *words)
    found = {(one["kind"], one["metadata"]["name"]) for one in objects}
    assert {(kind, name.format(release)) for kind, name in OBJECTS} <= found
    [deployment] = [one for one in objects if one["kind"] == "Deployment"]
    assert deployment["spec"]["selector"]["matchLabels"] == LABELS | {"app.kubernetes.io/instance": release}
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["template"]["spec"]["imagePullSecrets"] == [{"name": "my-registry"}]
    [role] = [one for one in objects if one["kind"] == "Role" and one["metadata"]["name"].endswith("-lease")]
    assert any(release in rule.get("resourceNames", ()) for rule in role["rules"]), "the Lease keeps its name, too"


def test_another_release_name_needs_the_override(tmp_path: Path) -> None:
    """Without `fullnameOverride` a release called `db` gets objects of other names, as the changelog warns."""
    found = {one["metadata"]["name"] for one in made(tmp_path, AFTER, "db") if one["kind"] == "Deployment"}
    assert found == {"db-mooring"}
