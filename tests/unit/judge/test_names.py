"""What other servers may call the hosts of a Service."""

from __future__ import annotations

from dataclasses import replace

from lab.values import spec
from mooring.judge.members import members
from mooring.judge.names import host_names, names_of
from mooring.model.spec import HostSpec, ServiceSpec

A, B, NAT = "10.20.0.11", "10.20.0.12", "10.99.0.1"
NAME = "db.example.com"


def named(*hosts: HostSpec) -> dict[str, str]:
    listed: ServiceSpec = replace(spec(), hosts=hosts)
    found = members(listed, {NAME: (A, B)}, ()).members
    names = host_names(found, listed.ports)
    assert set(names) <= names_of(found, listed.ports)
    return names


def test_a_host_bears_each_of_its_names_with_each_of_its_ports() -> None:
    """A host published at one address and port and probed at another: any pair of these means this host."""
    names = named(HostSpec("db1", A, NAT, 13306))
    assert names == {f"{name}:{port}": A for name in ("db1", A, NAT) for port in (3306, 13306)}


def test_an_ipv6_address_is_named_in_brackets() -> None:
    """An IPv6 address stands in brackets, as servers report it."""
    assert "[fd00::1]:3306" in named(HostSpec("db1", "fd00::1"))


def test_behind_one_address_the_probed_port_says_which_host_is_meant() -> None:
    """Two hosts behind one mapped address: a pair that both might bear means nobody."""
    names = named(HostSpec("db1", A, NAT, 7001), HostSpec("db2", B, NAT, 7002))
    assert (names[f"{NAT}:7001"], names[f"{NAT}:7002"]) == (A, B)
    assert names[f"{NAT}:3306"] == ""
    assert (names[f"{A}:3306"], names[f"{B}:7002"]) == (A, B)


def test_a_dns_name_with_several_addresses_means_none_of_them() -> None:
    """Each address alone means itself."""
    names = named(HostSpec(NAME, NAME))
    assert names == {f"{NAME}:3306": "", f"{A}:3306": A, f"{B}:3306": B}


def test_a_published_address_outweighs_a_name_that_another_host_might_bear() -> None:
    """A host that is probed through another listed host does not take that one's name."""
    names = named(HostSpec("db1", A, B, 13306), HostSpec("db2", B))
    assert (names[f"{B}:3306"], names[f"{B}:13306"]) == (B, A)
