"""EndpointSlices of a real API server: preconditions, a thousand hosts, two families, and both kinds side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kube.api import Api as Server
from kube.redis_services import PORT, Stage, redis_servers
from kube.versions import ENDPOINTS, SLICES, Versions
from lab.history import addresses
from lab.servers import Redis
from lab.waiting import wait_until
from mooring.cluster.client import Api, client_factory
from mooring.cluster.endpoints import KubeCluster
from mooring.model.errors import Conflict, Rejected
from mooring.model.objects import Condition, DesiredObjects, Endpoint, Slice, SliceWrite, StoredObjects
from mooring.model.spec import Port, Publish, ServiceKey
from mooring.plan.slices import slice_writes

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

PORTS = (Port("redis", 6379),)
NAME = "db-mooring-ipv4-0"


@pytest.fixture
def stage(api: Server, namespace: str) -> Stage:
    made = Stage(api, namespace)
    made.serve("db")
    return made


@pytest.fixture
def kube(stage: Stage) -> Iterator[KubeCluster]:
    made = KubeCluster(Api(client_factory("kubeconfig", stage.api.kubeconfig, None)), {stage.namespace})
    made.start(lambda _keys: None)
    assert made.wait(60)
    yield made
    made.stop()


def path(stage: Stage, name: str = "") -> str:
    return f"/apis/discovery.k8s.io/v1/namespaces/{stage.namespace}/endpointslices/{name}".rstrip("/")


def held(*hosts: str, condition: Condition = Condition.READY) -> Slice:
    return Slice(NAME, "IPv4", tuple(Endpoint(host, condition) for host in hosts), PORTS)


def test_a_slice_is_made_changed_and_deleted(stage: Stage, kube: KubeCluster) -> None:
    """What was written is what is read; what others put on it stays; the version that was read is the precondition."""
    key = ServiceKey(stage.namespace, "db")
    first = kube.apply_slice(SliceWrite(key, None, held("10.20.0.21"), 1_700_000_000.5))
    assert first is not None
    assert (first.slice, first.managed_by, first.manager) == (held("10.20.0.21"), "mooring", "mooring")
    stage.api.rest.patch(path(stage, NAME), {"metadata": {"annotations": {"note": "kept"}}})
    with pytest.raises(Conflict):
        kube.apply_slice(SliceWrite(key, first, None))
    [seen] = kube.slices(key)
    down = held("10.20.0.21", condition=Condition.LAST_RESORT)
    second = kube.apply_slice(SliceWrite(key, seen, down, 1_700_000_001.0))
    assert kube.slices(key) == (second,)
    stored = stage.api.rest.get(path(stage, NAME))
    assert stored["metadata"]["annotations"] == {
        "note": "kept",
        "endpoints.kubernetes.io/last-change-trigger-time": "2023-11-14T22:13:21.000000000Z",
    }
    for stale in (first, seen):
        with pytest.raises(Conflict):
            kube.apply_slice(SliceWrite(key, stale, held("10.20.0.22")))
    with pytest.raises(Conflict):
        kube.apply_slice(SliceWrite(key, None, held("10.20.0.22")))
    assert kube.apply_slice(SliceWrite(key, second, None)) is None
    assert kube.slices(key) == ()
    wait_until(lambda: stage.api.rest.get(path(stage, NAME)) is None, 5, "it to be gone")


def test_no_orphan_is_made(stage: Stage, kube: KubeCluster) -> None:
    """Without its Service nothing is written."""
    key = ServiceKey(stage.namespace, "nobody")
    with pytest.raises(Rejected, match="no such Service"):
        kube.apply_slice(SliceWrite(key, None, held("10.20.0.21")))


def test_of_a_thousand_hosts_one_flip_is_one_patch(stage: Stage, kube: KubeCluster) -> None:
    """Ten slices of a hundred; the flip touches one of them, and the others keep their versions."""
    key = ServiceKey(stage.namespace, "db")
    hosts = [f"10.21.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    up = DesiredObjects(Publish.SLICES, (), tuple(Endpoint(host, Condition.READY) for host in hosts), PORTS)
    for change in slice_writes(key, StoredObjects(), up):
        kube.apply_slice(change)
    before = {one.slice.name: one.version for one in kube.slices(key)}
    assert len(before) == 10
    endpoints = (replace(up.endpoints[0], condition=Condition.NOT_READY), *up.endpoints[1:])
    [change] = slice_writes(key, StoredObjects(slices=kube.slices(key)), replace(up, endpoints=endpoints))
    kube.apply_slice(change)
    after = {one.slice.name: one.version for one in kube.slices(key)}
    assert [name for name in before if before[name] != after[name]] == [NAME]
    assert slice_writes(key, StoredObjects(slices=kube.slices(key)), replace(up, endpoints=endpoints)) == ()


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Redis]]:
    with redis_servers(2) as made:
        yield made


def said(text: str | None, kind: str) -> dict[str, bool]:
    """Address → ready, of one version of an Endpoints or a slice."""
    found: dict[str, Any] = json.loads(text or "{}")
    if kind == ENDPOINTS:
        down = dict.fromkeys(addresses(found, "notReadyAddresses"), False)
        return down | dict.fromkeys(addresses(found, "addresses"), True)
    return {entry["addresses"][0]: entry["conditions"]["ready"] for entry in found.get("endpoints") or ()}


def test_the_two_kinds_never_disagree_for_two_writes(stage: Stage, servers: list[Redis]) -> None:
    """With both, an address that is ready in one and not in the other is put right by the next write."""
    text = stage.file({"db": servers}).replace('"name": "db"', '"name": "db", "publish": "both"')
    with (
        Versions(stage.api, stage.namespace, ENDPOINTS) as endpoints,
        Versions(stage.api, stage.namespace, SLICES) as slices,
        stage.daemon(text) as daemon,
    ):
        daemon.wait_ready(stage.key(), ["10.20.0.21", "10.20.0.22"])
        for server in (*servers, *servers):
            server.kill()
            wait_until(lambda: len(daemon.ready(stage.key())) == 1, 10, "it to leave")
            server.start()
            wait_until(lambda: len(daemon.ready(stage.key())) == 2, 10, "it to come back")
            wait_until(lambda: len(ready(stage)) == 2, 10, "it to come back in the slice, too")
    history = [(one, ENDPOINTS) for one in endpoints.of(stage.key())]
    history += [(one, SLICES) for one in slices.of(f"{stage.namespace}/{NAME}")]
    history.sort(key=lambda one: one[0].revision)
    assert len(history) >= 2 * 8
    latest: dict[str, dict[str, bool]] = {}
    differed: set[str] = set()
    for version, kind in history:
        latest[kind] = said(version.text, kind)
        if len(latest) == 2:
            one, other = latest.values()
            differ = {address for address in one.keys() | other.keys() if one.get(address) != other.get(address)}
            assert not differ & differed
            differed = differ
    assert differed == set()


@pytest.mark.parametrize("publish", ["endpointSlices", "both"])
def test_a_restart_over_what_is_stored_writes_nothing(stage: Stage, servers: list[Redis], publish: str) -> None:
    """No slice and no Endpoints is written again by a new start, though all hosts are judged anew."""
    text = stage.file({"db": servers}).replace('"name": "db"', f'"name": "db", "publish": "{publish}"')
    with stage.daemon(text) as daemon:
        wait_until(lambda: len(ready(stage)) == 2, 10, "both to be ready")
        if publish == "both":
            daemon.wait_ready(f"{stage.namespace}/db", ["10.20.0.21", "10.20.0.22"])
    with Versions(stage.api, stage.namespace, SLICES) as slices:
        before = len(slices.all())
        with stage.daemon(text) as daemon:
            daemon.wait_log("daemon.started")
            wait_until(lambda: daemon.get("/readyz")[0] == 200, 10, "every host to be probed")
            assert daemon.logs("slice.written") == daemon.logs("endpoints.written") == []
        assert len(slices.all()) == before


def ready(stage: Stage) -> list[str]:
    found = stage.api.rest.get(path(stage, NAME)) or {}
    return [entry["addresses"][0] for entry in found.get("endpoints") or () if entry["conditions"]["ready"]]


@pytest.mark.fault("objects", "Somebody edits a slice of Mooring's", "Put right; log and Event name who.", within="1 s")
def test_an_edit_of_a_slice_is_put_right_and_told(stage: Stage, servers: list[Redis]) -> None:
    """Who adds an address to our slice finds it gone; log and Event name who it was and what."""
    text = stage.file({"db": servers}).replace('"name": "db"', '"name": "db", "publish": "endpointSlices"')
    with stage.daemon(text) as daemon:
        wait_until(lambda: len(ready(stage)) == 2, 10, "both to be ready")
        entries = stage.api.rest.get(path(stage, NAME))["endpoints"]
        body = {"endpoints": [*entries, {"addresses": ["10.20.0.99"]}]}
        stage.api.rest.patch(f"{path(stage, NAME)}?fieldManager=kubectl-edit", body)
        removed = daemon.wait_log("address.removed")
        assert (removed["address"], removed["manager"]) == ("10.20.0.99", "kubectl-edit")
        assert daemon.wait_log("endpoints.repaired")["manager"] == "kubectl-edit"
        assert sorted(ready(stage)) == ["10.20.0.21", "10.20.0.22"]


def two_families(stage: Stage, servers: list[Redis], publish: str) -> str:
    text = stage.file({"db": servers}).replace('"address": "10.20.0.21"', '"addresses": ["10.20.0.21", "fd00::21"]')
    return text.replace('"name": "db"', f'"name": "db", "publish": "{publish}"')


def test_an_address_of_another_family_is_left_out(stage: Stage, servers: list[Redis]) -> None:
    """A Service of one family publishes that one, and says what it leaves out."""
    with stage.daemon(two_families(stage, servers, "endpointSlices")) as daemon:
        assert daemon.wait_log("address.left_out")["address"] == "fd00::21"
        wait_until(lambda: len(ready(stage)) == 2, 10, "the other family to be published")


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        (["IPv4", "IPv6"], {NAME: ["10.20.0.21", "10.20.0.22"], "db-mooring-ipv6-0": ["fd00::21"]}),
        (["IPv6"], {"db-mooring-ipv6-0": ["fd00::21"]}),
    ],
    ids=["dual stack", "IPv6 only"],
)
def test_a_host_of_two_families_has_two_endpoints(
    stage: Stage, servers: list[Redis], families: list[str], expected: dict[str, list[str]]
) -> None:
    """A slice a family, by one verdict: when the host dies, it leaves both."""
    stage.api.rest.delete(stage.path("services", "db"))
    policy = "RequireDualStack" if len(families) > 1 else "SingleStack"
    spec = {"ports": [{**PORT, "targetPort": 6379}], "ipFamilies": families, "ipFamilyPolicy": policy}
    body = {"metadata": {"name": "db"}, "spec": spec}
    stage.api.rest.create(stage.path("services"), body)
    with stage.daemon(two_families(stage, servers, "endpointSlices")):
        wait_until(lambda: all_ready(stage) == expected, 10, "every family")
        servers[0].kill()
        dead = {name: [one for one in hosts if not one.endswith("21")] for name, hosts in expected.items()}
        wait_until(lambda: all_ready(stage) == dead, 10, "it to leave")
        servers[0].start()


def all_ready(stage: Stage) -> dict[str, list[str]]:
    return {
        one["metadata"]["name"]: [e["addresses"][0] for e in one["endpoints"] or () if e["conditions"]["ready"]]
        for one in stage.api.rest.get(path(stage))["items"]
    }
