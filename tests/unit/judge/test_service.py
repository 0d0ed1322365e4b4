"""One Service: what it takes from the store, what it remembers, and that its fast path is no other path."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.health_stores import kinds, states, store_of, verdicts
from lab.values import KEY, report, spec, stored, target
from mooring.judge.contest import MOST_POSITIONS, Contest
from mooring.judge.host import HostTracker
from mooring.judge.members import members
from mooring.judge.service import MOST_STORED, ServiceHealth
from mooring.judge.store import HealthStore
from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, Requirement, Role, ServiceKey
from mooring.model.verdicts import Verdict
from support.primary_claims import DEAD, PERIOD, PRIMARY, READ_ONLY, UNKNOWN, A, B, C, rw, server

OTHER = ServiceKey("default", "any")


def test_a_reader_that_becomes_the_writer_leaves_a_moment_later() -> None:
    """So the write that adds it to the Service of the primary comes first, and kube-proxy takes it up at once."""
    plain = rw()
    ro = replace(plain, check=replace(plain.check, requirement=Requirement(Role.REPLICA)))
    store = store_of(ro, of=stored((B, C), (A,)))
    taken = store.take([replace(report(target(B), started=PERIOD), observation=PRIMARY)])
    assert (kinds(taken), taken.changed, set(taken.writer_grace_seconds)) == (["HostChanged"], frozenset(), {KEY})


def test_what_is_known_of_former_primaries_and_identities_is_bounded() -> None:
    """Former primaries and changing identities take bounded memory."""
    health = ServiceHealth(rw(*(f"10.20.{n // 200}.{n % 200 + 1}" for n in range(100))))
    health.set_members(health.spec, members(health.spec, {}, ()))
    health.seed(None, None)
    for number, tracker in enumerate(health.trackers.values()):
        asked = report(tracker.member.target, started=PERIOD * number)
        made = replace(asked, observation=server(f"uuid-{number}", a=1))
        health.take(tracker, made, {}, None)
        health.contest.note_primary(tracker, 0.0)
        health.take(tracker, replace(made, observation=server(f"new-{number}", a=1)), {}, None)
    assert len(health.contest.primary_positions) == MOST_POSITIONS
    assert len(health.topology.identities) == len(health.trackers)


def test_stored_verdicts_of_a_name_that_never_resolves_are_bounded() -> None:
    """While one name waits, addresses of another that come and go are remembered, and the oldest forgotten."""
    named = replace(spec(), hosts=(HostSpec("a.example.com", "a.example.com"), HostSpec("never", "never.example.com")))
    health = ServiceHealth(named)
    health.seed(None, None)
    for number in range(2 * MOST_STORED):
        address = f"10.{number // 65536}.{number // 256 % 256}.{number % 256}"
        health.set_members(named, members(named, {"a.example.com": (address,)}, ()))
    assert len(health.stored_verdicts) == MOST_STORED


def test_bytes_behind_a_primary_are_counted_under_either_of_its_names() -> None:
    """The replica knows its primary by what is published, and Mooring probes another address and port."""
    plain = spec()
    requirement = Requirement(Role.REPLICA, lag_bytes=100)
    hosts = (HostSpec("db1", A, "10.99.0.1", 13306), HostSpec("db2", B))
    listed = replace(plain, hosts=hosts, check=replace(plain.check, requirement=requirement))
    store = store_of(listed, of=stored((), (A, B)))
    primary = Observation(Reason.OK, facts=Facts(offset=5000))
    replica = Observation(
        Reason.OK, facts=Facts(read_only="role:slave", channels=(Channel(f"{A}:3306", lag=0.0),), offset=1)
    )
    store.take([replace(report(target("10.99.0.1", port=13306)), observation=primary)])
    store.take([replace(report(target(B)), observation=replica)])
    outcome = states(store)[B].outcome
    assert outcome
    assert (outcome.reason, outcome.message) == (
        Reason.LAGGING,
        f"is 4999 bytes behind {A}:3306; 100 are allowed",
    )


@pytest.mark.parametrize("role", [Role.ANY, Role.PRIMARY])
def test_a_host_that_says_that_it_is_out_of_service_is_offline_for_every_role(role: Role) -> None:
    """MySQL's offline_mode, and a Redis Cluster that has failed, let our own account in all the same."""
    plain = spec(A)
    store = store_of(replace(plain, check=replace(plain.check, requirement=Requirement(role))), of=stored((A,)))
    seen = Observation(Reason.OK, facts=Facts(offline="offline_mode=1"))
    for turn in range(3):
        store.take([replace(report(target(A), started=PERIOD * turn), observation=seen)])
    assert (list(verdicts(store).values()), kinds(store.take([]))) == ([Verdict.NOT_READY], [])
    outcome = states(store)[A].outcome
    assert outcome
    assert (outcome.reason, outcome.message) == (Reason.OFFLINE, "offline_mode=1")


D = "10.20.0.14"


def both() -> HealthStore:
    """A Service of one primary, and one that asks for an answer only; they share a host."""
    return store_of(rw(), spec(C, D, key=OTHER, period=PERIOD), of=stored((A, D), (B, C)))


ANSWERS = [PRIMARY, Observation(Reason.OK), server("uuid-1", a=1), server("uuid-1", a=2)]
SAID = st.sampled_from([*ANSWERS * 5, READ_ONLY, DEAD, UNKNOWN])
STEPS = st.lists(
    st.tuples(st.sampled_from([A, A, A, B, C, D, D]), SAID, st.booleans(), st.floats(0.0, 2.5)), max_size=60
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_fast_path_of_a_store_judges_as_the_slow_one(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, Observation, bool, float]]
) -> None:
    """Any sequence of reports gives the same events, questions, verdicts and times, whichever way they take."""
    fast, slow, now = both(), both(), 0.0
    for address, seen, expedited, seconds in steps:
        now += seconds
        made = replace(report(target(address), started=now), observation=seen, expedited=expedited)
        taken = fast.take([made])
        with monkeypatch.context() as patched:
            patched.setattr(HealthStore, "_absorb", lambda _self, _report: False)
            patched.setattr(HostTracker, "absorb", lambda _self, _report: False)
            patched.setattr(Contest, "is_undisputed", lambda _self, _tracker: False)
            assert slow.take([made]) == taken
        assert fast.snapshot() == slow.snapshot()
