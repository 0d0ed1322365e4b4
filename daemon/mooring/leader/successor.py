"""To whom an outvoted leader hands the Lease: a daemon to which fewer of its ready hosts are silent.

A ready host | is silent to another daemon
--- | ---
that is silent to us, and whose silence the other one answers by ``sees`` | no
that is silent to us, and on which it abstains or has not said yet | yes: it may be no better off
that is not silent to us, and that its statement lists | yes
that is not silent to us, and that its statement does not list | no

A daemon that is in trouble, that rests after a handover, whose statement has no room for its silent hosts, or that
belongs to another installation gets no Lease. All times are monotonic seconds of this process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mooring.leader.ballot import NONE, Ballot
from mooring.leader.installation import Services, are_disjoint
from mooring.leader.vantage import Slot, Vantage
from mooring.model.silence import Outlook


def count_silent(ballot: Ballot, me: str, outlook: Outlook, silences: Mapping[str, int]) -> int:
    """How many of our ready hosts are silent to another daemon, by the table above.

    ``silences``: the numbers of those that are silent to us, by ``address:port``.
    """
    seen = ballot.answers.get(me, NONE).sees
    ours = {place for place in outlook.ready if silences.get(place) and silences[place] not in seen}
    return len(ours | (ballot.silent.keys() & outlook.ready))


def note_outlook(
    state: Vantage, services: Services, outlook: Outlook, silences: Mapping[str, int], now: float
) -> Vantage:
    """Takes which ready hosts are silent to this daemon; remembers since when each other one sees more."""
    if not outlook.outvoted:
        return replace(state, better={}) if state.better else state
    mine = sum(1 for place in outlook.ready if silences.get(place))
    found: dict[str, tuple[float, int]] = {}
    for slot in state.fresh(now):
        if slot.lease and _is_able(slot, services):
            silent = count_silent(slot.statement.ballot, state.me, outlook, silences)
            if silent < mine:
                found[slot.lease.holder] = state.better.get(slot.lease.holder, (now, 0))[0], silent
    return replace(state, better=found)


def _is_able(slot: Slot, services: Services) -> bool:
    said = slot.statement
    return not (said.trouble or said.rests or said.ballot.many or are_disjoint(services, said.services))


def find_better(state: Vantage, now: float, seconds: float) -> str:
    """The fresh observer that sees most, of those that have seen more than we for so long; empty: none."""
    fresh = {slot.lease.holder for slot in state.fresh(now) if slot.lease}
    able = [(silent, who) for who, (since, silent) in state.better.items() if who in fresh and now - since >= seconds]
    return min(able, default=(0, ""))[1]
