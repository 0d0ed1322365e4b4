"""The Helm chart on a whole cluster, with its admission policy: installed, tested, changed, taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import helm
from cluster.databases import MYSQL, outside
from cluster.installation import SECRET, Installation, entry
from cluster.whole import Cluster

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers, pytest.mark.needs_image]
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"


def write_values(path: Path, made: Installation, tag: str, **check: float) -> Path:
    config = {"version": 1, "defaults": {"check": check}, "services": [entry(made.database, made.served)]}
    values = {
        "config": config,
        "image": {"tag": tag},
        "allowedCidrs": ["10.77.0.0/24"],
        "admissionPolicy": {"enabled": True},
    }
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("helm") / "values.yaml"


@pytest.fixture(scope="module")
def installed(cluster: Cluster, image: str, values: Path) -> Iterator[Installation]:
    """As README says, into a namespace that enforces "restricted"."""
    with (
        outside(cluster, values.parent, MYSQL) as [database],
        cluster.namespace() as served,
        cluster.namespace() as own,
    ):
        database.make_service(served)
        made = Installation(cluster, database, own, served)
        cluster.kubectl("label", "namespace", own, "pod-security.kubernetes.io/enforce=restricted")
        made.kubectl("create", *SECRET)
        write_values(values, made, image.rpartition(":")[2], periodSeconds=0.5, timeoutSeconds=0.5)
        words = ("-n", own, "-f", str(values), "--wait", "--timeout=55s")
        told = helm.run(cluster, "install", "mooring", str(helm.CHART), *words)
        assert f"{served}/{MYSQL.service}" in told
        try:
            yield made
        finally:
            helm.run(cluster, "uninstall", "mooring", "-n", own, "--ignore-not-found")


def test_installed(installed: Installation) -> None:
    """Two pods run, one leads, and the Endpoints are published under an admission policy without an error in it."""
    installed.wait_stored(installed.database.addresses, [])
    assert len(installed.pods()) == 2
    assert installed.leader()
    for name in (f"{installed.namespace}-mooring", f"{installed.namespace}-mooring-slices"):
        policy = installed.cluster.rest.get(f"{POLICIES}/{name}")
        assert policy["status"] == {"observedGeneration": 1, "typeChecking": {}}


def test_helm_test(installed: Installation) -> None:
    """`helm test` probes from a pod of its own, and finds nothing that should be published otherwise."""
    installed.wait_stored(installed.database.addresses, [])
    told = helm.run(installed.cluster, "test", "mooring", "-n", installed.namespace, "--timeout=50s")
    assert "Phase:          Succeeded" in told


def test_an_upgrade_of_the_file_restarts_nothing(installed: Installation, values: Path) -> None:
    """`helm upgrade` with another file changes the ConfigMap, and the Deployment stays as it is."""
    before = installed.deployment()["metadata"]["generation"]
    tag = yaml.safe_load(values.read_text())["image"]["tag"]
    write_values(values, installed, tag, periodSeconds=0.4, timeoutSeconds=0.4)
    words = ("-n", installed.namespace, "-f", str(values), "--wait", "--timeout=50s")
    helm.run(installed.cluster, "upgrade", "mooring", str(helm.CHART), *words)
    assert "periodSeconds: 0.4" in installed.kubectl("get", "configmap", "mooring", "-o", "yaml")
    assert installed.deployment()["metadata"]["generation"] == before


def test_taken_away_traffic_goes_on(installed: Installation) -> None:
    """`helm uninstall` leaves the Endpoints as they were last, and traffic with them."""
    helm.run(installed.cluster, "uninstall", "mooring", "-n", installed.namespace, "--wait", "--timeout=50s")
    assert installed.stored() == (installed.database.addresses, [])
    logins = installed.database.logins(installed.served, MYSQL.service, 10)
    assert [login.error for login in logins if login.error] == []
    assert installed.cluster.rest.get(f"{POLICIES}/{installed.namespace}-mooring") is None
