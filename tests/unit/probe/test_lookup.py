"""Lookups of a name, by real packets to name servers on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from lab.waiting import wait_until
from mooring.probe.lookup import LIFETIME_SECONDS, in_hosts_file, look_up, lookup
from support.nameserver import Nameserver, nameserver

NAME = "db3.example.com"
A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


@pytest.fixture
def server() -> Iterator[Nameserver]:
    with nameserver() as server:
        server.records[NAME] = ["10.20.0.13", "10.20.0.12"]
        yield server


def test_a_name_holds_all_its_addresses_of_both_families(server: Nameserver) -> None:
    """IPv4 and IPv6 alike, with the time for which they are good."""
    server.records[NAME].append("fd00::12")
    server.ttl = 7
    found = lookup(NAME, server.resolver)
    assert (found.addresses, found.ttl, found.why) == (("10.20.0.12", "10.20.0.13", "fd00::12"), 7.0, "")


def test_a_name_of_one_family_is_no_failure(server: Nameserver) -> None:
    """A name may have IPv6 addresses only."""
    server.records[NAME] = ["fd00::12"]
    found = lookup(NAME, server.resolver)
    assert (found.addresses, found.unknown) == (("fd00::12",), frozenset())


@pytest.mark.parametrize(("family", "left", "unknown"), [(AAAA, "10.20.0.12", 6), (A, "fd00::12", 4)])
@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP])
def test_one_family_that_fails_does_not_hide_the_other(
    server: Nameserver, family: dns.rdatatype.RdataType, left: str, unknown: int, code: dns.rcode.Rcode
) -> None:
    """Old load balancers and firewalls answer AAAA with an error."""
    server.records[NAME] = ["10.20.0.12", "fd00::12"]
    server.fails = {family: code}
    found = lookup(NAME, server.resolver)
    assert (found.addresses, found.unknown) == ((left,), frozenset({unknown}))


def test_the_second_name_server_is_asked_within_the_lookup(server: Nameserver) -> None:
    """Where the first is dead: silent, or nobody listens there."""
    with nameserver() as dead:
        dead.silent = True
        for first in (dead.port, 1):

            def make(first: int = first) -> dns.resolver.Resolver:
                resolver = dns.resolver.Resolver(configure=False)
                resolver.nameservers = [
                    dns.nameserver.Do53Nameserver("127.0.0.1", first),
                    dns.nameserver.Do53Nameserver("127.0.0.1", server.port),
                ]
                return resolver

            assert lookup(NAME, make).addresses == ("10.20.0.12", "10.20.0.13")


def test_why_a_name_has_no_address(server: Nameserver) -> None:
    """No such name, a name without addresses, an error, no answer, no name server: each in words of its own."""
    server.records["empty.example.com"] = []
    assert lookup("nobody.example.com", server.resolver).why == "no such name"
    assert lookup("empty.example.com", server.resolver).why == "the name has no address"
    server.fails = {A: dns.rcode.SERVFAIL, AAAA: dns.rcode.SERVFAIL}
    assert lookup(NAME, server.resolver).why == "the name server gives SERVFAIL"
    assert lookup(NAME, lambda: dns.resolver.Resolver(configure=False)).why == "no name server is configured"

    def none() -> dns.resolver.Resolver:
        raise dns.resolver.NoResolverConfiguration

    assert lookup(NAME, none).why == "no name server is configured"


def test_a_silent_name_server_takes_its_lifetime_and_no_more(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lookup has a total deadline."""
    monkeypatch.setattr("mooring.probe.lookup.LIFETIME_SECONDS", LIFETIME_SECONDS)
    server.silent = True
    begun = time.monotonic()
    assert lookup(NAME, server.resolver).why == "no name server answers in time"
    assert LIFETIME_SECONDS * 0.5 < time.monotonic() - begun < LIFETIME_SECONDS + 20.0
    wait_until(lambda: server.asked.count(NAME) >= 4, 5, "packets that are lost to be sent again")


def test_a_lost_packet_costs_no_lookup(server: Nameserver) -> None:
    """The same name server is asked once more within the lookup."""
    server.silent = True

    async def looked() -> tuple[str, ...]:
        looking = asyncio.create_task(look_up(NAME, server.resolver))
        await asyncio.sleep(0.3)
        server.silent = False
        return (await looking).addresses

    assert asyncio.run(looked()) == ("10.20.0.12", "10.20.0.13")


def test_the_hosts_file_is_asked_first(tmp_path: Path) -> None:
    """As the system does it: any of the names of a line, whatever their case; what is no address is passed over."""
    hosts = tmp_path / "hosts"
    hosts.write_text("# 10.9.9.9 db3\n10.20.0.13 DB3.example.com db3 # a comment\nfd00::13\tdb3\n300.1.1.1 db3\n\n")
    assert in_hosts_file("db3", str(hosts)) == ("10.20.0.13", "fd00::13")
    assert in_hosts_file("db3.example.com.", str(hosts)) == ("10.20.0.13",)
    assert in_hosts_file("db4", str(hosts)) == in_hosts_file("db3", str(tmp_path / "absent")) == ()

    def nobody() -> dns.resolver.Resolver:
        raise AssertionError("no name server is asked")

    assert asyncio.run(look_up("db3", nobody, str(hosts))).addresses == ("10.20.0.13", "fd00::13")
