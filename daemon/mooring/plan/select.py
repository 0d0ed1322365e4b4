"""Selects the addresses of one Service that are published as ready, and those as a last resort."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mooring.model.addresses import sort_key
from mooring.model.objects import StoredAddresses, StoredObjects
from mooring.model.reasons import Reason
from mooring.model.spec import Role, WhenAllFail
from mooring.model.targets import Member
from mooring.model.verdicts import HostState, Verdict

View = Sequence[tuple[Member, HostState]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Each listed address is in exactly one of ``ready`` and ``not_ready``; ``kept`` are ready only by ``keepLast``.

    ``last_resort`` are those of ``not_ready`` that may serve while no address is ready.
    """

    ready: tuple[str, ...]
    not_ready: tuple[str, ...]
    kept: tuple[str, ...] = ()
    last_resort: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    """Stored addresses of no host, which stay because a name that does not resolve yet may hold them."""


def select(members: View, stored: StoredAddresses | None, when_all_fail: WhenAllFail, min_ready: int = 1) -> Selection:
    """An address is ready if its host is judged ready and not in maintenance; ``when_all_fail`` decides where none is.

    An address of two members is ready only if both are fit. With ``role: primary`` at most one member is ready.
    """
    listed = {address for member, _ in members for address in member.addresses}
    waiting = _unneeded_backups(members, min_ready)
    fit = [_fit(member, state) and member not in waiting for member, state in members]
    if _single(members) and sum(fit) > 1:
        fit = [False] * len(fit)
    ready = listed - _addresses_of(member for (member, _), may in zip(members, fit, strict=True) if not may)
    kept: set[str] = set()
    if not ready and when_all_fail is WhenAllFail.KEEP_LAST and stored is not None:
        kept = (listed & stored.ready) - _addresses_of(
            member for member, state in members if not _may_stay(member, state)
        )
        if _single(members) and sum(not kept.isdisjoint(member.addresses) for member, _ in members) > 1:
            kept = set()
    return Selection(_sorted(ready | kept), _sorted(listed - ready - kept), _sorted(kept))


def with_last_resort(
    selection: Selection, members: View, reasons: frozenset[Reason], before: frozenset[str]
) -> Selection:
    """The selection in which hosts that are unfit for one of these reasons are a last resort.

    ``before`` are the stored last resorts: after a restart they stay until a probe shows why they are unfit.
    """
    if not reasons:
        return selection
    able = [(member, state.fault) for member, state in members if _may_stay(member, state) and not _fit(member, state)]
    seen = _addresses_of(member for member, fault in able if fault in reasons)
    unseen = before & _addresses_of(member for member, fault in able if fault is None)
    return replace(selection, last_resort=_sorted((seen | unseen).intersection(selection.not_ready)))


def hold(selection: Selection, stored: StoredObjects, waiting: frozenset[str], *, single: bool = False) -> Selection:
    """The selection while names wait to be resolved: a stored address that may be theirs stays.

    source noted on the object  | a name waits         | no name waits
    ----------------------------+----------------------+--------------
    of a name that waits        | stays                | leaves
    of another name             | leaves               | leaves
    an address of the file      | leaves               | leaves
    nothing                     | stays                | leaves

    ``waiting`` are addresses of hosts in the file, without those in maintenance or drained. ``single``: at most one
    host may be ready; then a held address is not ready beside a ready host.
    """
    if not waiting:
        return selection
    listed = {*selection.ready, *selection.not_ready}
    unlisted = (stored.ready | stored.not_ready) - listed
    memory = stored.memory
    held = frozenset(one for one in unlisted if _may_be_of(waiting, one, memory.source(one)))
    ready = held & stored.ready if not (single and selection.ready) else frozenset[str]()
    return replace(
        selection,
        ready=_sorted(ready.union(selection.ready)),
        not_ready=_sorted((held - ready).union(selection.not_ready)),
        held=_sorted(held),
    )


def _may_be_of(waiting: frozenset[str], address: str, source: str | None) -> bool:
    return source is None or (source or address) in waiting


def without(selection: Selection, unfit: frozenset[str]) -> Selection:
    """The selection without these addresses, which the Service cannot publish."""
    if not unfit:
        return selection
    parts = (selection.ready, selection.not_ready, selection.kept, selection.last_resort, selection.held)
    return Selection(*(tuple(address for address in part if address not in unfit) for part in parts))


def _unneeded_backups(members: View, min_ready: int) -> list[Member]:
    """Fit backups beyond ``min_ready``: in file order, backups fill up the number of other fit hosts."""
    able = [member for member, state in members if _fit(member, state)]
    needed = max(0, min_ready - sum(not member.host.backup for member in able))
    return [member for member in able if member.host.backup][needed:]


def _single(members: View) -> bool:
    return any(member.check.requirement.role is Role.PRIMARY for member, _ in members)


def _fit(member: Member, state: HostState) -> bool:
    return state.verdict is Verdict.READY and not member.host.maintenance


def _may_stay(member: Member, state: HostState) -> bool:
    return not member.host.maintenance and not state.self_disqualified


def _addresses_of(members: Iterable[Member]) -> set[str]:
    return {address for member in members for address in member.addresses}


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=sort_key))
