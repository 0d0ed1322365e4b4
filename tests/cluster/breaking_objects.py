"""How a sound set-up is broken in the cluster: its objects, and what Kubernetes makes of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from cluster.breaking import Break
from cluster.set_up import LABELS, LEASE, SetUp, moment
from support.faketime import faked


def no_service(on: SetUp) -> None:
    on.service, on.mirrored, on.follows = None, False, False


def spec(**fields: Any) -> Break:
    """Fields of the Service in the cluster."""

    def change(on: SetUp) -> None:
        assert on.service is not None
        on.service["spec"].update(fields)
        on.subsets, on.mirrored, on.follows = [], False, False

    return change


def annotated(**annotations: str) -> Break:
    """Of the Service; two underlines stand for a slash."""

    def change(on: SetUp) -> None:
        assert on.service is not None
        held = {name.replace("__", "/"): value for name, value in annotations.items()}
        on.service["metadata"]["annotations"] = held

    return change


def endpoints(*subsets: dict[str, Any]) -> Break:
    """The Endpoints as somebody made it by hand."""

    def change(on: SetUp) -> None:
        on.metadata, on.subsets, on.follows = {}, [*subsets], False

    return change


def subset(*addresses: str, port: int = 6379, name: str = "redis") -> dict[str, Any]:
    return {"addresses": [{"ip": one} for one in addresses], "ports": [{"name": name, "port": port}]}


def applied(on: SetUp) -> None:
    """The Endpoints is that of a manifest that somebody else applies."""
    on.metadata["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}


def not_mirrored(on: SetUp) -> None:
    """The label forbids it."""
    on.metadata["labels"] = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    on.mirrored = on.follows = False


def foreign_slice(on: SetUp) -> None:
    """One that a former selector left."""
    on.make()
    on.settle()
    on.mirrored = False
    labels = {"kubernetes.io/service-name": on.out.kind.service}
    port = {"name": on.protocol, "port": on.out.kind.target}
    entry = {"addresses": [on.ready[0]], "conditions": {"ready": True}}
    body = {"metadata": {"name": "left", "labels": labels}, "addressType": "IPv4", "endpoints": [entry]}
    on.create("/apis/discovery.k8s.io/v1 endpointslices", {**body, "ports": [port]})


def mirror_stands_still(on: SetUp) -> None:
    on.wait_account()
    on.mirrored = on.follows = False
    on.world.cluster.manager.freeze()


def policy(**rule: Any) -> Break:
    """A NetworkPolicy that selects Mooring's pod and lets it out by this rule alone."""

    def change(on: SetUp) -> None:
        body = {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Egress"], "egress": [rule]}
        on.create("/apis/networking.k8s.io/v1 networkpolicies", {"metadata": {"name": "out"}, "spec": body})

    return change


def lease(**fields: Any) -> Break:
    """Fields of the Lease."""

    def change(on: SetUp) -> None:
        assert on.lease is not None
        on.lease.update(fields)

    return change


def no_lease(on: SetUp) -> None:
    on.lease = None


def late_holder(on: SetUp) -> None:
    """It renews the Lease by a clock that is two hours slow."""
    assert on.lease is not None
    on.lease.update(leaseDurationSeconds=15, renewTime=moment(-7200))
    on.make()
    on.undo.enter_context(_renewing(on))


@contextlib.contextmanager
def _renewing(on: SetUp) -> Iterator[None]:
    place = f"/apis/coordination.k8s.io/v1/namespaces/{on.namespace}/leases/{LEASE}"
    ends = threading.Event()

    def renew() -> None:
        while not ends.wait(0.5):
            on.world.cluster.rest.patch(place, {"spec": {"renewTime": moment(-7200)}})

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def slow_clock(on: SetUp) -> None:
    """Ours, by an hour."""
    offset = on.folder / "offset"
    on.env.update(faked(offset))
    offset.write_text("+1h")


def proxy_stands_still(on: SetUp) -> None:
    """Before the Service is there: kube-proxy has no rule for it."""
    on.follows = False
    on.world.cluster.node.proxy.freeze()


def proxy_is_behind(on: SetUp) -> None:
    """It hands connections to a host that is published no more."""
    first, second = on.ready
    on.ready, on.not_ready = [first], [second]
    on.make()
    on.settle()
    on.follows = False
    on.world.cluster.node.proxy.freeze()
    on.ready, on.not_ready = [second], [first]
    on.publish()
