"""Stores what should be, one object after the other, each decided on what is stored by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mooring.board import Board
from mooring.clocks import Clocks
from mooring.cluster.deadline import before
from mooring.cluster.protocol import Cluster
from mooring.decide.intent import Intent
from mooring.decide.plan import Refusal, removed
from mooring.decide.repair import repaired, rests_until
from mooring.decide.steps import needed
from mooring.errors import ClusterError
from mooring.events import AddressRemoved, Event, Published, Repaired, WriteFailed
from mooring.lead import Leading
from mooring.model import Change, Serving
from mooring.picture import US, Picture, SliceChange, Step
from mooring.spec import ServiceSpec
from mooring.standing import Standing

MOST_STEPS = 64
"""In one go; what is left then is taken up in the next round."""


class Writer:
    """``turn`` is called before each call to the cluster, so that a slow one is not taken for a dead thread."""

    def __init__(
        self,
        cluster: Cluster,
        board: Board,
        emit: Callable[[Event], None],
        *,
        lead: Leading,
        clocks: Clocks,
        turn: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._board = board
        self._emit = emit
        self._lead = lead
        self._clocks = clocks
        self._turn = turn

    def store(self, spec: ServiceSpec, intent: Intent, serving: Serving, standing: Standing) -> Standing | Refusal:
        """The standing once nothing is left to write, or what forbids to write on.

        Raises:
            ClusterError: a write was not stored, or it is not known whether it was.
        """
        for _ in range(MOST_STEPS):
            steps = needed(spec, intent.listed, standing.stored, intent.wanted, mirrored=serving.mirrored)
            if isinstance(steps, Refusal):
                return steps
            if not steps:
                return replace(standing, error=None, failures=0, retry_at=0.0, desired=intent.wanted)
            if not self._lead.may_write(self._clocks.monotonic()):
                return standing
            after = self._step(steps[0], intent, standing)
            if isinstance(after, Refusal):
                return after
            standing = after
        return standing

    def _step(self, step: Step, intent: Intent, standing: Standing) -> Standing | Refusal:
        """One write, unless it would be one more round of a war about what we have stored before."""
        now, repairs = self._clocks.monotonic(), standing.repairs
        manager = step.before.manager if step.before else ""
        repair = intent.wanted == standing.desired and not _deletes(step)
        if repair:
            if rests_until(repairs, manager, now) is not None:
                return Refusal(_war(manager))
            repairs = repaired(repairs, manager, now)
        stored = self._apply(step, standing.stored)
        changed_at = self._board.changed_at(step.key)
        if repair and manager != US:
            self._emit(Repaired(step.key, manager))
        self._tell(step, intent, stored, None if changed_at == standing.changed_at else changed_at)
        applied_at = self._clocks.wall()
        return replace(standing, stored=stored, applied_at=applied_at, changed_at=changed_at, repairs=repairs)

    def _apply(self, step: Step, picture: Picture) -> Picture:
        """What is stored then."""
        self._turn()
        try:
            with before(self._lead.until):
                if isinstance(step, Change):
                    return replace(picture, endpoints=self._cluster.apply(step))
                after = self._cluster.apply_slice(step)
        except ClusterError as error:
            self._emit(WriteFailed(step, error))
            raise
        others = tuple(one for one in picture.slices if one != step.before)
        return replace(picture, slices=(*others, after) if after else others)

    def _tell(self, step: Step, intent: Intent, stored: Picture, changed_at: float | None) -> None:
        for address in _removed(step, stored):
            if address not in intent.listed:
                self._emit(AddressRemoved(step.key, address, step.before.manager if step.before else ""))
        self._emit(Published(step, None if changed_at is None else self._clocks.monotonic() - changed_at))


def _deletes(step: Step) -> bool:
    return isinstance(step, SliceChange) and step.after is None


def _removed(step: Step, stored: Picture) -> tuple[str, ...]:
    """The addresses that are in none of the Service's objects any more."""
    if isinstance(step, Change):
        gone = removed(step)
    else:
        gone = tuple(one.address for one in step.before.slice.endpoints) if step.before else ()
    return tuple(address for address in gone if address not in stored.ready | stored.not_ready)


def _war(manager: str) -> str:
    return (
        f"{manager or 'somebody'} changes this object again and again; after three repairs in a minute it is left "
        "alone for the rest of that minute. Find out who keeps it beside Mooring"
    )
