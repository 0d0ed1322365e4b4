"""The Helm chart on a whole cluster, with its admission policy: installed, tested, changed, taken away."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.commands import command
from cluster.installation import PASSWORD_FILE, Installation, entry
from cluster.reader import Reader
from kube import helm
from kube.databases import MYSQL, PASSWORD, REDIS, outside
from kube.full_cluster import Cluster
from kube.redis_services import published
from kube.versions import Versions
from lab.waiting import wait_until
from support.console import ROOT, compared

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers, pytest.mark.needs_image]
[(INSTALL, TEST)] = compared("docs/install.md", __file__)
IN_CHINESE, STATUS_IN_CHINESE = compared("docs/zh/README.md", __file__)
[DEAD] = compared("docs/walk.md", __file__)
FIRST_CHART = Path(__file__).with_name("first_chart")
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"


def write_values(path: Path, made: Installation, tag: str, *more: dict[str, Any], **check: float) -> Path:
    """``more``: further Services of the file."""
    config = {"version": 1, "defaults": {"check": check}, "services": [entry(made.database, made.served), *more]}
    values = {
        "config": config,
        "image": {"tag": tag},
        "allowedCidrs": ["10.77.0.0/24"],
        "admissionPolicy": {"enabled": True},
    }
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def reader(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Somebody with the chart and the password; the Service's namespace is there, Mooring's own is still to be made."""
    folder, own = tmp_path_factory.mktemp("helm"), f"test-{secrets.token_hex(4)}"
    (folder / "deploy").symlink_to(ROOT / "deploy")
    (folder / "mysql-password").write_text(PASSWORD)
    with cluster.namespace() as served:
        yield Reader(cluster, folder, served, own, {"namespace mooring": f"namespace {own}"})
        cluster.rest.delete(f"/api/v1/namespaces/{own}")


@pytest.fixture(scope="module")
def values(reader: Reader) -> Path:
    return reader.folder / "values.yaml"


@pytest.fixture(scope="module")
def installed(reader: Reader, image: str, values: Path) -> Iterator[Installation]:
    """As docs/zh/README.md and docs/install.md say, into a namespace that enforces "restricted"."""
    cluster, own = reader.cluster, reader.own
    with outside(cluster, reader.folder, MYSQL) as [database]:
        database.make_service(reader.served)
        made = Installation(cluster, database, own, reader.served)
        for step in IN_CHINESE:
            reader.type(step)
        cluster.kubectl("label", "namespace", own, "pod-security.kubernetes.io/enforce=restricted")
        write_values(values, made, image.rpartition(":")[2], periodSeconds=1.0, timeoutSeconds=1.0)
        try:
            reader.type(INSTALL)
            yield made
        finally:
            helm.run(cluster, "uninstall", "mooring", "-n", own, "--ignore-not-found")


def test_installed(installed: Installation) -> None:
    """Two pods run, one leads, and the Endpoints are published under an admission policy without an error in it."""
    installed.wait_stored(installed.database.addresses, [])
    assert len(installed.pods()) == 2
    assert installed.leader()
    for name in (f"{installed.namespace}-mooring", f"{installed.namespace}-mooring-slices"):
        checked = wait_until(partial(policy_status, installed, name), 20, "a controller to check it")
        assert checked == {"observedGeneration": 1, "typeChecking": {}}


def policy_status(installed: Installation, name: str) -> Any:
    """What the cluster's controller says of a policy; nothing until it has looked."""
    return installed.cluster.rest.get(f"{POLICIES}/{name}").get("status")


def test_helm_test(installed: Installation, reader: Reader) -> None:
    """`helm test` probes from a pod of its own: nothing should be published otherwise, and nothing else is wrong."""
    installed.wait_stored(installed.database.addresses, [])
    installed.database.wait_balanced(installed.served, installed.database.addresses)
    reader.type(TEST)


def test_status_and_explain_ask_the_leader_through_the_api_server(installed: Installation) -> None:
    """Of two pods the one that leads answers; the account may read the Lease and pods, and speak to pods, no more."""
    installed.wait_stored(installed.database.addresses, [])
    user = installed.cluster.user("onlooker", namespace=installed.namespace)
    env = {"MOORING_KUBECONFIG": str(user.kubeconfig), "MOORING_CLUSTER": "kubeconfig"}
    ask = partial(command, installed.cluster, env=env)
    where = ("--in-cluster", installed.namespace)
    user.allow(
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    )
    refused = ask("status", *where)
    assert refused.returncode == 3
    assert "pods/proxy" in refused.stderr

    user.allow({"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]})
    leader, status = installed.leader(), ask("status", *where, "-o", "json")
    found = json.loads(status.stdout)
    assert (status.returncode, found["leader"]) == (0, True)
    assert found["identity"].startswith(f"{leader}-")
    assert [host["address"] for host in found["services"][0]["hosts"]] == installed.database.addresses

    one = installed.database.addresses[0]
    explained = ask("explain", f"{MYSQL.service}/{one}", *where, "-o", "json")
    assert (explained.returncode, explained.stderr) == (0, "")
    assert one in explained.stdout


def test_a_killed_database_is_shown(installed: Installation, reader: Reader) -> None:
    """The status of a pod and the Endpoints are what docs/zh/README.md shows before, and docs/walk.md afterwards."""
    dead, alive = installed.database.addresses
    for step in STATUS_IN_CHINESE:
        reader.look(step)
    installed.database.servers[0].kill()
    installed.wait_stored([alive], [dead])
    for step in DEAD:
        reader.look(step)
    installed.database.revive()
    installed.wait_stored([dead, alive], [])


def test_an_upgrade_of_the_file_restarts_nothing(installed: Installation, values: Path) -> None:
    """`helm upgrade` with another file changes the ConfigMap, and the Deployment stays as it is."""
    before = installed.deployment()["metadata"]["generation"]
    tag = yaml.safe_load(values.read_text())["image"]["tag"]
    write_values(values, installed, tag, periodSeconds=0.9, timeoutSeconds=0.9)
    words = ("-n", installed.namespace, "-f", str(values), "--wait", "--timeout=300s")
    helm.run(installed.cluster, "upgrade", "mooring", str(helm.CHART), *words)
    assert "periodSeconds: 0.9" in installed.kubectl("get", "configmap", "mooring", "-o", "yaml")
    assert installed.deployment()["metadata"]["generation"] == before


def test_helm_test_ends_whatever_the_sentinels_say(installed: Installation, values: Path, tmp_path: Path) -> None:
    """No Sentinel answers, so nobody knows which Redis is the primary: the test fails, and names both."""
    nobody = {"name": "sessions", "hosts": ["10.77.0.200"]}
    with outside(installed.cluster, tmp_path, REDIS) as [redis]:
        redis.make_service(installed.served)
        block = {"role": "primary", "user": "default", "passwordFile": PASSWORD_FILE, "sentinel": nobody}
        undecided = redis.service(redis.addresses, namespace=installed.served, check={"redis": block})
        tag = yaml.safe_load(values.read_text())["image"]["tag"]
        write_values(values, installed, tag, undecided, periodSeconds=0.9, timeoutSeconds=0.9)
        words = ("-n", installed.namespace, "-f", str(values), "--wait", "--timeout=300s")
        helm.run(installed.cluster, "upgrade", "mooring", str(helm.CHART), *words)
        with pytest.raises(RuntimeError, match=r"[Ff]ailed"):
            helm.run(installed.cluster, "test", "mooring", "-n", installed.namespace, "--timeout=300s")
        told = installed.kubectl("logs", "mooring-test", "-c", "plan")
        for address in redis.addresses:
            assert f"{installed.served}/{REDIS.service}: {address} ({address}) is undecided" in told
        found = installed.kubectl("logs", "mooring-test", "-c", "doctor")
        assert "sentinels   1 problem" in found
        assert f"  · {installed.served}/{MYSQL.service}: " in found  # in a pod, a ClusterIP is this cluster's
        assert ":3366 leads to 10.77.0." in found


def test_with_the_doctor_first_a_pod_starts_once_its_set_up_is_sound(installed: Installation, values: Path) -> None:
    """Without its password a new pod does not start, its log says what mends it, and the former pods go on."""
    tag = yaml.safe_load(values.read_text())["image"]["tag"]
    write_values(values, installed, tag, periodSeconds=1.0, timeoutSeconds=1.0)
    former = set(installed.pods())
    words = ("-n", installed.namespace, "-f", str(values), "--set", "doctor.enabled=true")
    upgrade = partial(helm.run, installed.cluster, "upgrade", "mooring", str(helm.CHART), *words)
    upgrade("--set", "secrets.passwords=of-nobody")
    refused = wait_until(
        lambda: [one["message"] for one in doctors(installed, 1).values()], 120, "a refusal", every=0.5
    )
    assert {"file        ok", "secrets     1 problem", "rights      ok"} <= {*refused[0].splitlines()}
    assert f"{PASSWORD_FILE}: does not exist" in refused[0]
    assert "kubectl -n mooring create secret generic" in refused[0]
    assert former <= set(installed.pods())
    assert installed.stored() == (installed.database.addresses, [])

    upgrade("--wait", "--timeout=300s")
    passed = {installed.kubectl("logs", name, "-c", "doctor") for name in doctors(installed, 0)}
    assert passed == {"file        ok\nsecrets     ok\nrights      ok\n"}
    wait_until(lambda: not former & set(installed.pods()), 60, "the former pods to end", every=0.2)


def doctors(installed: Installation, code: int) -> dict[str, Any]:
    """How the init containers of pods last ended, by pod, where that was with this code."""
    states = {
        name: one["state"].get("terminated") or one["lastState"].get("terminated") or {}
        for name, pod in installed.pods().items()
        for one in pod["status"].get("initContainerStatuses") or ()
    }
    return {name: ended for name, ended in states.items() if ended.get("exitCode") == code}


def test_taken_away_traffic_goes_on(installed: Installation) -> None:
    """`helm uninstall` leaves the Endpoints as they were last, and traffic with them."""
    helm.run(installed.cluster, "uninstall", "mooring", "-n", installed.namespace, "--wait", "--timeout=300s")
    assert installed.stored() == (installed.database.addresses, [])
    logins = installed.database.logins(installed.served, MYSQL.service, 10)
    assert [login.error for login in logins if login.error] == []
    assert installed.cluster.rest.get(f"{POLICIES}/{installed.namespace}-mooring") is None


def lasting(made: Installation) -> dict[str, str]:
    """What an upgrade must not make anew, by its identity."""
    kinds = ("deployment", "configmap", "lease")
    return {kind: made.kubectl("get", kind, "mooring", "-o", "jsonpath={.metadata.uid}") for kind in kinds}


def test_an_upgrade_from_the_first_chart_moves_no_traffic(installed: Installation, values: Path) -> None:
    """The pods roll and a new one takes the Lease; file, Lease and Deployment stay, and no address ever leaves."""
    tag = yaml.safe_load(values.read_text())["image"]["tag"]
    write_values(values, installed, tag, periodSeconds=1.0, timeoutSeconds=1.0)
    words = ("-n", installed.namespace, "-f", str(values), "--wait", "--timeout=300s")
    helm.run(installed.cluster, "uninstall", "mooring", "-n", installed.namespace, "--ignore-not-found", "--wait")
    helm.run(installed.cluster, "install", "mooring", str(FIRST_CHART), *words)
    installed.wait_stored(installed.database.addresses, [])
    wait_until(installed.leader, 60, "a pod to lead", every=0.2)
    former = set(installed.pods())
    before = lasting(installed)
    with Versions(installed.cluster, installed.served) as history:
        helm.run(installed.cluster, "upgrade", "mooring", str(helm.CHART), *words)
        wait_until(lambda: not former & set(installed.pods()), 60, "the former pods to end", every=0.2)
        wait_until(lambda: installed.leader() in set(installed.pods()), 60, "a new pod to lead", every=0.2)
    assert lasting(installed) == before
    versions = published(history, f"{installed.served}/{MYSQL.service}")
    assert {repr(version) for version in versions} == {repr((installed.database.addresses, []))}
