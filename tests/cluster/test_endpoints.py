"""Endpoints of a real API server: made, changed, and left alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from kube.api import Api as Server
from kube.versions import Versions
from lab.waiting import wait_until
from mooring.cluster.client import Api, client_factory
from mooring.cluster.endpoints import KubeCluster
from mooring.model.errors import Conflict, Rejected
from mooring.model.events import NotPublished
from mooring.model.objects import EndpointsWrite, StoredEndpoints, Subset
from mooring.model.spec import Port, ServiceKey
from mooring.observe.events import Recorder

pytestmark = pytest.mark.needs_api

A, B = "10.20.0.11", "10.20.0.12"
PORTS = (Port("mysql", 3306, "TCP"),)
BOTH = (Subset((A, B), (), PORTS),)
ONE = (Subset((A,), (B,), PORTS),)
FOREIGN = {"labels": {"team": "sails"}, "annotations": {"note": 'kept "as it is" \u2693'}}


@pytest.fixture
def key(namespace: str) -> ServiceKey:
    return ServiceKey(namespace, "db")


@pytest.fixture
def kube(api: Server, key: ServiceKey) -> Iterator[KubeCluster]:
    made = KubeCluster(Api(client_factory("kubeconfig", api.kubeconfig, None)), {key.namespace})
    made.start(lambda _keys: None)
    assert made.wait(60)
    yield made
    made.stop()


def path(key: ServiceKey, kind: str = "endpoints", name: str = "/db") -> str:
    return f"/api/v1/namespaces/{key.namespace}/{kind}{name}"


def service(api: Server, key: ServiceKey) -> None:
    body = {"metadata": {"name": key.name}, "spec": {"ports": [{"name": "mysql", "port": 3306}]}}
    api.rest.create(path(key, "services", ""), body)


def by_hand(api: Server, key: ServiceKey, **metadata: Any) -> None:
    subset = {"addresses": [{"ip": A}], "ports": [{"name": "mysql", "port": 3306}]}
    api.rest.create(path(key, name=""), {"metadata": {"name": key.name, **metadata}, "subsets": [subset]})


def seen(kube: KubeCluster, key: ServiceKey) -> StoredEndpoints:
    found = wait_until(lambda: kube.read(key), 5, "the object to be seen")
    assert found is not None
    return found


def test_a_missing_object_is_made(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """What was written is what is read, at once and later, and bears who keeps it."""
    service(api, key)
    after = kube.apply(EndpointsWrite(key, None, ONE))
    assert kube.read(key) == after
    assert (after.managed, after.subsets, after.manager) == (True, ONE, "mooring")
    found = api.rest.get(path(key))
    assert found["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "mooring"}


def test_making_never_touches_what_is_there(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """Who was first keeps the object as it is, to the byte, and it is seen at once."""
    service(api, key)
    by_hand(api, key, **FOREIGN)
    with Versions(api, key.namespace) as history, pytest.raises(Conflict):
        kube.apply(EndpointsWrite(key, None, BOTH))
    assert len(history.of(str(key))) == 1
    assert seen(kube, key).subsets == (Subset((A,), (), PORTS),)


def test_no_orphan_is_made(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """Without its Service nothing is written."""
    with pytest.raises(Rejected, match="no such Service"):
        kube.apply(EndpointsWrite(key, None, BOTH))
    assert api.rest.get(path(key)) is None


def test_an_update_keeps_what_others_wrote(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """Labels, annotations, finalizers and owners of others stay as they are, to the byte."""
    service(api, key)
    by_hand(api, key, **FOREIGN)
    before = api.rest.get(path(key))["metadata"]
    kube.apply(EndpointsWrite(key, seen(kube, key), ONE))
    after = api.rest.get(path(key))["metadata"]
    assert json.dumps(after["annotations"]) == json.dumps(before["annotations"])
    assert after["labels"] == {**before["labels"], "app.kubernetes.io/managed-by": "mooring"}
    assert after["uid"] == before["uid"]
    assert kube.read(key) == seen(kube, key)


def test_a_stale_update_changes_nothing(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """Decided on what was there before: refused, and the next read has what is there now."""
    service(api, key)
    by_hand(api, key)
    stale = seen(kube, key)
    api.rest.patch(path(key), {"metadata": {"labels": {"touched": "yes"}}})
    touched = api.rest.get(path(key))
    with pytest.raises(Conflict):
        kube.apply(EndpointsWrite(key, stale, ONE))
    assert api.rest.get(path(key)) == touched
    assert seen(kube, key).version == touched["metadata"]["resourceVersion"]


def test_an_object_that_went_is_no_longer_read(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """Deleted under a write: refused as changed; made again under the same name, it is another object."""
    service(api, key)
    first = kube.apply(EndpointsWrite(key, None, ONE))
    api.rest.delete(path(key))
    with pytest.raises(Conflict):
        kube.apply(EndpointsWrite(key, first, BOTH))
    assert kube.read(key) is None
    again = kube.apply(EndpointsWrite(key, None, BOTH))
    assert again.version != first.version
    assert kube.read(key) == again


def test_nobody_ready_is_stored_as_such(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """Empty lists are taken by the server, and are equal when read back."""
    service(api, key)
    first = kube.apply(EndpointsWrite(key, None, (Subset((), (A, B), PORTS),)))
    assert first.subsets == (Subset((), (A, B), PORTS),)
    assert kube.apply(EndpointsWrite(key, first, ())).subsets == ()


def test_what_happens_while_nobody_can_watch_is_seen_later(api: Server, kube: KubeCluster, key: ServiceKey) -> None:
    """After the API server was gone and etcd compacted, deletions and edits are noticed."""
    service(api, key)
    kube.apply(EndpointsWrite(key, None, ONE))
    api.server.freeze()
    time.sleep(0.2)
    assert kube.read(key) is not None
    api.server.restart()
    api.rest.delete(path(key))
    api.compact()
    wait_until(lambda: kube.read(key) is None, 10, "the deletion to be seen")
    by_hand(api, key)
    assert not seen(kube, key).managed


def test_describe_shows_what_hinders(api: Server, key: ServiceKey) -> None:
    """``kubectl describe service`` has an Event with the reason."""
    service(api, key)
    recorder = Recorder(Api(client_factory("kubeconfig", api.kubeconfig, None)), "one", time.time)
    recorder.write(NotPublished(key, "the Service has a selector", refused=True))

    def described() -> str:
        return api.kubectl("-n", key.namespace, "describe", "service", key.name)

    wait_until(lambda: "the Service has a selector" in described(), 10, "the Event", every=0.3)
    assert "Refused" in described()
