"""The daemon with one bug planted: ``python -P mutants.py BUG run --config …``, to show that the oracle finds it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mooring.cli import main as cli
from mooring.judge import host, store
from mooring.judge.blind import Guard, GuardResult
from mooring.model.objects import EndpointsWrite
from mooring.model.probes import Report
from mooring.model.reasons import Effect, Reason
from mooring.model.spec import Thresholds
from mooring.model.targets import Target
from mooring.model.verdicts import Outcome
from mooring.plan import intent, writes
from mooring.probe import connects, turns


def ready_early() -> None:
    """One success fewer than the file asks for."""
    _judge(lambda outcome, thresholds: (outcome, Thresholds(thresholds.success - 1, thresholds.failure)))


def ready_late() -> None:
    """Ten times as many successes as the file asks for."""
    _judge(lambda outcome, thresholds: (outcome, Thresholds(10 * thresholds.success, thresholds.failure)))


def unready_early() -> None:
    """One failure fewer than the file asks for."""
    _judge(lambda outcome, thresholds: (outcome, Thresholds(thresholds.success, thresholds.failure - 1)))


def unknown_demotes() -> None:
    """A password that is turned away is taken for a dead host."""

    def change(outcome: Outcome, thresholds: Thresholds) -> tuple[Outcome, Thresholds]:
        return (Outcome(Reason.REFUSED) if outcome.effect is Effect.UNKNOWN else outcome), thresholds

    _judge(change)


def _judge(change: Callable[[Outcome, Thresholds], tuple[Outcome, Thresholds]]) -> None:
    true = vars(host)["judge"]
    _plant(
        host,
        "judge",
        lambda state, outcome, thresholds, *when, **facts: true(state, *change(outcome, thresholds), *when, **facts),
    )


def no_guard() -> None:
    """Silence is always believed, also that of all hosts at once."""

    def weigh(guard: Guard, report: Report, ready: frozenset[Target]) -> GuardResult:
        return GuardResult(guard, () if report.witness else ((report, False),))

    _plant(store, "weigh", weigh)


def both_lists() -> None:
    """A ready address is listed as not ready, too."""
    true = vars(intent)["select"]

    def select(*given: Any) -> Any:
        selection = true(*given)
        return replace(selection, not_ready=(*selection.not_ready, *selection.ready))

    _plant(intent, "select", select)


def rewrites() -> None:
    """What is stored already is written again."""
    true = vars(writes)["plan"]

    def plan(key: Any, listed: Any, adopt: Any, stored: Any, desired: Any, *, adopted: bool, **more: Any) -> Any:
        found = true(key, listed, adopt, stored, desired, adopted=adopted, **more)
        return found or EndpointsWrite(key, stored, desired, **more)

    _plant(writes, "plan", plan)


def unlisted() -> None:
    """An address that nobody listed is published."""
    true = vars(intent)["endpoints_subsets"]

    def endpoints_subsets(selection: Any, ports: Any) -> Any:
        return true(replace(selection, not_ready=(*selection.not_ready, "10.77.0.250")), ports)

    _plant(intent, "endpoints_subsets", endpoints_subsets)


def patient() -> None:
    """A probe waits twice as long as it may."""
    asked, fresh = vars(turns)["PendingQuestion"], vars(connects)["FreshProbe"]
    _plant(
        turns,
        "PendingQuestion",
        lambda target, exchange, now, _: asked(target, exchange, now, now + _longer(target).timeout),
    )
    _plant(connects, "FreshProbe", lambda target, *how, **who: fresh(_longer(target), *how, **who))


def _longer(target: Target) -> Target:
    return replace(target, timeout=2.0 * target.timeout)


def _plant(room: Any, name: str, bug: Callable[..., Any]) -> None:
    if name not in vars(room):
        raise AttributeError(f"{room.__name__} has no {name} to replace")
    setattr(room, name, bug)


BUGS: Mapping[str, tuple[Callable[[], None], str]] = {
    "ready-early": (ready_early, "I1"),
    "ready-late": (ready_late, "due"),
    "unready-early": (unready_early, "I2"),
    "unknown-demotes": (unknown_demotes, "I2"),
    "no-guard": (no_guard, "I2"),
    "both-lists": (both_lists, "I3"),
    "rewrites": (rewrites, "I7"),
    "unlisted": (unlisted, "I8"),
    "patient": (patient, "I10"),
}
"""Each bug, and the law that it breaks."""

if __name__ == "__main__":
    BUGS[sys.argv[1]][0]()
    sys.exit(cli.main(sys.argv[2:]))
