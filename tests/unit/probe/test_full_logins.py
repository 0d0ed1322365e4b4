"""When the next full login is due, and which other targets what it found concerns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.probe.account import Account
from mooring.probe.backoff import Backoff
from mooring.probe.full_logins import AGAIN, FullLogins
from mooring.probe.login_pace import SPREAD, LoginPace
from mooring.probe.target_state import TargetProbe
from support.engine_harness import TERMS
from support.probe_once import target_of

PACE = LoginPace(interval=40.0, retry_base=10.0)
OK, FAILED = Observation(Reason.OK, not_after=1.8e9), Observation(Reason.REFUSED, "nobody listens")
PERIOD = TERMS.period


class StandInAccount:
    """Opens what it is asked to, and never ends it: a fake, for the test says what a login found."""

    def __init__(self) -> None:
        self.backoff = Backoff()
        self.opened: list[object] = []
        self.room = True
        self.login_hangs_since: float | None = None

    def may_log_in(self, now: float) -> bool:
        return now >= self.backoff.next_at

    def awaited_refusal(self, _now: float) -> Observation | None:
        return self.backoff.refusal

    def make_room(self, _now: float) -> bool:
        return self.room

    def open(self, target: object, _on_end: object, *, urgent: bool) -> None:
        assert not urgent
        self.opened.append(target)


@dataclass
class Stage:
    """Targets by the name of their account; all of them at one address."""

    accounts: dict[str, StandInAccount] = field(default_factory=dict)
    probes: list[TargetProbe] = field(default_factory=list)
    sharing: dict[Account, list[TargetProbe]] = field(default_factory=dict)
    neighbours: dict[str, list[TargetProbe]] = field(default_factory=dict)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.logins = FullLogins(lambda: self.now, self.sharing, self.neighbours)

    def add(self, account: str, address: str = "10.20.0.1") -> TargetProbe:
        own = self.accounts.setdefault(account, StandInAccount())
        target = target_of("redis", address, 6379, key=f"switch{len(self.probes)}")
        probe = TargetProbe(target, TERMS, own)  # type: ignore[arg-type]  # stands in for one
        probe.pace = PACE
        self.probes.append(probe)
        self.sharing.setdefault(own, []).append(probe)  # type: ignore[arg-type]  # as above
        self.neighbours.setdefault(address, []).append(probe)
        return probe

    def ended(
        self, probe: TargetProbe, seen: Observation, *, first: bool = False, started: float | None = None
    ) -> None:
        self.logins.note(probe, self.now if started is None else started, seen, first=first)


def reason(probe: TargetProbe) -> Reason:
    assert probe.login is not None
    return probe.login.observation.reason


def test_the_next_login_follows_after_the_interval() -> None:
    """A tenth sooner or later."""
    stage = Stage()
    probe = stage.add("one")
    for _ in range(50):
        stage.ended(probe, OK)
        assert SPREAD[0] * 40.0 <= probe.login_at - stage.now <= SPREAD[1] * 40.0


def test_sessions_that_were_opened_together_log_in_apart() -> None:
    """From the retry interval to the whole: five hundred hosts that came back do not log in at once for ever."""
    stage = Stage()
    probe = stage.add("one")
    waits = []
    for _ in range(300):
        stage.ended(probe, OK, first=True)
        waits.append(probe.login_at - stage.now)
    assert min(waits) < 15.0
    assert max(waits) > 35.0
    assert all(SPREAD[0] * 10.0 <= wait <= SPREAD[1] * 40.0 for wait in waits)


def test_a_failed_login_is_tried_again_soon() -> None:
    """After a quarter of the interval without the budget."""
    stage = Stage()
    probe = stage.add("one")
    stage.ended(probe, FAILED)
    assert SPREAD[0] * AGAIN * 10.0 <= probe.login_at - stage.now <= SPREAD[1] * AGAIN * 10.0


def test_a_login_counts_for_all_targets_of_its_account() -> None:
    """They have its date and its certificate, and log in by turns: the other is due first."""
    stage = Stage()
    one, other, stranger = stage.add("one"), stage.add("one"), stage.add("two", "10.20.0.2")
    for probe in (one, other, stranger):
        stage.ended(probe, replace(OK, not_after=None), first=True)
    stage.now += 30.0
    stage.ended(one, OK)
    assert other.login is not None
    assert (other.login.completed_at, other.login.observation.not_after) == (stage.now, 1.8e9)
    assert one.login_at == other.login_at + PERIOD
    assert stranger.login is not None
    assert stranger.login.completed_at == stage.now - 30.0


@pytest.mark.parametrize("why", ["none yet", "failed", "caution", "under way"])
def test_who_needs_a_login_of_its_own_has_it(why: str) -> None:
    """A first one, one after a failure, one that may lift a caution; one that is under way says for itself."""
    stage = Stage()
    one, other = stage.add("one"), stage.add("one")
    if why != "none yet":
        words = {"failed": FAILED, "caution": replace(OK, caution="a grant is missing"), "under way": OK}
        stage.ended(other, words[why])
        other.logs_in = why == "under way"
    stage.now += 5.0
    before = other.login
    stage.ended(one, OK)
    assert other.login is before


@pytest.mark.parametrize("account", ["one", "two"])
def test_a_login_that_fails_hurries_the_others_at_its_address(account: str) -> None:
    """Also those with other credentials; once, until it changes again."""
    stage = Stage()
    one, other, stranger = stage.add("one"), stage.add(account), stage.add("one", "10.20.0.2")
    for probe in (one, other, stranger):
        stage.ended(probe, OK, first=True)
    stage.ended(one, FAILED)
    assert (other.login_at, stranger.login_at > stage.now) == (0.0, True)
    assert one.login_at > stage.now
    stage.ended(other, FAILED)
    stage.ended(one, FAILED)
    assert (reason(other), one.login_at > stage.now, other.login_at > stage.now) == (Reason.REFUSED, True, True)
    stage.ended(one, OK)
    assert other.login_at == 0.0, "it may be back for the other, too"


def test_a_login_that_may_have_read_old_files_counts_for_nobody() -> None:
    """It is made again at the next answer."""
    stage = Stage()
    one, other = stage.add("one"), stage.add("one")
    stage.ended(other, OK)
    before, one.renewed_at = other.login, stage.now + 1.0
    stage.now += 2.0
    stage.ended(one, OK, started=stage.now - 1.5)
    assert (one.login_at, other.login) == (0.0, before)


def test_a_login_begins_once_it_is_due_and_there_is_room() -> None:
    """One at a time, not during a backoff, and at most fifty a second with a tenth of that at once."""
    stage = Stage()
    probe = stage.add("one")
    account = stage.accounts["one"]
    probe.login_at = stage.now + 1.0
    stage.logins.begin_if_due(probe, stage.now)
    stage.now += 1.0
    account.room = False
    stage.logins.begin_if_due(probe, stage.now)
    account.room, account.backoff = True, replace(Backoff(), next_at=stage.now + 1.0)
    stage.logins.begin_if_due(probe, stage.now)
    assert (account.opened, probe.logs_in) == ([], False)
    account.backoff = Backoff()
    for _ in range(2):
        stage.logins.begin_if_due(probe, stage.now)
    assert (account.opened, probe.logs_in) == ([probe.target], True)
    for _ in range(9):
        stage.logins.begin_if_due(stage.add("one"), stage.now)
    assert len(account.opened) == 5


@pytest.mark.parametrize("refused", [True, False])
def test_a_login_that_hangs_is_one_of_each_target_of_its_account(refused: bool) -> None:  # noqa: FBT001
    """While it is waited for, no other begins: after its own timeout each target judges by it, and hurries others."""
    stage = Stage()
    probe, other = stage.add("one"), stage.add("two")
    account = stage.accounts["one"]
    for each in (probe, other):
        stage.ended(each, OK)
    account.room = False
    stage.now = probe.login_at
    stage.logins.begin_if_due(probe, stage.now + 100.0)
    assert reason(probe) is Reason.OK, "a login is under way in time, or a question hangs"
    account.login_hangs_since = stage.now + 1.0
    if refused:
        account.backoff = replace(Backoff(), refusal=Observation(Reason.AUTH))
    stage.now += 1.0 + probe.target.timeout - 0.1
    stage.logins.begin_if_due(probe, stage.now)
    assert reason(probe) is Reason.OK
    stage.now += 0.1
    stage.logins.begin_if_due(probe, stage.now)
    assert reason(probe) is (Reason.AUTH if refused else Reason.TIMEOUT)
    assert (account.opened, probe.logs_in, other.login_at) == ([], False, 0.0)
