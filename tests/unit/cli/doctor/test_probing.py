"""Every host and Sentinel is probed."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from lab.values import spec
from mooring.cli.doctor.probing import probe_all, with_ports
from mooring.cluster.manifest import facts
from mooring.cluster.snapshot import Snapshot
from mooring.model.objects import StoredObjects
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, PrimaryQuorum, ServiceKey
from mooring.model.targets import Target
from mooring.protocols.tcp.options import TcpOptions
from support.cluster_objects import service

KEY = ServiceKey("shop", "db")


def probe(target: Target) -> Observation:
    return Observation(Reason.OK if target.address.endswith("1") else Reason.REFUSED)


def test_each_host_is_judged_by_one_answer() -> None:
    """Also one that two Services list; a Sentinel is asked beside them."""
    quorum = PrimaryQuorum("redis", TcpOptions(), (("10.20.0.31", 26379),))
    both = spec("10.20.0.11", "10.20.0.12")
    other = replace(spec("10.20.0.11", key=KEY), check=replace(both.check, quorum=quorum))
    found = probe_all([both, other], (), probe)
    assert {target.address for target in found.seen} == {"10.20.0.11", "10.20.0.12", "10.20.0.31"}
    (first, second) = sorted(found.views, key=lambda view: view.spec.key)
    assert [state.outcome and state.outcome.reason for _, state in first.hosts] == [Reason.OK, Reason.REFUSED]
    assert [member.address for member, _ in second.hosts] == ["10.20.0.11"]


def test_what_may_not_be_published_is_not_asked() -> None:
    """By `--allowed-cidrs`."""
    found = probe_all([spec("10.20.0.11", "10.99.0.1")], (ip_network("10.20.0.0/16"),), probe)
    assert {target.address for target in found.seen} == {"10.20.0.11"}


@pytest.mark.parametrize(
    ("held", "ports"),
    [
        (Snapshot(KEY, facts(service("db", {"port": 3366, "targetPort": 3307})), StoredObjects()), [3307]),
        (Snapshot(KEY, None, StoredObjects()), [3306]),
        (Snapshot(KEY, facts(service("db", selector={"a": "b"})), StoredObjects()), [3306]),
        (None, [3306]),
    ],
    ids=["of-the-service", "no-service", "refused", "no-cluster"],
)
def test_without_ports_the_cluster_says_which(held: Snapshot | None, ports: list[int]) -> None:
    """Where it cannot, the protocol's own."""
    bare = replace(spec("10.20.0.11", key=KEY), ports=())
    found = with_ports(replace(bare, check=replace(bare.check, protocol="mysql")), held)
    assert found is not None
    assert [port.port for port in found.ports] == ports


def test_where_nobody_knows_the_port_nothing_is_asked() -> None:
    """As `tcp` without ports, and without a cluster. Each host may have its own."""
    bare = replace(spec("10.20.0.11"), ports=())
    assert with_ports(bare, None) is None
    own = replace(bare, hosts=(HostSpec("a", "10.20.0.11", probe_port=25),))
    assert with_ports(own, None) is own
    assert with_ports(spec("10.20.0.11"), None) == spec("10.20.0.11")
