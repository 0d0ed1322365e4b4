"""One Service: which of its addresses are published as ready, and which as a last resort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mooring.decide.addresses import sort_key
from mooring.model import HostState, Member, Verdict
from mooring.reasons import Reason
from mooring.spec import Role, WhenAllFail

View = Sequence[tuple[Member, HostState]]


class Held(Protocol):
    """What is stored of a Service, in whichever objects."""

    @property
    def ready(self) -> frozenset[str]: ...

    @property
    def not_ready(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Each listed address in exactly one of ``ready`` and ``not_ready``; ``kept`` are those ready by policy only.

    ``last_resort`` are those of ``not_ready`` that may serve where nobody is ready.
    """

    ready: tuple[str, ...]
    not_ready: tuple[str, ...]
    kept: tuple[str, ...] = ()
    last_resort: tuple[str, ...] = ()


def select(members: View, stored: Held | None, when_all_fail: WhenAllFail, min_ready: int = 1) -> Selection:
    """Ready is what was judged ready and is not in maintenance; where that is nobody, the policy speaks.

    An address that is listed twice is ready only if both entries allow it. Of primaries there is one or none.
    """
    listed = {address for member, _ in members for address in member.addresses}
    waiting = _held_back(members, min_ready)
    fit = [_fit(member, state) and member not in waiting for member, state in members]
    if _single(members) and sum(fit) > 1:
        fit = [False] * len(fit)
    ready = listed - _of(member for (member, _), may in zip(members, fit, strict=True) if not may)
    kept: set[str] = set()
    if not ready and when_all_fail is WhenAllFail.KEEP_LAST and stored is not None:
        kept = (listed & stored.ready) - _of(member for member, state in members if not _may_stay(member, state))
        if _single(members) and sum(not kept.isdisjoint(member.addresses) for member, _ in members) > 1:
            kept = set()
    return Selection(_sorted(ready | kept), _sorted(listed - ready - kept), _sorted(kept))


def with_last_resort(
    selection: Selection, members: View, reasons: frozenset[Reason], before: frozenset[str]
) -> Selection:
    """The selection with those as a last resort that are unfit for one of these reasons.

    ``before`` were it when they were last stored: until they are seen anew, after a restart, they stay it.
    """
    if not reasons:
        return selection
    able = [(member, state.fault) for member, state in members if _may_stay(member, state) and not _fit(member, state)]
    seen = _of(member for member, fault in able if fault in reasons)
    unseen = before & _of(member for member, fault in able if fault is None)
    return replace(selection, last_resort=_sorted((seen | unseen).intersection(selection.not_ready)))


def hold(selection: Selection, stored: Held | None, *, single: bool = False) -> Selection:
    """The selection while a name waits to be resolved: a stored address that nobody lists may be its, and stays.

    ``single``: one host may be ready; then it yields to one that was found.
    """
    if stored is None:
        return selection
    listed = {*selection.ready, *selection.not_ready}
    ready, not_ready = stored.ready - listed, stored.not_ready - listed
    if single and selection.ready:
        ready, not_ready = frozenset(), ready | not_ready
    return replace(
        selection,
        ready=_sorted(ready.union(selection.ready)),
        not_ready=_sorted(not_ready.union(selection.not_ready)),
    )


def without(selection: Selection, unfit: frozenset[str]) -> Selection:
    """The selection without these addresses, which cannot be published at all."""
    parts = (selection.ready, selection.not_ready, selection.kept, selection.last_resort)
    return Selection(*(tuple(address for address in part if address not in unfit) for part in parts))


def _held_back(members: View, min_ready: int) -> list[Member]:
    """Backups that are not needed: in the order of the file they fill up what the other hosts leave."""
    able = [member for member, state in members if _fit(member, state)]
    needed = max(0, min_ready - sum(not member.backup for member in able))
    return [member for member in able if member.backup][needed:]


def _single(members: View) -> bool:
    return any(member.requirement.role is Role.PRIMARY for member, _ in members)


def _fit(member: Member, state: HostState) -> bool:
    return state.verdict is Verdict.READY and not member.maintenance


def _may_stay(member: Member, state: HostState) -> bool:
    return not member.maintenance and not state.barred


def _of(members: Iterable[Member]) -> set[str]:
    return {address for member in members for address in member.addresses}


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=sort_key))
