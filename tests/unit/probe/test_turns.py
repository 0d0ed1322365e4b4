"""Turns without a session: which are skipped, and which wait for another connection of the account to end."""

from __future__ import annotations

from mooring.model.clocks import Clocks
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.probe.account import Account
from mooring.probe.backoff import Backoff, after
from mooring.probe.connects import FreshProbes
from mooring.probe.loop import Loop
from mooring.probe.target_state import ProbePurpose, TargetProbe
from mooring.probe.turns import Turns
from support.engine_harness import TERMS
from support.probe_once import target_of

TARGET = target_of("mysql", "127.0.0.1", 1, timeout=1.0)
REFUSED = Observation(Reason.AUTH, "1045: Access denied")


class FullAccount(Account):
    """An account that may open nothing: a fake, for a real one needs a server that hangs."""

    def make_room(self, now: float) -> bool:
        del now
        return False


class Stage:
    """Turns over an account, in a loop that does not run; the test sets the time."""

    def __init__(self) -> None:
        self.now = 1000.0
        clocks = Clocks(monotonic=lambda: self.now)
        loop = Loop(clocks)
        self.reports: list[Report] = []
        self.again: list[tuple[Target, ...]] = []
        self.probes: dict[Target, TargetProbe] = {}
        sharing: dict[Account, list[TargetProbe]] = {}
        self.turns = Turns(
            loop, clocks, self.probes, sharing, {}, on_reports=self.reports.extend, ask_again=self.again.append
        )
        self.account = FullAccount(
            TARGET,
            loop,
            FreshProbes(loop, clocks),
            clocks,
            on_lost=self.turns.lost,
            on_replaced=self.turns.replaced,
            on_answers=self.turns.hear,
            on_free=self.turns.freed,
        )
        self.probe = TargetProbe(TARGET, TERMS, self.account)
        self.probes[TARGET] = self.probe
        sharing[self.account] = [self.probe]
        self._loop = loop

    def begin(self, purpose: ProbePurpose = ProbePurpose.TURN) -> None:
        self.probe.purpose = purpose
        self.turns.begin(self.probe)

    def step(self) -> None:
        """Runs the timers that are due and the tasks that were handed in."""
        self._loop._run_timers()
        self._loop._run_handed()


def test_a_turn_waits_for_the_account_until_its_deadline() -> None:
    """It is a `timeout` then, with the time at which it began."""
    stage = Stage()
    stage.begin()
    stage.now += 0.9
    stage.step()
    assert (stage.reports, stage.probe.rests) == ([], False)
    stage.now += 0.1
    stage.step()
    (report,) = stage.reports
    assert (report.observation.reason, report.started, report.ended) == (Reason.TIMEOUT, 1000.0, 1001.0)
    assert "an earlier login or question has not ended" in report.observation.message
    assert stage.probe.rests


def test_a_turn_that_the_backoff_holds_back_has_no_report() -> None:
    """The last refusal stays the outcome; the next turn that is due already follows."""
    stage = Stage()
    stage.account.backoff = after(Backoff(), REFUSED, stage.now, logged_in=False)
    stage.begin(ProbePurpose.TURN_AND_NEXT)
    stage.step()
    assert (stage.reports, stage.probe.rests, stage.again) == ([], True, [(TARGET,)])


def test_a_turn_that_waited_until_a_login_was_refused_has_that_refusal() -> None:
    """The login of another target at the same account answers for it."""
    stage = Stage()
    stage.begin()
    stage.now += 0.5
    stage.account.backoff = after(Backoff(), REFUSED, stage.now, logged_in=False)
    stage.turns.freed(stage.account, late=False)
    stage.step()
    (report,) = stage.reports
    assert (report.observation, report.started) == (REFUSED, 1000.0)


def test_a_probe_out_of_turn_does_not_begin_beside_another() -> None:
    """The one under way serves as well, and keeps its purpose."""
    stage = Stage()
    stage.begin()
    stage.turns.ask_besides(stage.probe, ProbePurpose.EXPEDITED)
    assert stage.probe.purpose is ProbePurpose.TURN
