"""DNS names: what they hold, and the members that hosts stand for."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.values import KEY, spec
from mooring.judge.members import MISSES, MOST_ADDRESSES, NameRecord, members, update
from mooring.model.events import AddressLeftOut
from mooring.model.spec import HostSpec, ServiceSpec
from mooring.model.targets import Member
from mooring.protocols.mysql.options import MysqlOptions

A, B, C = "10.20.0.9", "10.20.0.11", "10.20.0.12"
NAME = "db.example.com"


def after(*answers: tuple[str, ...] | None) -> NameRecord:
    held = NameRecord()
    for answer in answers:
        held = update(held, answer)
    return held


@pytest.mark.parametrize(
    ("answers", "held"),
    [
        pytest.param([(B, A)], (A, B), id="sorted as numbers"),
        pytest.param([(A,), (A, B)], (A, B), id="a new one enters at once"),
        pytest.param([(A,), None, None, None, None], (A,), id="failed lookups keep the set"),
        pytest.param([(A,), (), (), (), ()], (A,), id="empty answers keep the set"),
        pytest.param([(A, B), (A,), (A,)], (A, B), id="two misses keep"),
        pytest.param([(A, B), (A,), (A,), (A,)], (A,), id="the third miss ends it"),
        pytest.param([(A, B), (A,), None, (A,), (), (A,)], (A,), id="failed lookups are no misses"),
        pytest.param([(A, B), (A,), None, (A,), ()], (A, B), id="nor do they count as one"),
        pytest.param([(A, B), (A,), (A,), (B,), (A,), (A,)], (A, B), id="an answer ends the misses"),
        pytest.param([(A,), (B,), (B,), (B,)], (B,), id="a move"),
        pytest.param([(A, A)], (A,), id="named twice"),
        pytest.param([None], (), id="never resolved"),
    ],
)
def test_what_a_name_holds(answers: list[tuple[str, ...] | None], held: tuple[str, ...]) -> None:
    """New addresses count at once, old ones leave after three lookups without them, failures change nothing."""
    assert after(*answers).addresses == held


def test_a_name_is_bounded_and_keeps_who_is_there() -> None:
    """A name with very many addresses holds a bounded number, and new ones push out none that is held."""
    many = tuple(f"10.30.{n}.1" for n in range(MOST_ADDRESSES))
    held = after(many, ("10.20.0.1", *many))
    assert held.addresses == many


@given(st.lists(st.none() | st.sets(st.sampled_from([A, B, C])).map(tuple), max_size=20))
def test_an_address_stays_exactly_while_it_was_named_lately(answers: list[tuple[str, ...] | None]) -> None:
    """A record holds exactly the addresses of the last three successful lookups."""
    good = [answer for answer in answers if answer]
    assert set(after(*answers).addresses) == {address for answer in good[-MISSES:] for address in answer}


def service(*hosts: HostSpec) -> ServiceSpec:
    return replace(spec(), hosts=hosts)


def test_a_listed_address_is_one_member() -> None:
    """A host is probed with the check of its Service, at its address and the first port."""
    plain = HostSpec("db1", A, maintenance=True)
    (one,) = members(service(plain), {}, ()).members
    assert one == Member(KEY, A, one.target, service(plain).check, plain)
    assert (one.target.protocol, one.target.address, one.target.port, one.target.timeout) == ("tcp", A, 3306, 1.0)


def test_a_host_may_be_probed_elsewhere() -> None:
    """ProbeAddress and probePort say where to probe; published is the address."""
    (one,) = members(service(HostSpec("db1", A, "127.0.0.1", 3307)), {}, ()).members
    assert (one.address, one.target.address, one.target.port) == (A, "127.0.0.1", 3307)


def test_a_name_is_a_member_for_each_address_in_file_order() -> None:
    """Every IP of a name is a target of its own and bears the host's name."""
    hosts = service(HostSpec("z", C), HostSpec("db", NAME), HostSpec("lost", "lost.example.com"))
    expanded = members(hosts, {NAME: (A, B)}, ())
    assert [(one.host.name, one.address) for one in expanded.members] == [("z", C), ("db", A), ("db", B)]
    assert expanded.unresolved == (HostSpec("lost", "lost.example.com"),)
    assert expanded.left_out == ()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "is a loopback address, which is another machine for each client"),
        ("192.0.2.1", "is outside the allowed CIDRs (10.20.0.0/24)"),
        (C, "is listed already, as first"),
    ],
)
def test_an_address_that_may_not_be_published_is_left_out(address: str, why: str) -> None:
    """A name cannot bring in what the installation forbids, nor an address twice; the others of it still serve."""
    hosts = service(HostSpec("first", C), HostSpec("db", NAME))
    expanded = members(hosts, {NAME: (A, address)}, [ip_network("10.20.0.0/24")])
    assert [one.address for one in expanded.members] == [C, A]
    assert expanded.left_out == (AddressLeftOut(KEY, "db", address, why),)
    assert expanded.unresolved == ()


def test_a_host_without_an_allowed_address_is_reported() -> None:
    """A host whose every address is left out does not vanish from sight."""
    lost = HostSpec("db", NAME)
    assert members(service(lost), {NAME: ("127.0.0.1",)}, ()).unresolved == (lost,)


def test_a_host_without_a_port_waits_for_the_service() -> None:
    """Without ports in the file there is nothing to probe yet, save where the host says its probePort."""
    first = HostSpec("a", A)
    bare = replace(service(first, HostSpec("b", B, probe_port=3307)), ports=())
    expanded = members(bare, {}, ())
    assert [one.address for one in expanded.members] == [B]
    assert (expanded.unresolved, expanded.left_out, expanded.waiting) == ((first,), (), (first,))


@pytest.mark.parametrize(("held", "waiting"), [((), True), ((A,), False), (("127.0.0.1",), False)])
def test_a_service_waits_until_each_name_was_resolved_once(held: tuple[str, ...], *, waiting: bool) -> None:
    """Until then nobody knows whose a stored address is; a name that holds only what is forbidden is known."""
    assert bool(members(service(HostSpec("db", NAME)), {NAME: held}, ()).waiting) is waiting


def test_the_name_that_a_certificate_must_bear_goes_with_the_host() -> None:
    """Its own name, or else its DNS name; a host that is listed by its address has none."""
    plain = spec(A)
    options = MysqlOptions.model_validate({"user": "u", "tls": {}})
    hosts = (HostSpec("db1", NAME), HostSpec("db2", B), HostSpec("db3", C, server_name="db3.internal"))
    listed = replace(plain, check=replace(plain.check, protocol="mysql", options=options), hosts=hosts)
    named = [
        member.target.options.tls.server_name
        for member in members(listed, {NAME: (A,)}, ()).members
        if isinstance(member.target.options, MysqlOptions) and member.target.options.tls
    ]
    assert named == [NAME, None, "db3.internal"]
