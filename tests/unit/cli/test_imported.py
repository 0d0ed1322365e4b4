"""What a file says of a Service that is in the cluster already."""

from __future__ import annotations

from typing import Any

import pytest

from mooring.cli.imported import Imported, ImportedHost, imported
from mooring.cluster.manifest import facts, parse
from mooring.cluster.slice_manifest import parse_slice
from mooring.model.objects import MIRROR, Refusal, StoredObjects
from mooring.model.spec import Port, Publish, ServiceKey
from support.cluster_objects import endpoint_slice, endpoints, service, subset

KEY = ServiceKey("shop", "db")
MANAGED: dict[str, Any] = {"labels": {"app.kubernetes.io/managed-by": "mooring"}}
NAMED = {"metrics": 9104, "mysql": 3306}


def found(of: Any = None, *objects: Any) -> Imported | Refusal:
    stored = [one for one in objects if one["kind"] == "Endpoints"]
    slices = tuple(parse_slice(one, "7") for one in objects if one["kind"] == "EndpointSlice")
    held = parse(KEY, stored[0], "7") if stored else None
    return imported(KEY, facts(of) if of else None, StoredObjects(held, slices))


def made(of: Any, *objects: Any) -> Imported:
    one = found(of, *objects)
    assert isinstance(one, Imported), one.why
    return one


def hosts(of: Imported) -> list[str]:
    return [host.address + " out" * host.maintenance for host in of.hosts]


def test_the_service_of_the_walk() -> None:
    """One port without a name, another number outside than on the host, one address."""
    walk = service("db", {"port": 3366, "targetPort": 3306, "protocol": "TCP"})
    one = made(walk, endpoints("db", subset("10.20.0.11")), endpoint_slice("db-1", "db", "10.20.0.11", keeper=MIRROR))
    assert one.hosts == (ImportedHost("10.20.0.11"),)
    assert one.ports == (Port("", 3306),)
    assert (one.protocol, one.publish) == ("mysql", Publish.ENDPOINTS)
    assert [sentence.partition(":")[0] for sentence in one.unknown] == [
        "the protocol",
        "the account and the password file",
    ]


@pytest.mark.parametrize(
    ("of", "objects", "why"),
    [
        (None, (), "there is no such Service"),
        (service("db", selector={"app": "db"}), (endpoints("db", subset("10.20.0.11")),), "has a selector"),
        (service("db", type="ExternalName"), (), "of type ExternalName"),
        (service("db"), (), "no host to write"),
        (service("db"), (endpoints("db", subset(ports=())),), "no host to write"),
    ],
    ids=["missing", "selector", "external-name", "no-objects", "empty"],
)
def test_what_cannot_be_imported_says_why(of: Any, objects: tuple[Any, ...], why: str) -> None:
    """Mooring would refuse it as well, or has nothing to write."""
    refused = found(of, *objects)
    assert isinstance(refused, Refusal)
    assert why in refused.why


def test_a_host_that_is_not_ready_stays_out() -> None:
    """Somebody took it out by hand: Mooring does not put it back unasked. Where Mooring did, it judges on."""
    by_hand = made(service(), endpoints("db", subset("10.20.0.11", out=("10.20.0.12",))))
    assert hosts(by_hand) == ["10.20.0.11", "10.20.0.12 out"]
    assert any("10.20.0.12" in sentence and "maintenance" in sentence for sentence in by_hand.unknown)
    kept = made(service(), endpoints("db", subset("10.20.0.11", out=("10.20.0.12",)), **MANAGED))
    assert hosts(kept) == ["10.20.0.11", "10.20.0.12"]


@pytest.mark.parametrize(
    ("number", "protocol"), [(3306, "mysql"), (6379, "redis"), (5432, "tcp")], ids=["mysql", "redis", "other"]
)
def test_the_protocol_is_guessed_by_the_port(number: int, protocol: str) -> None:
    """And it says so; of an unknown port `tcp` shows that something listens."""
    one = made(
        service("db", {"port": number, "protocol": "TCP"}),
        endpoints("db", subset("10.20.0.11", ports=({"port": number},))),
    )
    assert one.protocol == protocol


def test_another_number_on_the_host_is_guessed_by_that_of_the_service() -> None:
    """A database that listens elsewhere is still called by its usual port."""
    other = service("db", {"port": 6379, "targetPort": 16379, "protocol": "TCP"})
    one = made(other, endpoints("db", subset("10.20.0.11", ports=({"port": 16379},))))
    assert (one.protocol, one.ports) == ("redis", (Port("", 16379),))


def test_of_several_ports_the_known_one_is_probed() -> None:
    """All are published; the first of the file is the one that is asked."""
    ports = [{"name": name, "port": number, "protocol": "TCP"} for name, number in NAMED.items()]
    one = made(service("db", *ports), endpoints("db", subset("10.20.0.11", ports=tuple(ports))))
    assert one.protocol == "mysql"
    assert one.ports == (Port("mysql", 3306), Port("metrics", 9104))


def test_names_of_ports_that_differ_are_reported() -> None:
    """kube-proxy goes by the name: such an object gets no traffic today."""
    one = made(
        service("db", {"name": "mysql", "port": 3306}),
        endpoints("db", subset("10.20.0.11", ports=({"name": "sql", "port": 3307},))),
    )
    assert one.ports == (Port("mysql", 3307),)
    assert any("'mysql'" in sentence and "'sql'" in sentence for sentence in one.unknown)


def test_a_target_port_by_name_is_reported() -> None:
    """Only pods have names of ports."""
    one = made(
        service("db", {"name": "mysql", "port": 3306, "targetPort": "sql"}),
        endpoint_slice("mine", "db", "10.20.0.11", ports=[]),
    )
    assert any("targetPort is the name 'sql'" in sentence for sentence in one.unknown)


def test_subsets_of_different_ports_are_reported() -> None:
    """Mooring publishes one list of ports."""
    two = endpoints("db", subset("10.20.0.11"), subset("10.20.0.12", ports=({"port": 3307},)))
    one = made(service(), two)
    assert hosts(one) == ["10.20.0.11", "10.20.0.12"]
    assert any("several subsets" in sentence for sentence in one.unknown)


def test_ipv6_is_imported_as_ipv4_is() -> None:
    """In Kubernetes' spelling of it; where both stand, nobody knows which are of one machine."""
    one = made(service(), endpoints("db", subset("fd00:0::B", "10.20.0.11")))
    assert hosts(one) == ["10.20.0.11", "fd00::b"]
    assert any("one machine" in sentence for sentence in one.unknown)


def test_names_of_hosts_are_taken_over_where_they_differ() -> None:
    """From `hostname` of the addresses."""
    named = endpoints(
        "db", {"addresses": [{"ip": f"10.20.0.{n}", "hostname": name} for n, name in ((11, "a"), (12, "b"))]}
    )
    assert [host.name for host in made(service(), named).hosts] == ["a", "b"]
    same = endpoints("db", {"addresses": [{"ip": f"10.20.0.{n}", "hostname": "a"} for n in (11, 12)]})
    assert [host.name for host in made(service(), same).hosts] == ["", ""]


def test_slices_of_somebody_else_are_all_there_is() -> None:
    """They are imported, and the file publishes slices; that both would get traffic is said."""
    one = made(service(), endpoint_slice("by-hand", "db", "10.20.0.11", zone="a"))
    assert hosts(one) == ["10.20.0.11"]
    assert one.publish is Publish.SLICES
    assert any("by-hand" in sentence for sentence in one.unknown)


@pytest.mark.parametrize(
    ("objects", "publish"),
    [
        ((endpoint_slice("db-m", "db", "10.20.0.11", keeper="mooring"),), Publish.SLICES),
        (
            (
                endpoint_slice("db-m", "db", "10.20.0.11", keeper="mooring"),
                endpoints("db", subset("10.20.0.11"), labels={"endpointslice.kubernetes.io/skip-mirror": "true"}),
            ),
            Publish.BOTH,
        ),
    ],
    ids=["slices", "both"],
)
def test_what_mooring_publishes_stays_published_so(objects: tuple[Any, ...], publish: Publish) -> None:
    """A lost file can be made again from the cluster."""
    assert made(service(), *objects).publish is publish


def test_a_name_that_mooring_noted_stands_in_place_of_its_addresses() -> None:
    """A lost file listed the DNS name, not what it held on that day."""
    noted = {"mooring/state": '{"hosts": {"10.20.0.11": "db.example.com", "10.20.0.12": "db.example.com"}}'}
    one = made(service(), endpoints("db", subset("10.20.0.11", "10.20.0.12"), annotations=noted))
    assert hosts(one) == ["db.example.com"]


def test_who_else_keeps_the_object_is_named() -> None:
    """Otherwise its next sync undoes what Mooring writes."""
    kept: dict[str, Any] = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}
    one = made(service(), endpoints("db", subset("10.20.0.11"), **kept))
    assert any("kubectl apply keeps the Endpoints too" in sentence for sentence in one.unknown)


def test_an_address_that_no_file_may_have_is_left_out() -> None:
    """With the way out."""
    one = made(service(), endpoints("db", subset("10.20.0.11", "169.254.0.1")))
    assert hosts(one) == ["10.20.0.11"]
    assert any("169.254.0.1 is left out" in sentence and "replace" in sentence for sentence in one.unknown)


def test_a_port_that_is_not_tcp_is_reported() -> None:
    """Mooring asks by TCP."""
    udp = service("db", {"port": 53, "protocol": "UDP"})
    one = made(udp, endpoints("db", subset("10.20.0.11", ports=({"port": 53, "protocol": "UDP"},))))
    assert any("UDP" in sentence for sentence in one.unknown)


def test_slices_that_may_not_be_read_are_reported() -> None:
    """What stands there is not known."""
    held = parse(KEY, endpoints("db", subset("10.20.0.11")), "7")
    one = imported(KEY, facts(service()), StoredObjects(held, hidden=True))
    assert isinstance(one, Imported)
    assert any("EndpointSlices" in sentence for sentence in one.unknown)
