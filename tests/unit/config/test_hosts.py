"""Addresses of hosts: what may be published, what may be probed, and each once."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mooring.config import AddressPolicy, parse
from mooring.config.hosts import canonical
from mooring.model.addresses import Address
from mooring.model.addresses import parse as parse_address
from mooring.model.errors import ConfigError

GOOD_NAMES = (
    "db",
    "DB3.Example.com",
    "db3.example.com.",
    "3com.example",
    "xn--bcher-kva.example",
    "1.2.3.4.example",
    "a" * 63 + ".example",
    ".".join(["a" * 49] * 5) + ".ab",
)


def problems(hosts: str, policy: AddressPolicy) -> tuple[str, ...]:
    data = f"version: 1\nservices: [{{name: db, check: {{tcp: {{}}}}, hosts: [{hosts}]}}]\n".encode()
    try:
        parse(data, "f", policy)
    except ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_dns_name_is_a_host(name: str) -> None:
    """Names by RFC 1123, in any case, with or without the last dot, up to 253 characters."""
    assert problems(f"'{name}'", AddressPolicy()) == ()


@pytest.mark.parametrize(
    ("address", "spelling"),
    [
        ("10.20.0.11", "10.20.0.11"),
        ("FD00:0::1", "fd00::1"),
        ("DB.Example.com.", "db.example.com"),
        ("db.example.com", "db.example.com"),
    ],
)
def test_equal_hosts_have_one_spelling(address: str, spelling: str) -> None:
    """Two ways to write one host are one host."""
    assert canonical(address) == spelling


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (AddressPolicy(), False),
        (AddressPolicy(loopback_probes=False), True),
        (AddressPolicy(allowed=(ip_network("10.20.0.0/16"),)), False),
    ],
    ids=["one daemon", "several daemons", "with CIDRs"],
)
def test_a_loopback_probe_is_refused_where_several_daemons_run(
    policy: AddressPolicy,
    refused: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    """Each daemon would probe its own machine; allowed CIDRs are about what is published."""
    assert bool(problems("{address: 10.20.0.11, probeAddress: 127.0.0.1}", policy)) is refused


def test_a_probe_address_lies_inside_the_probe_cidrs() -> None:
    """A probed host gets a password, so it must lie in the networks of the flags."""
    policy = AddressPolicy(allowed=(ip_network("10.20.0.0/16"),), probed=(ip_network("10.99.0.0/16"),))
    assert problems("{address: 10.20.0.11, probeAddress: 10.99.0.1}", policy) == ()
    for outside in ("192.0.2.1", "10.20.0.11", "fd00::1"):
        (problem,) = problems(f"{{address: 10.20.0.11, probeAddress: '{outside}'}}", policy)
        why = "is outside --probe-cidrs (10.99.0.0/16); nothing else may be probed"
        assert problem.endswith(f"services[0].hosts[0].probeAddress: {outside} {why}")
    assert len(problems("192.0.2.1", policy)) == 1
    anywhere = AddressPolicy(allowed=(ip_network("10.20.0.0/16"),))
    assert problems("{address: 10.20.0.11, probeAddress: 192.0.2.1}", anywhere) == ()


def test_loopback_lies_inside_any_probe_cidrs_where_one_daemon_runs() -> None:
    """Beside the database, 127.0.0.1 is the database."""
    policy = AddressPolicy(probed=(ip_network("10.99.0.0/16"),))
    assert problems("{address: 10.20.0.11, probeAddress: 127.0.0.1}", policy) == ()


def test_a_name_is_not_held_against_the_cidrs() -> None:
    """Its addresses are judged when they are looked up."""
    assert problems("db3.example.com", AddressPolicy(allowed=(ip_network("10.20.0.0/16"),))) == ()


def test_two_hosts_may_be_probed_at_one_address() -> None:
    """Two ports of one machine are two hosts behind their published addresses."""
    text = "{address: 10.20.0.11, probeAddress: 10.9.0.1, probePort: 1}, {address: 10.20.0.12, probeAddress: 10.9.0.1}"
    assert problems(text, AddressPolicy()) == ()


@given(st.ip_addresses())
def test_one_address_twice_is_always_found(address: Address) -> None:
    """An address that is listed twice is reported, also in another spelling."""
    assume(parse_address(str(address)))
    found = problems(f"'{address}', '{address.exploded.upper()}'", AddressPolicy())
    assert any("already" in problem for problem in found)
