"""The blind guard over all Services: is a host silent, or have we been cut off ourselves?

A silent failure (nothing came back at all) of a target that is ready somewhere waits for a witness before it counts:

- Anything that comes back from any target, ending no earlier than the silent probe, proves that the network was there:
  the silence is believed. So that this takes milliseconds, not a period, a few other ready targets are asked at once,
  and all others once those were silent too.
- Every ready target silent, at two addresses or more, and nothing came back since the first of these silences: blind.
  What waited is unknown, and so is every silence until something comes back, and of every probe begun before that.
  Where a new file leaves fewer than two addresses ready, blindness ends as well.
- Every ready target silent, or without an answer for a cause on our side (``local``), and nothing came back: that is
  not blindness, for not every one was silent. It is believed a moment after the longest timeout, unless the silent
  target itself runs into such a local cause by then: so its silence was ours as well.

No wait is longer than the longest period and timeout of a ready target, for every one of them is probed once in it.
Where the ready targets have fewer than two addresses, there is no witness to be had, and silence counts at once.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import inf

from mooring.model import Report, Target
from mooring.reasons import MEANINGS, Reason

FEW = 3
"""Witnesses of the first round: asking all would cost a thousand logins each time that one of a thousand hosts dies."""
WAITING = 4
"""Silent reports of one target that wait; later ones are let go, for the silence that they tell of is known."""
PATIENCE_SECONDS = 1.0
_OURS = frozenset({Reason.LOCAL, Reason.DNS, Reason.BLIND})


@dataclass(frozen=True, slots=True)
class Guard:
    """What is known of silence; times are monotonic seconds."""

    blind: bool = False
    answered_at: float = -inf
    """When something last came back."""
    sighted_at: float = -inf
    """When the last blindness ended."""
    waiting: tuple[Report, ...] = ()
    silent: frozenset[Target] = frozenset()
    """Targets whose probes were silent while something waits."""
    hindered: frozenset[Target] = frozenset()
    """Targets that could not be probed for a cause on our side while something waits."""
    asked: frozenset[Target] = frozenset()


@dataclass(frozen=True, slots=True)
class Weighed:
    """What follows from a report: whom to tell what (the report, and whether it is unknown: blind), whom to ask.

    ``changed`` is the new blindness, None where it is as before.
    """

    guard: Guard
    deliver: tuple[tuple[Report, bool], ...] = ()
    ask: frozenset[Target] = frozenset()
    changed: bool | None = None


def weigh(guard: Guard, report: Report, ready: AbstractSet[Target]) -> Weighed:
    """Takes a report, scheduled or a witness; ``ready`` are the targets that some Service holds ready now.

    Witness reports are weighed like all others, but never delivered.
    """
    reason = report.observation.reason
    if reason in _OURS:
        return _hindered(guard, report, ready)
    if not MEANINGS[reason].silent:
        return _answered(guard, report)
    return _silent(guard, report, ready)


def _answered(guard: Guard, report: Report) -> Weighed:
    """Something came back: what waits and ended before that is believed, and sight is back."""
    answered_at = max(guard.answered_at, report.ended)
    if not guard.blind and not guard.waiting:
        return Weighed(replace(guard, answered_at=answered_at), _itself(report))
    believed = tuple(waiting for waiting in guard.waiting if waiting.ended <= answered_at)
    rest = tuple(waiting for waiting in guard.waiting if waiting.ended > answered_at)
    after = Guard(
        answered_at=answered_at,
        sighted_at=report.ended if guard.blind else guard.sighted_at,
        waiting=rest,
        silent=frozenset(waiting.target for waiting in rest),
    )
    deliver = _all(believed, blind=False) + _itself(report)
    return Weighed(after, deliver, changed=False if guard.blind else None)


def _hindered(guard: Guard, report: Report, ready: AbstractSet[Target]) -> Weighed:
    """No word of the target: if its own silence waits, that was ours too."""
    if not guard.waiting:
        return Weighed(guard, _itself(report))
    target = report.target
    ours = tuple(waiting for waiting in guard.waiting if waiting.target == target)
    after = replace(
        guard,
        waiting=tuple(waiting for waiting in guard.waiting if waiting.target != target),
        silent=guard.silent - {target},
        hindered=guard.hindered | {target},
    )
    return _then(_resolve(after, report, ready), _all(ours, blind=True) + _itself(report))


def _silent(guard: Guard, report: Report, ready: AbstractSet[Target]) -> Weighed:
    if guard.blind and not _guarded(ready):
        return Weighed(replace(guard, blind=False), _itself(report, blind=True), changed=False)
    if guard.blind or report.started < guard.sighted_at:
        return Weighed(guard, _itself(report, blind=True))
    if report.ended <= guard.answered_at or report.target not in ready or not _guarded(ready):
        return _then(_resolve(guard, report, ready), _itself(report))
    waiting, silent = guard.waiting, guard.silent
    if waiting or not report.witness:
        silent |= {report.target}
    if not report.witness and sum(other.target == report.target for other in waiting) < WAITING:
        waiting = (*waiting, report)
    after = replace(guard, waiting=waiting, silent=silent, hindered=guard.hindered - {report.target})
    return _resolve(after, report, ready)


def _resolve(guard: Guard, report: Report, ready: AbstractSet[Target]) -> Weighed:
    """What the silence so far proves, and whom to ask where it proves nothing yet."""
    if not guard.waiting:
        return Weighed(_rested(guard))
    if not _guarded(ready):
        return Weighed(_rested(guard), _all(guard.waiting, blind=False))
    if ready <= guard.silent:
        return Weighed(replace(_rested(guard), blind=True), _all(guard.waiting, blind=True), changed=True)
    if not ready <= guard.silent | guard.hindered:
        ask = _witnesses(guard, report, ready)
        return Weighed(replace(guard, asked=guard.asked | ask), ask=ask)
    patience = max(target.timeout for target in ready) + PATIENCE_SECONDS
    if report.ended < min(waiting.ended for waiting in guard.waiting) + patience:
        return Weighed(guard)
    return Weighed(_rested(guard), _all(guard.waiting, blind=False))


def _witnesses(guard: Guard, report: Report, ready: AbstractSet[Target]) -> frozenset[Target]:
    """A few, the next by address, so that not all ask the same; then all others; none while one asked is not heard."""
    heard = guard.silent | guard.hindered
    if guard.asked & ready - heard:
        return frozenset()
    unheard = frozenset(ready - heard)
    if guard.asked:
        return unheard
    here = (report.target.address, report.target.port)
    ring = sorted(unheard, key=lambda target: ((target.address, target.port) <= here, target.address, target.port))
    return frozenset(ring[:FEW])


def _guarded(ready: AbstractSet[Target]) -> bool:
    first = next(iter(ready), None)
    return first is not None and any(target.address != first.address for target in ready)


def _rested(guard: Guard) -> Guard:
    return replace(guard, waiting=(), silent=frozenset(), hindered=frozenset(), asked=frozenset())


def _itself(report: Report, *, blind: bool = False) -> tuple[tuple[Report, bool], ...]:
    return () if report.witness else ((report, blind),)


def _all(reports: tuple[Report, ...], *, blind: bool) -> tuple[tuple[Report, bool], ...]:
    return tuple((report, blind) for report in reports)


def _then(weighed: Weighed, deliver: tuple[tuple[Report, bool], ...]) -> Weighed:
    """What waited goes first: of one target, the older report."""
    return replace(weighed, deliver=weighed.deliver + deliver)
