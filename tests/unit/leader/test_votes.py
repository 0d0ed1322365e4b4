"""Whose word counts where a host is silent: several daemons, each with ways of its own to the hosts."""

from __future__ import annotations

import pytest

from mooring.leader.vantage import JOIN_SECONDS
from mooring.model.errors import Rejected
from mooring.model.reasons import Reason
from support.voters import A, B, C, voters

SOON = 8.0
"""Seconds within which a dead host is out in this world: three periods, a timeout, and a second of voting."""


@pytest.mark.parametrize("period", [0.5, 1.0, 2.0])
def test_a_host_that_only_the_leader_cannot_reach_stays(period: float) -> None:
    """Most observers see it: nothing moves, and the state says why. Once it answers again, it is as before."""
    world, (a, b, c) = voters("a", "b", "c", period=period)
    a.silent = {A}
    for _ in range(120):
        world.run(0.5)
        assert a.ready(A)
    state = a.state(A)
    assert a.ready(A)
    assert state.outcome is not None
    assert state.outcome.reason is Reason.OUTVOTED
    assert state.outcome.message == "it is silent to us, and 2 of 3 observers see it"
    assert (b.asked, c.asked) == ([A], [A]), "each was asked once"
    a.silent = set()
    world.run(5)
    assert a.state(A).outcome == b.state(A).outcome


@pytest.mark.parametrize("silent_to", ["abc", "ab", "ac"])
def test_a_host_that_most_cannot_reach_leaves(silent_to: str) -> None:
    """A dead host, or one behind a fault that most see."""
    world, daemons = voters("a", "b", "c")
    for daemon in daemons:
        daemon.silent = {A} if daemon.name in silent_to else set()
    world.until(lambda: not daemons[0].ready(A), SOON)
    assert daemons[0].ready(B)


@pytest.mark.parametrize("period", [0.5, 1.0, 2.0])
def test_a_death_is_seen_at_most_a_second_later_than_without(period: float) -> None:
    """Others are asked from the first silent probe on, while the thresholds count."""
    took = []
    for observers in (False, True):
        world, daemons = voters("a", "b", "c", observers=observers, period=period)
        for daemon in daemons:
            daemon.silent = {A}
        took.append(world.until(lambda: not daemons[0].ready(A), 30))  # noqa: B023 -- called at once
    assert took[1] - took[0] <= 1.0 if period >= 1 else took[1] - took[0] <= 2.5


def test_of_two_that_differ_nobody_wins() -> None:
    """One sees it and one does not: that is no majority."""
    world, (a, _b) = voters("a", "b")
    a.silent = {A}
    world.run(60)
    assert a.ready(A)


def test_alone_the_leader_decides_alone() -> None:
    """As without observers."""
    world, (a,) = voters("a")
    a.silent = {A}
    world.until(lambda: not a.ready(A), SOON)


@pytest.mark.parametrize("refusing", [{A}, {A, B, C}], ids=["one", "all"])
def test_a_refusal_needs_nobody(refusing: set[str]) -> None:
    """Something came back from the host itself; that holds where all of the leader's ready hosts refuse at once."""
    world, (a, b, _c) = voters("a", "b", "c")
    a.refusing = refusing
    world.until(lambda: not any(a.ready(host) for host in refusing), 5)
    assert all(b.ready(host) for host in refusing)
    assert world.leader == "a", "it is not outvoted"


def test_who_is_on_the_same_machine_abstains() -> None:
    """A daemon beside a database sees it whatever the network does."""
    world, (a, b, c) = voters("a", "b", "c")
    b.own = c.own = {A}
    a.silent = {A}
    world.until(lambda: not a.ready(A), SOON)


def test_who_is_blind_abstains() -> None:
    """It sees nothing at all, so that its silence says nothing of one host: one that sees is no majority then."""
    world, (a, b, _c) = voters("a", "b", "c")
    b.silent = {A, B, C}
    world.run(20)
    assert b.blind
    a.silent = {A}
    world.run(60)
    assert a.ready(A)


def test_an_observer_that_dies_is_waited_for_and_no_longer_than_it_is_fresh() -> None:
    """A death of database and daemon together is seen all the same."""
    world, (a, b, c) = voters("a", "b", "c")
    b.frozen = True
    for daemon in (a, c):
        daemon.silent = {A}
    world.until(lambda: not a.ready(A), SOON)


def test_a_later_silence_is_voted_on_anew() -> None:
    """What somebody saw during an earlier one says nothing of this one."""
    world, (a, b, c) = voters("a", "b", "c")
    a.silent = {A}
    world.run(30)
    a.silent = set()
    world.run(10)
    for daemon in (a, b, c):
        daemon.silent = {A}
    world.until(lambda: not a.ready(A), SOON)


def test_who_changes_its_mind_is_heard() -> None:
    """The others lose the host, too: it leaves."""
    world, (a, b, c) = voters("a", "b", "c")
    a.silent = {A}
    world.run(20)
    b.silent = c.silent = {A}
    world.until(lambda: not a.ready(A), 2 * SOON)


def test_while_the_api_server_is_away_silence_waits() -> None:
    """Nothing could be stored, and nobody can be heard; once it is back the others get a few seconds to say."""
    world, (a, b, c) = voters("a", "b", "c")
    for daemon in (a, b, c):
        daemon.cut_off = True
    world.run(20)
    a.silent = {A}
    world.run(30)
    assert a.ready(A)
    for daemon in (a, b, c):
        daemon.cut_off = False
    world.run(JOIN_SECONDS + 20)
    assert a.ready(A), "the others see it"
    b.silent = c.silent = {A}
    world.until(lambda: not a.ready(A), 2 * SOON)


def test_without_the_right_on_observer_leases_the_leader_decides_alone() -> None:
    """Everything is as before; the missing right was reported."""
    world, (a, b, _c) = voters("a", "b", "c")
    a.refusal = Rejected("403")
    world.run(1)
    a.silent = {A}
    world.until(lambda: not a.ready(A), SOON)
    assert b.ready(A)
