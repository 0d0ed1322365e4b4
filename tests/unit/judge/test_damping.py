"""Verdicts that are held back, in a whole health store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lab.health_stores import kinds, place, probe, states, store_of, verdicts
from lab.values import KEY, spec, stored
from mooring.judge.batch import BatchResult
from mooring.judge.store import HealthStore
from mooring.model.damping import Damper, DemotionLimit, FlapRule, Floor
from mooring.model.events import HostChanged
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role, ServiceKey, ServiceSpec
from mooring.model.verdicts import HostState, Verdict

A, B = "10.20.0.11", "10.20.0.12"
READY, NOT_READY = Verdict.READY, Verdict.NOT_READY
OUT = (Reason.REFUSED,) * 3
BACK = (Reason.OK,) * 2
TURN = 10.0
"""Seconds of three failures and two successes, a period of 2 s each."""
RULE = FlapRule(transitions=2, within=600.0, hold=30.0, most=600.0)


def flapping(*hosts: str, flap: FlapRule | None = RULE) -> ServiceSpec:
    return replace(spec(*hosts), flap=flap)


def flap(store: HealthStore, times: int, *, at: float = 0.0, reasons: tuple[Reason, ...] = OUT) -> list[BatchResult]:
    """The first host goes out and comes back so many times; it goes out by the last failure, 4 s after the first."""
    return [
        one for turn in range(times) for one in probe(store, A, *reasons, *BACK, at=at + turn * (TURN + len(reasons)))
    ]


def shown(state: HostState) -> tuple[object, ...]:
    """What holds the verdict back, and until when on the clock of the reports."""
    assert state.held
    return state.held.by, None if state.held.until is None else state.held.until - 1_700_000_000.0


def test_a_host_that_flaps_stays_out_for_a_while_though_it_answers() -> None:
    """Reported once, shown with its end, and ready at the first answer after that."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    flap(store, 1)
    assert verdicts(store)[A] is READY
    *_, last = flap(store, 1, at=20.0)
    held = states(store)[A]
    assert (held.verdict, held.streak, kinds(last)) == (NOT_READY, 2, ["HostHeld"])
    assert shown(held) == (Damper.FLAP, pytest.approx(24.0 + 30.0, abs=0.1))
    taken = probe(store, A, *[Reason.OK] * 12, at=30.0)
    assert [kinds(one) for one in taken] == [[]] * 12
    (ended,) = probe(store, A, Reason.OK, at=54.1)
    assert (kinds(ended), set(ended.changed), verdicts(store)[A]) == (["HostChanged"], {KEY}, READY)
    assert states(store)[A].held is None
    assert [one.seconds for one in ended.events if isinstance(one, HostChanged)] == [None]


def test_the_hold_doubles_with_each_time_out() -> None:
    """The third time out within the time costs 60 s, counted from the transition."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    flap(store, 2)
    probe(store, A, Reason.OK, at=60.0)
    assert verdicts(store)[A] is READY
    probe(store, A, *OUT, *BACK, at=62.0)
    assert shown(states(store)[A]) == (Damper.FLAP, pytest.approx(66.0 + 60.0, abs=0.1))


def test_a_hold_needs_another_host_that_serves() -> None:
    """An empty Service is worse than one that flaps: alone, in maintenance or drained others are no others."""
    resting = replace(flapping(A, B), hosts=tuple(replace(one, maintenance=one.name == B) for one in spec(A, B).hosts))
    drained = store_of(flapping(A, B), of=stored((A, B)))
    drained.note_drained(KEY, frozenset({B}))
    alone = store_of(flapping(A), of=stored((A,)))
    for store in (alone, store_of(resting, of=stored((A, B))), drained):
        flap(store, 5)
        assert verdicts(store)[A] is READY


def test_a_held_host_that_answers_comes_in_with_the_write_that_takes_the_last_other_out() -> None:
    """The hold ends where it would empty the Service, and no probe is waited for."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    flap(store, 2)
    assert verdicts(store)[A] is NOT_READY
    *_, last = probe(store, B, *OUT, at=24.0)
    assert (kinds(last), verdicts(store)) == (["HostChanged"] * 2, {A: READY, B: NOT_READY})
    assert [one.counts for one in last.events if isinstance(one, HostChanged)] == [(1, 2)] * 2


def test_a_held_host_that_fails_is_not_let_in_for_the_last_other() -> None:
    """Only one whose last probes were all good is."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    flap(store, 2)
    probe(store, A, Reason.REFUSED, at=24.0)
    assert states(store)[A].held is None
    probe(store, B, *OUT, at=24.0)
    assert verdicts(store) == {A: NOT_READY, B: NOT_READY}


def test_only_counted_failures_make_a_flapper() -> None:
    """What a host says of itself, as that it has another role now, is a decision and no fault."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    flap(store, 5, reasons=(Reason.WRONG_ROLE,))
    assert verdicts(store)[A] is READY


def test_off_is_off() -> None:
    """Without the rule a host comes back as often as it likes."""
    store = store_of(flapping(A, B, flap=None), of=stored((A, B)))
    flap(store, 9)
    assert verdicts(store)[A] is READY


def test_a_primary_is_never_held_out() -> None:
    """There is no other host that could serve in its place."""
    listed = flapping(A, B)
    check = replace(listed.check, requirement=Requirement(Role.PRIMARY))
    store = store_of(replace(listed, check=check), of=stored((A, B)))
    assert verdicts(store) == {A: NOT_READY, B: NOT_READY}
    flap(store, 5)
    assert states(store)[A].held is None


def test_a_reload_keeps_what_is_known_of_a_flapper_and_takes_up_the_rule() -> None:
    """An edit of the file is no way in; `flap: off` is, with the next answer."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    flap(store, 2)
    asked = flapping(A, B)
    place(store, replace(asked, check=replace(asked.check, requirement=Requirement(lag_seconds=9.0))))
    probe(store, A, Reason.OK, Reason.OK, Reason.OK, at=26.0)
    assert verdicts(store)[A] is NOT_READY
    place(store, flapping(A, B, flap=None))
    probe(store, A, *BACK, at=34.0)
    assert verdicts(store)[A] is READY


@pytest.mark.fault(
    "mooring",
    "A standby that holds a verdict back takes over",
    "What the former leader stored goes before its hold.",
    within="nothing moves",
)
def test_a_standby_holds_nobody_against_what_the_leader_stored() -> None:
    """When it takes over, a host that the leader has let in stays in, and one that the leader took out stays out."""
    store = store_of(replace(flapping(A, B), keep_on_silence=Floor(1)), of=stored((A, B)))
    flap(store, 2)
    assert states(store)[A].held is not None
    store.follow(KEY, stored((A, B)))
    assert (verdicts(store)[A], states(store)[A].held) == (READY, None)
    probe(store, A, *OUT, at=40.0)
    probe(store, B, *SILENT, at=40.0)
    assert (verdicts(store)[B], states(store)[B].held is not None) == (READY, True)
    store.follow(KEY, stored((), (A, B)))
    assert (verdicts(store)[B], states(store)[B].held) == (NOT_READY, None)


def test_a_file_that_is_judged_once_waits_for_no_hold() -> None:
    """`plan` and `run --once` end though a verdict is held back."""
    store = store_of(flapping(A, B), of=stored((A, B)))
    probe(store, B, Reason.OK)
    flap(store, 2)
    assert store.settled()


SILENT = (Reason.TIMEOUT,) * 3
C = "10.20.0.13"


@pytest.mark.fault(
    "network",
    "Hosts of one Service fall silent one after the other, with `keepOnSilence`",
    "So many stay ready, shown as held; a refusal still takes a host out.",
    within="they stay until something is heard",
)
def test_silence_takes_no_more_out_than_leave_so_many() -> None:
    """The first leaves, the second stays, shown; what it says itself still takes it out."""
    store = store_of(replace(spec(A, B, C), keep_on_silence=Floor(2)), of=stored((A, B, C)))
    probe(store, C, Reason.OK, at=0.5, every=0.1)
    probe(store, A, *SILENT, at=1.0)
    witness(store, C, at=8.0)
    assert verdicts(store) == {A: NOT_READY, B: READY, C: READY}
    *_, last = probe(store, B, *SILENT, at=8.5)
    taken = witness(store, C, at=15.0)
    held = states(store)[B]
    assert (held.verdict, shown(held), held.streak) == (READY, (Damper.KEEP_ON_SILENCE, None), 3)
    assert [*kinds(last), *kinds(taken)] == ["HostHeld"]
    (refused,) = probe(store, B, Reason.REFUSED, at=16.0)
    assert (kinds(refused), verdicts(store)[B], states(store)[B].held) == (["HostChanged"], NOT_READY, None)


def test_a_host_that_refused_before_it_fell_silent_leaves() -> None:
    """Silence alone is kept; a refusal in the same streak is its own word."""
    store = store_of(replace(spec(A, B), keep_on_silence=Floor(2)), of=stored((A, B)))
    probe(store, A, Reason.REFUSED, Reason.TIMEOUT, Reason.TIMEOUT)
    witness(store, B, at=8.0)
    assert verdicts(store)[A] is NOT_READY


def test_a_silent_host_that_answers_again_is_as_before() -> None:
    """The hold ends with the streak, and the log says so."""
    store = store_of(replace(spec(A, B), keep_on_silence=Floor(2)), of=stored((A, B)))
    probe(store, A, *SILENT)
    witness(store, B, at=8.0)
    assert states(store)[A].held is not None
    (taken,) = probe(store, A, Reason.OK, at=8.5)
    assert (kinds(taken), states(store)[A].held, states(store)[A].streak) == (["HostKnown"], None, 0)


@pytest.mark.fault(
    "network",
    "Most of all hosts fall silent at once, with `--max-demotions`",
    "The part that it allows leaves at once, the rest later.",
    within="F x P + T, and the window for the rest",
)
def test_silence_of_many_at_once_takes_out_a_part_and_the_rest_later() -> None:
    """Of twelve hosts six leave at once; each of the others a window after its time at the latest."""
    every = [f"10.20.0.{number}" for number in range(11, 24)]
    *dying, lives = every
    store = HealthStore(DemotionLimit(50, 60.0))
    place(store, spec(*every))
    store.seed(KEY, stored(tuple(every)))
    silence(store, dying, lives, at=0.0)
    out = [address for address in dying if verdicts(store)[address] is NOT_READY]
    assert len(out) == 6
    held = [address for address in dying if address not in out]
    assert {states(store)[address].held and states(store)[address].held.by for address in held} == {  # type: ignore[union-attr]
        Damper.MAX_DEMOTIONS
    }
    silence(store, held, lives, at=80.0)
    assert verdicts(store) == {**dict.fromkeys(dying, NOT_READY), lives: READY}


def test_the_limit_of_all_services_never_holds_a_primary() -> None:
    """Its successor cannot serve beside it."""
    every = tuple(f"10.20.0.{number}" for number in range(11, 24))
    listed = spec("10.20.1.1", key=ServiceKey("default", "writer"))
    check = replace(listed.check, requirement=Requirement(Role.PRIMARY))
    store = HealthStore(DemotionLimit(1, 60.0))
    for one in (spec(*every), replace(listed, check=check)):
        place(store, one)
    store.seed(KEY, stored(every))
    store.seed(listed.key, stored(("10.20.1.1",)))
    silence(store, [*every[:3], "10.20.1.1"], every[-1], at=0.0)
    assert list(verdicts(store, listed.key).values()) == [NOT_READY]
    assert [address for address in every if verdicts(store)[address] is NOT_READY] == []


def witness(store: HealthStore, address: str, *, at: float) -> BatchResult:
    """Another host answers, so that the silence before it counts."""
    (taken,) = probe(store, address, Reason.OK, at=at)
    return taken


def silence(store: HealthStore, addresses: Sequence[str], lives: str, *, at: float) -> None:
    """These hosts are silent three times in a row, and one answers each time."""
    for turn in range(3):
        for address in addresses:
            probe(store, address, Reason.TIMEOUT, at=at + 2.0 * turn)
        witness(store, lives, at=at + 2.0 * turn + 1.5)
