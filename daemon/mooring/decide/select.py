"""One Service: which of its addresses are published as ready."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mooring.decide.addresses import sort_key
from mooring.model import HostState, Member, Stored, Verdict, WhenAllFail


@dataclass(frozen=True, slots=True)
class Selection:
    """Each listed address in exactly one of ``ready`` and ``not_ready``; ``kept`` are those ready by policy only."""

    ready: tuple[str, ...]
    not_ready: tuple[str, ...]
    kept: tuple[str, ...] = ()


def select(members: Sequence[tuple[Member, HostState]], stored: Stored | None, when_all_fail: WhenAllFail) -> Selection:
    """Ready is what was judged ready and is not in maintenance; where that is nobody, the policy speaks.

    An address that is listed twice is ready only if both entries allow it.
    """
    listed = {member.address for member, _ in members}
    ready = listed - {member.address for member, state in members if not _fit(member, state)}
    kept: set[str] = set()
    if not ready and when_all_fail is WhenAllFail.KEEP_LAST and stored is not None:
        kept = (listed & stored.ready) - {member.address for member, state in members if not _may_stay(member, state)}
    return Selection(_sorted(ready | kept), _sorted(listed - ready - kept), _sorted(kept))


def hold(selection: Selection, stored: Stored | None) -> Selection:
    """The selection while a name waits to be resolved: a stored address that nobody lists may be its, and stays."""
    if stored is None:
        return selection
    listed = {*selection.ready, *selection.not_ready}
    ready, not_ready = stored.ready - listed, stored.not_ready - listed
    return Selection(
        _sorted(ready.union(selection.ready)), _sorted(not_ready.union(selection.not_ready)), selection.kept
    )


def without(selection: Selection, unfit: frozenset[str]) -> Selection:
    """The selection without these addresses, which cannot be published at all."""
    parts = (selection.ready, selection.not_ready, selection.kept)
    return Selection(*(tuple(address for address in part if address not in unfit) for part in parts))


def _fit(member: Member, state: HostState) -> bool:
    return state.verdict is Verdict.READY and not member.maintenance


def _may_stay(member: Member, state: HostState) -> bool:
    return not member.maintenance and not state.barred


def _sorted(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(addresses, key=sort_key))
