"""The blind guard over all Services: is a host down, or is Mooring itself cut off from the network?

A silent failure (no packet came back) of a target that is ready in some Service waits for a witness before it counts:

- Any target answers, and its answer ends no earlier than the silent probe: the network works, and the silence counts.
  The guard asks a few other ready targets at once. It asks all others once those are silent too. So the wait takes
  milliseconds and not a period.
- Every ready target is silent, at two addresses or more, and nothing has come back since the first silence: Mooring is
  blind. The waiting reports become unknown. Every later silence is unknown until something comes back. A probe that
  began before that moment stays unknown, too. Blindness also ends where a new file leaves fewer than two addresses
  ready.
- Some ready targets are silent, all others fail locally (``local``), and nothing has come back: Mooring is not blind.
  The silence counts after the longest timeout and a second, unless the silent target fails locally by then.

No wait is longer than the longest period and timeout of a ready target, because each is probed once in that time.
Where the ready targets have fewer than two addresses, there is no witness, and silence counts at once.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import inf

from mooring.model.probes import Report
from mooring.model.reasons import MEANINGS, Reason
from mooring.model.targets import Target

FEW = 3
"""Witnesses of the first round: asking all would cost a thousand logins whenever one of a thousand hosts dies."""
WAITING = 4
"""Silent reports of one target that wait at most; the guard drops later ones, because they show nothing new."""
PATIENCE_SECONDS = 1.0
_OURS = frozenset({Reason.LOCAL, Reason.DNS, Reason.BLIND})


@dataclass(frozen=True, slots=True)
class Guard:
    """The state of the guard; times are monotonic seconds."""

    blind: bool = False
    answered_at: float = -inf
    """When the last probe ended to which something came back."""
    blindness_ended_at: float = -inf
    """When the last blindness ended."""
    waiting: tuple[Report, ...] = ()
    silent: frozenset[Target] = frozenset()
    """Targets whose last probe was silent; empty while no report waits."""
    failed_locally: frozenset[Target] = frozenset()
    """Targets that Mooring could not probe for a cause on its own side; empty while no report waits."""
    asked: frozenset[Target] = frozenset()


@dataclass(frozen=True, slots=True)
class GuardResult:
    """``deliver``: reports to judge, each with whether blindness makes it unknown. ``ask``: witnesses to ask now.

    ``changed``: whether Mooring is blind now, where this report changed that; None: it did not.
    """

    guard: Guard
    deliver: tuple[tuple[Report, bool], ...] = ()
    ask: frozenset[Target] = frozenset()
    changed: bool | None = None


def weigh(guard: Guard, report: Report, ready: AbstractSet[Target]) -> GuardResult:
    """Takes a scheduled report or that of a witness; ``ready`` are the targets that are ready in some Service now.

    A witness moves the guard like any other report, but the guard never delivers it.
    """
    reason = report.observation.reason
    if reason in _OURS:
        return _take_local_failure(guard, report, ready)
    if not MEANINGS[reason].silent:
        return _take_answer(guard, report)
    return _take_silence(guard, report, ready)


def _take_answer(guard: Guard, report: Report) -> GuardResult:
    """Something came back: silences that ended before it count, and blindness ends."""
    answered_at = max(guard.answered_at, report.ended)
    if not guard.blind and not guard.waiting:
        return GuardResult(replace(guard, answered_at=answered_at), _deliver_one(report))
    believed = tuple(waiting for waiting in guard.waiting if waiting.ended <= answered_at)
    rest = tuple(waiting for waiting in guard.waiting if waiting.ended > answered_at)
    after = Guard(
        answered_at=answered_at,
        blindness_ended_at=report.ended if guard.blind else guard.blindness_ended_at,
        waiting=rest,
        silent=frozenset(waiting.target for waiting in rest),
    )
    deliver = _deliver_all(believed, blind=False) + _deliver_one(report)
    return GuardResult(after, deliver, changed=False if guard.blind else None)


def _take_local_failure(guard: Guard, report: Report, ready: AbstractSet[Target]) -> GuardResult:
    """The target failed locally: a silence of it that waits was a local failure, too."""
    if not guard.waiting:
        return GuardResult(guard, _deliver_one(report))
    target = report.target
    ours = tuple(waiting for waiting in guard.waiting if waiting.target == target)
    after = replace(
        guard,
        waiting=tuple(waiting for waiting in guard.waiting if waiting.target != target),
        silent=guard.silent - {target},
        failed_locally=guard.failed_locally | {target},
    )
    return _append(_resolve(after, report, ready), _deliver_all(ours, blind=True) + _deliver_one(report))


def _take_silence(guard: Guard, report: Report, ready: AbstractSet[Target]) -> GuardResult:
    if guard.blind and not _has_two_addresses(ready):
        return GuardResult(replace(guard, blind=False), _deliver_one(report, blind=True), changed=False)
    if guard.blind or report.started < guard.blindness_ended_at:
        return GuardResult(guard, _deliver_one(report, blind=True))
    if report.ended <= guard.answered_at or report.target not in ready or not _has_two_addresses(ready):
        return _append(_resolve(guard, report, ready), _deliver_one(report))
    waiting, silent = guard.waiting, guard.silent
    if waiting or not report.witness:
        silent |= {report.target}
    if not report.witness and sum(other.target == report.target for other in waiting) < WAITING:
        waiting = (*waiting, report)
    after = replace(guard, waiting=waiting, silent=silent, failed_locally=guard.failed_locally - {report.target})
    return _resolve(after, report, ready)


def _resolve(guard: Guard, report: Report, ready: AbstractSet[Target]) -> GuardResult:
    """Decides what waits, if the silences so far allow that; else returns the witnesses to ask."""
    if not guard.waiting:
        return GuardResult(_without_waiting(guard))
    if not _has_two_addresses(ready):
        return GuardResult(_without_waiting(guard), _deliver_all(guard.waiting, blind=False))
    if ready <= guard.silent:
        return GuardResult(
            replace(_without_waiting(guard), blind=True), _deliver_all(guard.waiting, blind=True), changed=True
        )
    if not ready <= guard.silent | guard.failed_locally:
        ask = _witnesses(guard, report, ready)
        return GuardResult(replace(guard, asked=guard.asked | ask), ask=ask)
    patience = max(target.timeout for target in ready) + PATIENCE_SECONDS
    if report.ended < min(waiting.ended for waiting in guard.waiting) + patience:
        return GuardResult(guard)
    return GuardResult(_without_waiting(guard), _deliver_all(guard.waiting, blind=False))


def _witnesses(guard: Guard, report: Report, ready: AbstractSet[Target]) -> frozenset[Target]:
    """First a few, the next by address, so that each silent host has other witnesses; then all others.

    No more while one that was asked has not reported.
    """
    heard = guard.silent | guard.failed_locally
    if guard.asked & ready - heard:
        return frozenset()
    unheard = frozenset(ready - heard)
    if guard.asked:
        return unheard
    here = (report.target.address, report.target.port)
    ring = sorted(unheard, key=lambda target: ((target.address, target.port) <= here, target.address, target.port))
    return frozenset(ring[:FEW])


def _has_two_addresses(ready: AbstractSet[Target]) -> bool:
    first = next(iter(ready), None)
    return first is not None and any(target.address != first.address for target in ready)


def _without_waiting(guard: Guard) -> Guard:
    return replace(guard, waiting=(), silent=frozenset(), failed_locally=frozenset(), asked=frozenset())


def _deliver_one(report: Report, *, blind: bool = False) -> tuple[tuple[Report, bool], ...]:
    return () if report.witness else ((report, blind),)


def _deliver_all(reports: tuple[Report, ...], *, blind: bool) -> tuple[tuple[Report, bool], ...]:
    return tuple((report, blind) for report in reports)


def _append(weighed: GuardResult, deliver: tuple[tuple[Report, bool], ...]) -> GuardResult:
    """Reports that waited come first, so that those of one target keep their order."""
    return replace(weighed, deliver=weighed.deliver + deliver)
