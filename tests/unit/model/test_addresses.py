"""Which addresses are refused, and in which order the rest stand."""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.model.addresses import AddressPolicy, canonical, forbidden, parse, sort_key, unusable

SPELLINGS = {
    "10.20.0.11": "10.20.0.11",
    "FD00:20:0::1": "fd00:20::1",
    "2001:db8:0:0:0:0:0:1": "2001:db8::1",
}
NO_ADDRESSES = (
    "",
    " 10.20.0.11",
    "10.20.0.011",
    "10.20.0",
    "10.20.0.11/32",
    "10.20.0.11:3306",
    "::ffff:10.20.0.11",
    "::ffff:a14:b",
    "fe80::1%eth0",
    "[fd00::1]",
    "db.example.com",
    "\u0661\u0660.20.0.11",
)
REFUSED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "169.254.169.254": "link-local",
    "fe80::1": "link-local",
    "224.0.0.1": "multicast",
    "239.1.2.3": "multicast",
    "ff02::1": "multicast",
    "0.0.0.0": "unspecified",
    "::": "unspecified",
}
ALLOWED = (ip_network("10.20.0.0/24"), ip_network("fd00:20::/64"))


@pytest.mark.parametrize(("text", "spelling"), SPELLINGS.items())
def test_equal_addresses_have_one_spelling(text: str, spelling: str) -> None:
    """However an address is written, it is published in its canonical form."""
    assert str(parse(text)) == spelling
    assert canonical(text) == spelling


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_plain_address_is_none(text: str) -> None:
    """Mapped addresses, zone ids, networks, ports and odd digits are not taken for an address."""
    assert parse(text) is None
    assert forbidden(text, ()) == "is not an IP address"


@pytest.mark.parametrize(("address", "kind"), REFUSED.items())
@pytest.mark.parametrize("allowed", [(), (ip_network("0.0.0.0/0"), ip_network("::/0"))], ids=["unset", "everything"])
def test_addresses_without_a_host_are_always_refused(address: str, kind: str, allowed: tuple[object, ...]) -> None:
    """Loopback, link-local, multicast and unspecified addresses are refused whatever is allowed."""
    why = forbidden(address, allowed)  # type: ignore[arg-type] # the two tables above
    assert why is not None
    assert kind in why


@pytest.mark.parametrize("address", ["10.20.0.11", "192.168.1.1", "203.0.113.9", "2001:db8::1", "fd00::1"])
def test_without_cidrs_every_unicast_address_is_allowed(address: str) -> None:
    """An installation that names no CIDRs may publish private and public addresses."""
    assert forbidden(address, ()) is None


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.20.0.255", True), ("10.20.1.0", False), ("fd00:20::ffff", True), ("fd00:21::1", False)],
)
def test_cidrs_bound_what_is_published(address: str, inside: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Only addresses inside the allowed CIDRs are published, each family by its own."""
    why = forbidden(address, ALLOWED)
    assert why is None if inside else why == "is outside the allowed CIDRs (10.20.0.0/24, fd00:20::/64)"


def test_a_forbidden_kind_is_named_before_the_cidrs() -> None:
    """A loopback address is told as such, though it also lies outside the CIDRs."""
    assert "loopback" in str(forbidden("127.0.0.1", ALLOWED))


def test_loopback_may_be_probed_where_it_is_this_host() -> None:
    """A probe of this machine is refused only where it is not asked for."""
    assert unusable(ip_address("127.0.0.1"), loopback=True) is None
    assert unusable(ip_address("127.0.0.1")) is not None
    assert unusable(ip_address("169.254.0.1"), loopback=True) is not None


def test_addresses_stand_by_family_and_number() -> None:
    """Lists read as people count: IPv4 before IPv6, .9 before .10; what is no address comes last."""
    ordered = ["9.0.0.1", "10.20.0.9", "10.20.0.10", "::2", "fd00::9", "fd00::10", "what"]
    mixed = random.Random(7).sample(ordered, len(ordered))
    assert sorted(mixed, key=sort_key) == ordered


@given(st.lists(st.one_of(st.ip_addresses().map(str), st.text()), unique=True))
def test_the_order_is_total(addresses: list[str]) -> None:
    """Any two lists of the same addresses sort to the same list, so an unchanged object is never written."""
    backwards = list(reversed(addresses))
    assert sorted(addresses, key=sort_key) == sorted(backwards, key=sort_key)


@given(st.text())
def test_no_text_breaks_the_rule(text: str) -> None:
    """Whatever a file says as an address is judged, never a crash."""
    why = forbidden(text, ALLOWED)
    assert why is None or why


def test_a_policy_allows_everything_that_is_not_named() -> None:
    """The default policy has no CIDRs and lets a daemon probe its own machine."""
    assert AddressPolicy() == AddressPolicy(allowed=(), loopback_probes=True)
