"""What names hold over many lookups, by real packets to a name server on loopback, or by answers of a given age."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.probe.lookup import Lookup, look_up
from mooring.probe.resolve import LOOKUP_SECONDS, MISS_SECONDS, Names
from support.nameserver import Nameserver, nameserver

NAME = "db3.example.com"


@pytest.fixture
def server() -> Iterator[Nameserver]:
    with nameserver() as server:
        server.records[NAME] = ["10.20.0.13", "10.20.0.12"]
        yield server


class Told:
    """Names that ask the server, and how often they changed."""

    def __init__(self, server: Nameserver) -> None:
        self.changes, self.now = 0, 1000.0
        self.names = Names([NAME], self._count, partial(look_up, make=server.resolver), Clocks(lambda: self.now))

    def learn(self) -> None:
        """As five seconds later."""
        self.now += 5.0
        self.names.learn(NAME)

    def _count(self) -> None:
        self.changes += 1

    def held(self) -> tuple[str, ...]:
        return self.names.addresses()[NAME]


def test_a_change_is_reported_once(server: Nameserver) -> None:
    """New addresses are a change; the same ones again are not."""
    told = Told(server)
    assert told.held() == ()
    for _ in range(3):
        told.learn()
    assert (told.held(), told.changes) == (("10.20.0.12", "10.20.0.13"), 1)
    server.records[NAME].append("10.20.0.14")
    told.learn()
    assert (len(told.held()), told.changes) == (3, 2)


def test_a_failed_lookup_keeps_what_was_held(server: Nameserver) -> None:
    """A name server that forgot the name costs no host its place."""
    told = Told(server)
    told.learn()
    del server.records[NAME]
    for _ in range(5):
        told.learn()
    assert told.held() == ("10.20.0.12", "10.20.0.13")


def test_an_address_leaves_after_three_lookups_without_it(server: Nameserver) -> None:
    """One answer that lacks an address is not enough to remove it."""
    told = Told(server)
    told.learn()
    server.records[NAME] = ["10.20.0.13"]
    for _ in range(2):
        told.learn()
        assert told.held() == ("10.20.0.12", "10.20.0.13")
    told.learn()
    assert told.held() == ("10.20.0.13",)


def test_every_name_looked_up_once_is_reported(server: Nameserver) -> None:
    """A start may wait for its names, found or not, and not longer."""
    told = Told(server)
    assert not told.names.looked.is_set()
    server.records.clear()
    told.learn()
    assert told.names.looked.is_set()


def test_names_come_and_go_with_the_file(server: Nameserver) -> None:
    """A known name keeps its addresses, a new one is looked up at once, one that left is not looked up any more."""
    told = Told(server)
    told.learn()
    server.records["db4.example.com"] = ["10.20.0.14"]
    told.names.replace([NAME, "db4.example.com"])
    wait_until(lambda: told.names.addresses()["db4.example.com"], 5, "the new name")
    wait_until(lambda: told.changes == 2, 5, "the news")
    assert told.held() == ("10.20.0.12", "10.20.0.13")
    told.names.replace([])
    changes = told.changes
    told.learn()
    assert (told.names.addresses(), told.changes) == ({}, changes)


class Aged:
    """Names at a time that the test sets, with the answers that it gives."""

    def __init__(self) -> None:
        self.now, self.answer, self.asked = 1000.0, Lookup(("10.20.0.11",), 60.0), 0
        self.names = Names([NAME], lambda: None, self._look, Clocks(lambda: self.now))

    async def _look(self, _: str) -> Lookup:
        self.asked += 1
        return self.answer

    def learn(self, answer: Lookup, *, after: float = 5.0) -> tuple[str, ...]:
        self.now, self.answer = self.now + after, answer
        self.names.learn(NAME)
        return self.names.addresses()[NAME]


def test_a_cached_answer_counts_a_miss_once() -> None:
    """An answer whose TTL ends when the last one's does is the same answer; each 30 s it counts all the same."""
    aged, gone = Aged(), "10.20.0.11"
    aged.learn(aged.answer)
    for passed in range(0, 25, 5):  # the resolver's cached answer, five times
        assert gone in aged.learn(Lookup(("10.20.0.12",), 600.0 - passed))
    assert gone in aged.learn(Lookup(("10.20.0.12",), 570.0), after=MISS_SECONDS - 20)
    assert gone not in aged.learn(Lookup(("10.20.0.12",), 540.0), after=MISS_SECONDS)


def test_each_new_answer_counts_a_miss() -> None:
    """A TTL that begins anew, or none, is a word of the zone itself."""
    for ttl in (0.0, 5.0, None):
        aged = Aged()
        aged.learn(Lookup(("10.20.0.11",), ttl))
        held = [aged.learn(Lookup(("10.20.0.12",), ttl)) for _ in range(3)]
        assert [len(one) for one in held] == [2, 2, 1]


def test_a_family_that_fails_misses_nobody() -> None:
    """Where only AAAA cannot be found out, the IPv6 addresses that were known stay."""
    aged = Aged()
    aged.learn(Lookup(("10.20.0.11", "fd00::11"), 0.0))
    for _ in range(5):
        held = aged.learn(Lookup(("10.20.0.11",), 0.0, unknown=frozenset({6})))
    assert held == ("10.20.0.11", "fd00::11")


@pytest.mark.parametrize(("ttl", "seconds"), [(60.0, LOOKUP_SECONDS), (None, LOOKUP_SECONDS), (3.0, 3.0), (0.0, 1.0)])
def test_a_name_is_due_after_its_ttl_or_five_seconds(ttl: float | None, seconds: float) -> None:
    """Whichever is less, and never more than once a second."""
    aged = Aged()
    aged.learn(Lookup(("10.20.0.11",), ttl))
    asked = aged.asked
    aged.now += seconds - 0.01
    aged.names.refresh()
    assert aged.names._busy == set()
    aged.now += 0.02
    aged.names.refresh()
    wait_until(lambda: aged.asked == asked + 1, 10, "the lookup")


def test_the_reason_of_a_name_without_an_address_is_known() -> None:
    """Until it has one."""
    aged = Aged()
    assert aged.names.reasons() == {NAME: "was not looked up yet"}
    aged.learn(Lookup(why="no such name"))
    assert aged.names.reasons() == {NAME: "no such name"}
    aged.learn(Lookup(("10.20.0.11",), 5.0))
    assert aged.names.reasons() == {}


def test_a_lookup_that_hangs_delays_no_other_name() -> None:
    """However many hang, for as long as the test lasts."""
    released = threading.Event()
    slow = [f"slow-{number}.example.com" for number in range(20)]

    async def look(name: str) -> Lookup:
        if name in slow:
            await asyncio.to_thread(released.wait, 100)
        return Lookup(("10.20.0.11",), 5.0)

    names = Names([*slow, NAME], lambda: None, look)
    names.refresh()
    wait_until(lambda: names.addresses()[NAME], 10, "the sound name")
    assert not any(names.addresses()[name] for name in slow)
    names.replace([*slow, NAME, "new.example.com"])
    wait_until(lambda: names.addresses()["new.example.com"], 10, "a name that came later")
    released.set()
    wait_until(names.looked.is_set, 10, "all of them")


def test_refreshing_asks_in_the_background_and_never_twice_at_a_time(server: Nameserver) -> None:
    """A slow name server gets no second question about a name while the first is open."""
    told = Told(server)
    server.silent = True
    for _ in range(5):
        told.names.refresh()
    wait_until(lambda: server.asked, 5, "the question")
    assert told.names._busy == {NAME}
    server.silent = False

    def answered() -> bool:
        told.now += 5.0
        told.names.refresh()
        return told.changes == 1

    wait_until(answered, 10, "the answer")
    assert told.held() == ("10.20.0.12", "10.20.0.13")
