"""Names, by real packets to a name server on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import dns.resolver
import pytest

from ground.nameserver import Nameserver, nameserver
from ground.waiting import wait_until
from mooring.resolve import LIFETIME_SECONDS, Names, lookup

NAME = "db3.example.com"


@pytest.fixture
def server() -> Iterator[Nameserver]:
    with nameserver() as server:
        server.records[NAME] = ["10.20.0.13", "10.20.0.12"]
        yield server


class Told:
    """Names that ask the server, and how often they changed."""

    def __init__(self, server: Nameserver) -> None:
        self.changes = 0
        self.names = Names([NAME], self._count, partial(lookup, make=server.resolver))

    def _count(self) -> None:
        self.changes += 1

    def held(self) -> tuple[str, ...]:
        return self.names.addresses()[NAME]


def test_a_name_holds_all_its_addresses_of_both_families(server: Nameserver) -> None:
    """IPv4 and IPv6 alike."""
    server.records[NAME].append("fd00::12")
    assert lookup(NAME, server.resolver) == ("10.20.0.12", "10.20.0.13", "fd00::12")


def test_a_name_of_one_family_is_no_failure(server: Nameserver) -> None:
    """A name with IPv6 addresses only is as good."""
    server.records[NAME] = ["fd00::12"]
    assert lookup(NAME, server.resolver) == ("fd00::12",)


def test_a_name_that_does_not_exist_is_a_failed_lookup(server: Nameserver) -> None:
    """No such name, or none with an address: nothing is known."""
    assert lookup("nobody.example.com", server.resolver) is None
    server.records["empty.example.com"] = []
    assert lookup("empty.example.com", server.resolver) is None


def test_a_silent_name_server_takes_its_lifetime_and_no_more(server: Nameserver) -> None:
    """A lookup has a total deadline."""
    server.silent = True
    begun = time.monotonic()
    assert lookup(NAME, server.resolver) is None
    assert LIFETIME_SECONDS * 0.5 < time.monotonic() - begun < LIFETIME_SECONDS + 1.0


def test_without_a_configured_resolver_a_lookup_fails_and_nothing_breaks() -> None:
    """A machine with no resolv.conf has no names, and says so by a failed lookup."""

    def none() -> dns.resolver.Resolver:
        raise dns.resolver.NoResolverConfiguration

    assert lookup(NAME, none) is None


def test_a_change_is_told_once(server: Nameserver) -> None:
    """New addresses are news; the same ones again are not."""
    told = Told(server)
    assert told.held() == ()
    for _ in range(3):
        told.names.learn(NAME)
    assert (told.held(), told.changes) == (("10.20.0.12", "10.20.0.13"), 1)
    server.records[NAME].append("10.20.0.14")
    told.names.learn(NAME)
    assert (len(told.held()), told.changes) == (3, 2)


def test_a_failed_lookup_keeps_what_was_held(server: Nameserver) -> None:
    """A name server that forgot the name costs no host its place."""
    told = Told(server)
    told.names.learn(NAME)
    del server.records[NAME]
    for _ in range(5):
        told.names.learn(NAME)
    assert told.held() == ("10.20.0.12", "10.20.0.13")


def test_an_address_leaves_after_three_lookups_without_it(server: Nameserver) -> None:
    """One answer that lacks an address is not enough to remove it."""
    told = Told(server)
    told.names.learn(NAME)
    server.records[NAME] = ["10.20.0.13"]
    for _ in range(2):
        told.names.learn(NAME)
        assert told.held() == ("10.20.0.12", "10.20.0.13")
    told.names.learn(NAME)
    assert told.held() == ("10.20.0.13",)


def test_every_name_looked_up_once_is_told(server: Nameserver) -> None:
    """A start may wait for its names, found or not, and not longer."""
    told = Told(server)
    assert not told.names.looked.is_set()
    server.records.clear()
    told.names.learn(NAME)
    assert told.names.looked.is_set()


def test_names_come_and_go_with_the_file(server: Nameserver) -> None:
    """A known name keeps what it holds, a new one is looked up at once, one that left costs nothing and is no news."""
    told = Told(server)
    told.names.learn(NAME)
    server.records["db4.example.com"] = ["10.20.0.14"]
    told.names.replace([NAME, "db4.example.com"])
    wait_until(lambda: told.names.addresses()["db4.example.com"], 5, "the new name")
    assert told.held() == ("10.20.0.12", "10.20.0.13")
    told.names.replace([])
    changes = told.changes
    told.names.learn(NAME)
    assert (told.names.addresses(), told.changes) == ({}, changes)


def test_refreshing_asks_in_the_background_and_never_twice_at_a_time(server: Nameserver) -> None:
    """A slow name server gets no second question about a name while the first is open."""
    told = Told(server)
    server.silent = True
    for _ in range(5):
        told.names.refresh()
    wait_until(lambda: server.asked, 5, "the question")
    server.silent = False

    def answered() -> bool:
        told.names.refresh()
        return told.changes == 1

    wait_until(answered, 10, "the answer")
    assert told.held() == ("10.20.0.12", "10.20.0.13")
