"""weigh: whether silence is a host's or our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.values import report, target
from mooring.judge.blind import FEW, WAITING, Guard, GuardResult, weigh
from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.targets import Target

A, B, C = target("10.20.0.11"), target("10.20.0.12"), target("10.20.0.13")
SECOND_PORT = target("10.20.0.11", port=6379)
BOTH, ALL = frozenset({A, B}), frozenset({A, B, C})

SILENT = [reason for reason, meaning in MEANINGS.items() if meaning.silent]
OURS = [Reason.LOCAL, Reason.DNS, Reason.BLIND]
ANSWERS = [reason for reason in Reason if reason not in (*SILENT, *OURS)]


def silence(of: Target, started: float, *, witness: bool = False, reason: Reason = Reason.TIMEOUT) -> Report:
    return replace(report(of, reason, started=started, witness=witness), ended=started + of.timeout)


def run(*reports: Report, ready: frozenset[Target] = BOTH, guard: Guard | None = None) -> list[GuardResult]:
    """The result of each report, in order."""
    guard, steps = guard or Guard(), []
    for one in reports:
        before = replace(guard)
        steps.append(weigh(guard, one, ready))
        assert guard == before
        guard = steps[-1].guard
    return steps


def delivered(steps: list[GuardResult]) -> list[tuple[Report, bool]]:
    return [item for step in steps for item in step.deliver]


@pytest.mark.parametrize("reason", ANSWERS + OURS)
def test_what_is_not_silent_is_delivered_at_once(reason: Reason) -> None:
    """Refusals, resets, answers and causes on our side reach the verdict without delay."""
    first = report(A, reason)
    (step,) = run(first)
    assert (step.deliver, step.ask, step.changed) == (((first, False),), frozenset(), None)


@pytest.mark.parametrize("reason", SILENT)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("witness", [False, True], ids=["scheduled", "witness"])
def test_silence_counts_as_soon_as_anything_answers(reason: Reason, answer: Reason, *, witness: bool) -> None:
    """A host that falls silent while another answers is out after its thresholds, like any failed host."""
    fell, other = silence(A, 1.0, reason=reason), report(B, answer, started=2.0, witness=witness)
    waits, believed = run(fell, other)
    assert (waits.deliver, waits.ask) == ((), frozenset({B}))
    assert believed.deliver == (((fell, False),) if witness else ((fell, False), (other, False)))
    assert believed.changed is None


def test_an_answer_taken_before_the_silence_it_outlived_counts() -> None:
    """Reports come from many threads: an answer that ended later is a witness, even if it was taken first."""
    fell = silence(A, 1.0)
    steps = run(report(B, started=2.0), fell)
    assert steps[1].deliver == ((fell, False),)


def test_an_answer_that_ended_before_the_silence_is_no_witness() -> None:
    """A network that broke while a slow probe was under way moves nothing, though another host answered meanwhile."""
    steps = run(report(B, started=1.5), silence(A, 1.0), silence(B, 2.5))
    assert [blind for _, blind in delivered(steps)] == [False, True, True]
    assert steps[-1].changed is True


def test_an_answer_taken_late_proves_only_what_came_before_it() -> None:
    """Reports come from many threads: an answer frees the silences that ended before it, the others wait on, once."""
    early, late, between = silence(A, 1.0), silence(C, 1.5), report(B, started=2.2)
    first, second, third = run(late, early, between, ready=ALL)
    assert (first.deliver, second.deliver) == ((), ())
    assert third.deliver == ((early, False), (between, False))
    assert third.guard.waiting == (late,)


@pytest.mark.parametrize("reason", SILENT)
def test_every_ready_host_silent_is_blindness(reason: Reason) -> None:
    """When all ready hosts fall silent at once, their verdicts stay, and one event reports it."""
    one, two = silence(A, 1.0, reason=reason), silence(B, 1.5, reason=reason)
    steps = run(one, two, silence(A, 3.0), silence(B, 3.5))
    assert [told for told, _ in delivered(steps)[:2]] == [one, two]
    assert all(blind for _, blind in delivered(steps))
    assert [step.changed for step in steps] == [None, True, None, None]


def test_witnesses_decide_where_the_next_probe_is_far_away() -> None:
    """A host that is probed once a minute does not delay the verdict: it is asked at once."""
    fell = silence(A, 1.0)
    waits, blind = run(fell, silence(B, 2.0, witness=True))
    assert waits.ask == {B}
    assert (blind.deliver, blind.changed) == (((fell, True),), True)


def test_a_host_that_is_not_ready_needs_no_witness_and_is_none_to_be_missed() -> None:
    """The silence of a host that is out already counts at once, and its being dead hides no blindness of the rest."""
    dead = silence(C, 1.0)
    steps = run(dead, silence(A, 1.0), silence(B, 1.0))
    assert steps[0].deliver == ((dead, False),)
    assert steps[2].changed is True


@pytest.mark.parametrize(
    "ready",
    [frozenset({A}), frozenset({A, SECOND_PORT}), frozenset()],
    ids=["one target", "one address", "none"],
)
def test_one_ready_address_has_no_guard(ready: frozenset[Target]) -> None:
    """With a single ready address silence counts at once: there is nobody to compare it with."""
    fell = silence(A, 1.0)
    (step,) = run(fell, ready=ready)
    assert (step.deliver, step.ask) == (((fell, False),), frozenset())


def test_a_guard_that_loses_its_second_address_lets_go() -> None:
    """A new file that leaves one ready address ends a wait, and ends blindness too."""
    fell, later = silence(A, 1.0), silence(A, 5.0)
    guard = run(fell)[0].guard
    assert weigh(guard, report(C, Reason.LOCAL), frozenset({A})).deliver[0] == (fell, False)
    blind = run(fell, silence(B, 1.0))[1].guard
    lifted = weigh(blind, silence(A, 3.0), frozenset({A}))
    assert lifted.changed is False
    assert weigh(lifted.guard, later, frozenset({A})).deliver == ((later, False),)


def test_blindness_ends_with_the_first_answer_of_anyone() -> None:
    """As soon as anything answers, verdicts move again, and one event reports it."""
    steps = run(silence(A, 1.0), silence(B, 1.0), report(C, Reason.REFUSED, started=5.0), report(A, started=6.0))
    assert [step.changed for step in steps] == [None, True, False, None]
    assert not steps[-1].guard.blind


def test_a_probe_begun_in_blindness_is_no_evidence_after_it() -> None:
    """Probes that began before the network came back move no verdict."""
    begun, fresh = silence(B, 4.5), silence(B, 5.1)
    steps = run(silence(A, 1.0), silence(B, 1.0), report(A, started=5.0), begun, fresh, report(A, started=7.0))
    assert delivered(steps)[3:5] == [(begun, True), (fresh, False)]


def test_while_blind_every_silence_is_ours() -> None:
    """While we are cut off, hosts that are not ready lose nothing either."""
    out = silence(C, 3.0)
    assert run(silence(A, 1.0), silence(B, 1.0), out)[2].deliver == ((out, True),)


def test_few_witnesses_first_then_all_others() -> None:
    """One dead host among many costs a few extra probes; only when those are silent too, all others are asked."""
    many = [target(f"10.20.1.{n}") for n in range(10)]
    ready = frozenset(many)
    first, *_ = run(silence(many[4], 1.0), ready=ready)
    assert first.ask == set(many[5 : 5 + FEW])
    *between, last = run(
        *(silence(one, 2.0, witness=True) for one in sorted(first.ask, key=lambda one: one.address)),
        ready=ready,
        guard=first.guard,
    )
    assert [step.ask for step in between] == [frozenset()] * (FEW - 1)
    assert last.ask == ready - first.ask - {many[4]}


def test_witnesses_are_asked_once_in_an_episode() -> None:
    """Further silence while witnesses are on their way asks nobody again; after an answer a new episode may."""
    steps = run(silence(A, 1.0), silence(A, 2.0), report(C, started=4.0), silence(A, 5.0), ready=ALL)
    assert [step.ask for step in steps] == [{B, C}, frozenset(), frozenset(), {B, C}]


def test_few_reports_of_a_target_wait() -> None:
    """However long a wait is, the guard keeps only the first few reports of a target."""
    falls = [silence(A, float(n)) for n in range(WAITING + 3)]
    steps = run(*falls, report(B, started=20.0))
    assert [one for one, _ in steps[-1].deliver[:-1]] == falls[:WAITING]


@pytest.mark.parametrize("ours", [Reason.LOCAL, Reason.DNS])
def test_witnesses_that_cannot_be_asked_do_not_hold_a_verdict_for_ever(ours: Reason) -> None:
    """Where no other host can be asked for causes on our side, silence counts after the timeout and a second."""
    fell, hindered = silence(A, 1.0), report(B, ours, started=2.0, witness=True)
    early, late = silence(A, 2.5), replace(report(B, ours, started=3.99))
    steps = run(fell, hindered, early, late)
    assert [step.deliver for step in steps[:3]] == [(), (), ()]
    assert steps[3].deliver == ((fell, False), (early, False), (late, False))


def test_silence_followed_by_a_local_cause_was_ours() -> None:
    """A probe that timed out while our own route was taken away is not held against the host."""
    fell, route = silence(A, 1.0), report(A, Reason.LOCAL, started=3.0)
    steps = run(fell, report(B, Reason.LOCAL, started=2.0, witness=True), route)
    assert steps[2].deliver == ((fell, True), (route, False))
    assert steps[2].guard.waiting == ()


def test_blindness_needs_every_ready_host_silent_to_the_last() -> None:
    """A host whose silence turned out to be our own fault does not count as one of the silent."""
    steps = run(silence(A, 1.0), silence(C, 1.1), report(A, Reason.LOCAL, started=2.5), silence(B, 2.0), ready=ALL)
    assert [step.changed for step in steps] == [None] * 4
    assert [one.target for one in steps[-1].guard.waiting] == [C, B]


def test_witness_reports_are_never_delivered() -> None:
    """A witness counts for nothing but the guard: no host gains or loses a streak by it."""
    reports = [report(A, reason, started=float(n), witness=True) for n, reason in enumerate(Reason)]
    assert delivered(run(*reports)) == []


TARGETS = st.sampled_from([A, B, C, SECOND_PORT])
SCRIPT = st.lists(st.tuples(TARGETS, st.sampled_from(Reason), st.booleans(), st.sets(TARGETS)), max_size=40)


@given(SCRIPT)
def test_no_report_is_delivered_twice(
    script: list[tuple[Target, Reason, bool, set[Target]]],
) -> None:
    """Each scheduled report is delivered at most once, in order for its host; only silence waits."""
    guard, sent = Guard(), list[Report]()
    told: list[tuple[Report, bool]] = []
    for number, (of, reason, witness, ready) in enumerate(script):
        sent.append(silence(of, float(number), witness=witness, reason=reason))
        weighed = weigh(guard, sent[-1], frozenset(ready))
        guard = weighed.guard
        told += weighed.deliver
        assert weighed.ask <= ready
        assert len(guard.waiting) <= WAITING * 4
        assert not (guard.blind and guard.waiting)
    reports = [one for one, _ in told]
    assert len(set(map(id, reports))) == len(reports)
    for of in (A, B, C, SECOND_PORT):
        starts = [one.started for one in reports if one.target == of]
        assert starts == sorted(starts)
    assert all(one in reports for one in sent if not one.witness and one.observation.reason not in SILENT)
    assert all(MEANINGS[one.observation.reason].silent for one, blind in told if blind)


@given(st.permutations([A, B, C]), st.floats(0.1, 0.9), st.sampled_from(SILENT))
def test_a_partition_moves_nothing_in_any_order(order: list[Target], step: float, reason: Reason) -> None:
    """Whichever host falls silent first and however the probes are spread, no silence is ever believed."""
    answered = [report(one, started=0.1) for one in order]
    cut = [silence(one, 1.0 + n * step, reason=reason) for n, one in enumerate(order * 3)]
    told = delivered(run(*answered, *cut, ready=ALL))[len(answered) :]
    assert len(told) == len(cut)
    assert all(blind for _, blind in told)
