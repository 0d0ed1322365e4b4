"""Who leads where daemons see differently: two and more of them in a model world with its own time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.leader.election import HANDOVER_SECONDS, REST_SECONDS, WRITE_SECONDS, Lease
from mooring.leader.installation import DIFFERS_SECONDS, sketch
from mooring.leader.vantage import SEES_SECONDS, SLOTS
from mooring.model.errors import Rejected
from mooring.model.lease_events import ClocksDisagree, LeaseHandedOver, LeaseShared, ObserverFailed, ObserverSpare
from support.lease_world import ELECTION, LeaseWorld, ModelDaemon

SETTLES = SEES_SECONDS + WRITE_SECONDS + 3.0
"""A few turns beyond what the rules themselves take."""


def world_of(*names: str) -> tuple[LeaseWorld, list[ModelDaemon]]:
    """The first one leads, and each knows the others."""
    world = LeaseWorld()
    made = []
    for name in names:
        made.append(world.add(name))
        world.run(5)
    world.run(10)
    assert world.leader == names[0]
    return world, made


def test_a_blind_leader_hands_over_to_one_that_sees() -> None:
    """Within seconds, by a write that names the other; the former leader logs to whom, and why."""
    world, (a, b) = world_of("a", "b")
    a.blind = True
    assert SEES_SECONDS <= world.until(lambda: world.leader == "b", 30) <= SETTLES
    assert a.told(LeaseHandedOver) == [LeaseHandedOver("b", "it is blind")]
    assert (a.led, b.led) == ([True, False], [True])
    assert world.leases[ELECTION].transitions == 1


def test_a_leader_whose_threads_stand_still_hands_over() -> None:
    """A stuck leader hands over like a blind one; the log names the thread."""
    world, (a, _) = world_of("a", "b")
    a.stuck = "the engine stands still"
    world.until(lambda: world.leader == "b", SETTLES)
    assert a.told(LeaseHandedOver) == [LeaseHandedOver("b", "the engine stands still")]


def test_a_leader_whose_threads_stand_still_renews_no_more() -> None:
    """Also where nobody sees: its Lease runs out by itself, and it takes none before its threads turn."""
    world, (a, b) = world_of("a", "b")
    a.stuck, b.sees = "the engine stands still", False
    world.run(10)
    assert world.leader == ""
    world.until(lambda: world.leader == "b", 6)
    b.frozen = True
    world.run(60)
    assert world.leader == ""
    a.stuck = ""
    world.until(lambda: world.leader == "a", 1)


@pytest.mark.parametrize("standby", ["blind", "stuck", "just started", "sees nothing", "away"])
def test_it_keeps_the_lease_where_nobody_sees(standby: str) -> None:
    """Both blind: no ping-pong. One that has not seen a ready target answer since is no better off."""
    world, (a, b) = world_of("a", "b")
    a.blind = True
    b.blind = standby == "blind"
    b.stuck = "the writer stands still" if standby == "stuck" else ""
    b.started = standby != "just started"
    b.sees = standby != "sees nothing"
    b.frozen = standby == "away"
    world.run(300)
    assert world.leader == "a"
    assert [name for _, name in world.holders] == ["a"]


def test_a_blind_leader_keeps_what_another_took_for_seeing_only_before() -> None:
    """An answer to a probe begun before the leader's silence is none; one begun after it is."""
    world, (a, b) = world_of("a", "b")
    b.sees = False
    world.run(2)
    a.blind = True
    world.run(30)
    assert world.leader == "a"
    b.sees = True
    world.until(lambda: world.leader == "b", SETTLES)


def test_an_answer_while_an_observers_thread_was_held_up_is_none_to_what_it_reads_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The probe of that answer may have begun before the leader's silence."""
    world, (a, b) = world_of("a", "b")
    b.sees, first = False, [True]
    plain = type(b.observer._stores[0]).read

    def held_up(store: Any) -> Lease | None:
        if store in b.observer._stores and first and first.pop():
            b._answered = b._monotonic() + 1.0
            world.now += 3.0
            a.blind = True
            a.turn()
        return plain(store)

    monkeypatch.setattr(type(b.observer._stores[0]), "read", held_up)
    world.run(30)
    assert world.leader == "a"


def test_it_goes_to_the_one_of_three_that_sees() -> None:
    """A third daemon that is blind, too, neither gets nor takes the Lease."""
    world, (a, b, _) = world_of("a", "b", "c")
    a.blind = b.blind = True
    world.until(lambda: world.leader == "c", SETTLES)
    world.run(120)
    assert [name for _, name in world.holders] == ["a", "c"]


def test_a_blind_standby_leaves_a_free_lease_to_one_that_sees() -> None:
    """Whether it was given back or ran out; where nobody sees, a blind one is better than none."""
    world, (a, b, c) = world_of("a", "b", "c")
    b.blind, c.sees = True, True
    world.run(5)
    a.elector._give_back()
    a.frozen = True
    world.run(1)
    assert world.leader == "c"
    c.frozen = True
    world.until(lambda: world.leader == "b", 30)


def test_who_handed_over_does_not_get_it_back_for_a_minute() -> None:
    """Two daemons that are blind in turns do not hand it back and forth."""
    world, (a, b) = world_of("a", "b")
    a.blind = True
    world.until(lambda: world.leader == "b", SETTLES)
    a.blind, b.blind = False, True
    assert REST_SECONDS - 3 <= world.until(lambda: world.leader == "a", 100) <= REST_SECONDS + SETTLES


def test_who_handed_over_takes_it_when_it_is_free() -> None:
    """A daemon that rests takes a free Lease, so there is always a leader."""
    world, (a, b) = world_of("a", "b")
    a.blind = True
    world.until(lambda: world.leader == "b", SETTLES)
    a.blind, b.frozen = False, True
    world.until(lambda: world.leader == "a", 16)


def test_at_most_one_handover_in_half_a_minute() -> None:
    """Whoever made it: the next leader waits as well."""
    world, (a, b, c) = world_of("a", "b", "c")
    a.blind = True
    world.until(lambda: world.leader in {"b", "c"}, SETTLES)
    first = world.leader
    world.daemons[first].blind = True
    took = world.until(lambda: world.leader in {"b", "c"} - {first}, 60)
    assert HANDOVER_SECONDS - 3 <= took <= HANDOVER_SECONDS + SETTLES
    assert {b.name, c.name} == {"b", "c"}


def test_without_the_right_everything_is_as_before() -> None:
    """Reported once; the election goes on, a blind leader keeps the Lease, and a right given later is found."""
    world, (a, b) = world_of("a", "b")
    a.refusal = b.refusal = Rejected("403: the Lease mooring-observer-0")
    a.blind = True
    world.run(300)
    assert world.leader == "a"
    for daemon in (a, b):
        assert daemon.told(ObserverFailed) == [ObserverFailed("403: the Lease mooring-observer-0")]
    a.refusal = b.refusal = None
    world.until(lambda: world.leader == "b", 60 + SETTLES)


def test_a_sixth_daemon_says_so_and_still_leads_in_its_turn() -> None:
    """It has no observer Lease, so it is not asked; when one of the five ends it takes that one's."""
    world, made = world_of(*"abcdef")
    sixth = made[-1]
    assert sixth.told(ObserverSpare) == [ObserverSpare(("a", "b", "c", "d", "e"))]
    assert all(not one.told(ObserverSpare) for one in made[:SLOTS])
    made[1].frozen = True
    world.run(30)
    assert f"{ELECTION}-observer-1" in {name for name, lease in world.leases.items() if lease.holder == "f"}
    assert len(sixth.told(ObserverSpare)) == 1


def test_two_installations_over_one_lease_are_reported() -> None:
    """At once where they share no Service, by both; and the Lease is not handed to the other one."""
    world = LeaseWorld()
    a, b = world.add("a"), world.add("b", services=sketch(["shop/db"]))
    world.run(15)
    assert a.told(LeaseShared) == [LeaseShared("b", "their files have no Service in common")]
    assert b.told(LeaseShared) == [LeaseShared("a", "their files have no Service in common")]
    assert a.observer.shares_lease
    a.blind = True
    world.run(60)
    assert world.leader == "a"
    b.frozen = True
    world.run(15)
    assert not a.observer.shares_lease


def test_files_that_differ_for_long_are_reported() -> None:
    """A rolling change of the file is none: five minutes."""
    world = LeaseWorld()
    a = world.add("a")
    world.add("b", services=sketch(["default/db", "default/sessions"]))
    world.run(DIFFERS_SECONDS - 5)
    assert a.told(LeaseShared) == []
    world.run(20)
    assert a.told(LeaseShared) == [LeaseShared("b", "their files list different Services for 5 minutes")]


def test_a_leader_whose_clock_stood_still_writes_nothing() -> None:
    """Suspended for half a minute, which its monotonic clock did not count: it does not write before it has renewed."""
    world, (a, b) = world_of("a", "b")
    a.frozen = True
    world.run(8)
    a.lost_wall = 40.0
    world.now += 32
    assert a.elector._state.leads(a._monotonic())
    assert not a.leads, "the wall clock and the boot clock went on"
    world.run(1)
    a.frozen = False
    world.run(1)
    assert world.leader == "b"
    assert b.led == [True]


def test_a_leader_whose_clocks_all_stood_still_is_set_right_by_the_api_server() -> None:
    """A guest that was paused knows by the date of the first answer that it hears; it renews, and leads again."""
    world, (a,) = world_of("a")
    a.date = 5000.0
    world.run(4)
    assert a.leads
    a.date = 5000.0 + 11.5
    assert not a.leads
    world.run(0.5)
    assert a.leads
    assert len(a.told(ClocksDisagree)) == 1
    assert a.led == [True]


STATES = st.sampled_from(["well", "blind", "stuck", "frozen", "cut off", "just started"])


def put(daemon: ModelDaemon, state: str) -> None:
    daemon.blind = state == "blind"
    daemon.stuck = "the writer stands still" if state == "stuck" else ""
    daemon.frozen = state == "frozen"
    daemon.cut_off = state == "cut off"
    daemon.started = state != "just started"


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.sampled_from([2, 3]), turns=st.integers(1, 8))
def test_whatever_happens_to_them_who_can_work_leads(data: st.DataObject, count: int, turns: int) -> None:
    """Never two writers, never two handovers in 30 s; and once one is well and the others are not, it leads."""
    world = LeaseWorld()
    daemons = [world.add(name) for name in "abc"[:count]]
    for _ in range(turns):
        put(data.draw(st.sampled_from(daemons)), data.draw(STATES))
        world.run(data.draw(st.sampled_from([1.0, 5.0, 20.0, 60.0])))
    well, *others = data.draw(st.permutations(daemons))
    put(well, "well")
    for other in others:
        put(other, data.draw(st.sampled_from(["blind", "stuck", "frozen", "cut off"])))
    world.until(lambda: well.leads, HANDOVER_SECONDS + REST_SECONDS + 2 * SETTLES)
    world.run(60)
    assert well.leads
    handed = [at for daemon in daemons for at in daemon.handed]
    assert all(later - earlier >= HANDOVER_SECONDS - 1 for earlier, later in pairwise(sorted(handed)))
