"""Rounds of probes that come to an end. The probes here are scripted: what is tested is when the rounds end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lab.values import KEY, member, spec, stored
from mooring.cli.once import ask_all, ask_until_steady, settle
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.facts import Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import PrimaryQuorum, Requirement, Role, Thresholds
from mooring.model.targets import Target
from mooring.protocols.tcp.options import TcpOptions

A, B = "10.20.0.11", "10.20.0.12"


class Script:
    """Answers by address: the given reasons one after the other, the last one for ever."""

    def __init__(self, **answers: list[Reason]) -> None:
        self.answers: dict[str, Iterator[Reason]] = {}
        for address, reasons in answers.items():
            self.answers[address.removeprefix("_").replace("_", ".")] = iter(reasons + reasons[-1:] * 50)
        self.asked: list[str] = []

    def __call__(self, target: Target) -> Observation:
        self.asked.append(target.address)
        return Observation(next(self.answers[target.address]))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow at once; the clock below says that a period has passed."""
    monkeypatch.setattr("mooring.cli.once.time", SimpleNamespace(sleep=lambda _seconds: None))


def clocks() -> Clocks:
    ticks = iter(range(0, 100_000, 3))
    return Clocks(monotonic=lambda: float(next(ticks)))


def store(ready: tuple[str, ...] = (), not_ready: tuple[str, ...] = ()) -> HealthStore:
    store = HealthStore()
    store.set_members(spec(A, B), members(spec(A, B), {}, ()))
    store.seed(KEY, stored(ready, not_ready) if ready or not_ready else None)
    return store


def verdicts(store: HealthStore) -> list[str]:
    return [state.verdict.value for _, state in store.service(KEY).hosts]


def test_all_targets_are_asked_once() -> None:
    """One report each; none for none."""
    script = Script(_10_20_0_11=[Reason.OK], _10_20_0_12=[Reason.REFUSED])
    reports = ask_all([member(A).target, member(B).target], script, Clocks())
    assert [(made.target.address, made.observation.reason) for made in reports] == [(A, "ok"), (B, "refused")]
    assert ask_all([], script, Clocks()) == []


def test_new_hosts_need_one_round() -> None:
    """The first definite outcome of an address that is not stored decides."""
    script = Script(_10_20_0_11=[Reason.OK], _10_20_0_12=[Reason.REFUSED])
    settle(it := store(), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "not-ready"]
    assert len(script.asked) == 2


def test_a_stored_verdict_is_probed_until_its_threshold() -> None:
    """Three failures against ready, two successes against not ready."""
    script = Script(_10_20_0_11=[Reason.REFUSED], _10_20_0_12=[Reason.OK])
    settle(it := store((A,), (B,)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["not-ready", "ready"]
    assert script.asked.count(A) == 3


def test_unknown_outcomes_end_it_after_the_failure_threshold() -> None:
    """A host that cannot be known does not hold up the command for ever, and keeps its verdict."""
    script = Script(_10_20_0_11=[Reason.LOCAL], _10_20_0_12=[Reason.OK])
    settle(it := store((A, B)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "ready"]
    assert script.asked.count(A) == 3


def test_one_refused_login_settles_a_host() -> None:
    """Nobody logs in again and again with a wrong password; the stored verdict stays."""
    script = Script(_10_20_0_11=[Reason.AUTH], _10_20_0_12=[Reason.OK])
    settle(it := store((A, B)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "ready"]
    assert script.asked.count(A) == 1


class Restless:
    """A host that is unknown for long, and answers just before that would settle it."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, target: Target) -> Observation:
        self.asked += 1
        if self.asked > 1000:
            raise AssertionError
        return Observation(Reason.LOCAL if self.asked % 99 else Reason.OK)


def test_it_ends_whatever_the_hosts_say() -> None:
    """A host that is neither ready nor not, nor unknown often enough in a row, is left undecided."""
    listed = replace(spec(A), check=replace(spec(A).check, thresholds=Thresholds(100, 100)))
    it = HealthStore()
    it.set_members(listed, members(listed, {}, ()))
    it.seed(KEY, stored((), (A,)))
    settle(it, Restless(), clocks(), lambda _event: None)
    assert not it.settled()
    assert [member.address for member, _ in it.undecided()] == [A]


def primaries(quorum: int = 0) -> HealthStore:
    named = PrimaryQuorum("tcp", TcpOptions(), tuple((f"10.20.1.{n}", 26379) for n in range(quorum)), "the Sentinels")
    plain = spec(A, B)
    check = replace(plain.check, requirement=Requirement(Role.PRIMARY), quorum=named if quorum else None)
    listed, it = replace(plain, check=check), HealthStore()
    it.set_members(listed, members(listed, {}, ()))
    it.seed(KEY, None)
    return it


def answers(**seen: Observation) -> Callable[[Target], Observation]:
    found = {address.removeprefix("_").replace("_", "."): one for address, one in seen.items()}
    return lambda target: found.get(target.address, Observation(Reason.REFUSED))


PRIMARY = Observation(Reason.OK, facts=Facts())
REPLICA = Observation(Reason.OK, facts=Facts(read_only="read_only=1"))


def test_it_ends_without_a_majority() -> None:
    """Sentinels that do not answer leave the claim undecided, and hold nothing up."""
    it = primaries(quorum=3)
    settle(it, answers(_10_20_0_11=PRIMARY, _10_20_0_12=REPLICA), clocks(), lambda _event: None)
    ((member, state),) = it.undecided()
    assert (member.address, state.verdict.value) == (A, "never-judged")
    assert state.outcome
    assert state.outcome.message == "says that it is the primary; waits for the majority of the Sentinels"


def test_a_quorum_is_asked_before_the_hosts() -> None:
    """One round is enough where the quorum names a host: what it says is known when the host claims."""
    it = primaries(quorum=1)
    named = answers(_10_20_1_0=Observation(Reason.OK, answer=f"{A}:3306"), _10_20_0_11=PRIMARY, _10_20_0_12=REPLICA)
    settle(it, named, clocks(), lambda _event: None)
    assert (verdicts(it), it.undecided()) == (["ready", "not-ready"], ())


@pytest.mark.parametrize("first", [A, B])
def test_two_writers_are_shown_the_same_each_time(first: str) -> None:
    """Whoever answers first: both call themselves primary, and neither is published."""
    it = primaries()

    def probe(target: Target) -> Observation:
        time.sleep(0.0 if target.address == first else 0.02)
        return PRIMARY

    ask_until_steady(it, probe, Clocks())
    found = [state.outcome.reason for _, state in it.service(KEY).hosts if state.outcome]
    assert found == [Reason.SECOND_WRITER] * 2


def test_the_primary_of_several_hosts_is_shown_by_one_check() -> None:
    """It is judged once all others were heard, whoever stands first in the file."""
    it = primaries()
    ask_until_steady(it, answers(_10_20_0_11=PRIMARY, _10_20_0_12=REPLICA), Clocks())
    assert verdicts(it) == ["ready", "not-ready"]


def test_all_hosts_silent_at_once_moves_nothing() -> None:
    """The blind guard holds for commands that end, too."""
    script = Script(_10_20_0_11=[Reason.TIMEOUT], _10_20_0_12=[Reason.TIMEOUT])
    settle(it := store((A, B)), script, clocks(), lambda _event: None)
    assert verdicts(it) == ["ready", "ready"]
