"""Stores what should be stored, one object after the other; each write is decided on what is stored by then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mooring.cluster.protocol import Cluster
from mooring.judge.result import VerdictChange
from mooring.leader.elector import Leadership
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError, Unavailable
from mooring.model.events import AddressRemoved, Event, Published, Repaired, WriteFailed
from mooring.model.objects import (
    MANAGER,
    EndpointsWrite,
    PublishTarget,
    Refusal,
    SliceWrite,
    StoredEndpoints,
    StoredObjects,
    Write,
)
from mooring.model.publish_events import AdmissionChanged, Adopted, Effective, KeptByManifest
from mooring.model.spec import ServiceKey, ServiceSpec
from mooring.plan.admission import ADDRESSES, Stored, find_admission, note_admission, object_name
from mooring.plan.intent import Decision
from mooring.plan.plan import removed_addresses
from mooring.plan.repairs import Edit, note_repair, repair_at
from mooring.plan.writes import is_effective, needed_writes
from mooring.publish.state import PublishState

ALTERED = "an admission step of the cluster changes the addresses or ports that Mooring writes; it is tried again"
MOST_AWAITED = 64
"""The most changes of verdicts that wait to be seen in the slices; where nobody mirrors, none ever is."""
MOST_WRITES = 64
"""The most writes of one round; the next round goes on."""


class Writer:
    """``turn`` is called before each call to the cluster, so that a slow call is not taken for a hung thread.

    ``identity`` is written with each object; an object with another one shows another Mooring.
    """

    def __init__(
        self,
        cluster: Cluster,
        emit: Callable[[Event], None],
        *,
        leadership: Leadership,
        clocks: Clocks,
        turn: Callable[[ServiceKey], None],
        identity: str = "",
    ) -> None:
        self._cluster = cluster
        self._emit = emit
        self._leadership = leadership
        self._clocks = clocks
        self._turn = turn
        self._identity = identity

    def store(
        self,
        spec: ServiceSpec,
        decision: Decision,
        serving: PublishTarget,
        publication: PublishState,
        *,
        changes: tuple[VerdictChange, ...],
        may_write: Callable[[], bool],
    ) -> tuple[PublishState, Refusal | ClusterError | None]:
        """Writes until nothing is left, ``may_write`` is false, or something hinders it; returns the state, and what.

        An error: a write was not stored, or it is not known whether it was. ``changes`` are the changes of verdicts
        that the decision has taken in.
        """
        for _ in range(MOST_WRITES):
            writes = needed_writes(
                spec,
                decision.listed,
                publication.stored,
                decision.desired,
                mirrored=serving.mirrored,
                adopted=publication.desired is not None,
            )
            if isinstance(writes, Refusal):
                return publication, writes
            write, publication = self._next(writes, decision, publication)
            if write is None:
                done = publication.noting(failures=0, retry_at=0.0, desired=decision.desired, changes=changes)
                return self._with_effect(spec.key, serving, decision, done), None
            if not may_write():
                return publication, None
            try:
                publication = self._make(write, decision, publication, changes)
            except ClusterError as error:
                return self._unmade(write, decision, publication, error), error
        return publication, None

    def _with_effect(
        self, key: ServiceKey, serving: PublishTarget, decision: Decision, publication: PublishState
    ) -> PublishState:
        """Reports once that traffic follows what was stored; a folder has no traffic."""
        awaited = publication.awaited
        if not awaited or not serving.mirrored or not is_effective(key, publication.stored, decision.desired):
            return publication
        now = self._clocks.monotonic()
        self._emit(Effective(key, tuple(now - one.changed_at for one in awaited)))
        return replace(publication, awaited=())

    def _next(
        self, writes: tuple[Write, ...], decision: Decision, publication: PublishState
    ) -> tuple[Write | None, PublishState]:
        """The first write that may be made now; None: there is none, and the state says when to look again."""
        now, altered = self._clocks.monotonic(), False
        for write in writes:
            admission = find_admission(publication.admissions, write)
            if admission is not None and admission.retry_at is None:
                continue
            altered = altered or admission is not None
            at = admission.retry_at if admission else self._repair_at(write, decision, publication, now)
            if at is None or at <= now:
                return write, publication
            publication = publication.looking(at)
        return None, publication.noting(error=ALTERED if altered else None)

    def _repair_at(self, write: Write, decision: Decision, publication: PublishState, now: float) -> float | None:
        edit = self._edit(write, decision, publication)
        return None if edit is None else repair_at(publication.repairs, edit, now)

    def _edit(self, write: Write, decision: Decision, publication: PublishState) -> Edit | None:
        """The edit that the write repairs; None: it is new, or corrects what the cluster itself changed."""
        if decision.desired != publication.desired or _deletes(write) or find_admission(publication.admissions, write):
            return None
        before = write.before
        if before is None:
            return Edit(object_name(write), None)
        if before.manager in {"", MANAGER} and before.writer not in {"", self._identity}:
            return Edit(object_name(write), before.writer, mooring=True, version=before.version)
        rival = "" if before.manager == MANAGER else before.manager
        return Edit(object_name(write), rival, version=before.version)

    def _make(
        self, write: Write, decision: Decision, publication: PublishState, changes: tuple[VerdictChange, ...]
    ) -> PublishState:
        """One write, and what follows from it."""
        now, edit = self._clocks.monotonic(), self._edit(write, decision, publication)
        after, stored = self._apply(
            replace(write, writer=self._identity, extras=publication.stored.extras), publication.stored
        )
        admissions, news = note_admission(publication.admissions, write, after, self._clocks.monotonic())
        before = write.before
        if isinstance(before, StoredEndpoints) and not (before.adopted or publication.desired):
            self._emit(Adopted(write.key))
            if before.kept_by:
                self._emit(KeptByManifest(write.key, before.kept_by))
        if news:
            self._emit(AdmissionChanged(write.key, tuple(sorted(news)), again=ADDRESSES in news))
        if edit is not None:
            publication = self._repaired(write, edit, publication)
        fresh = [one for one in changes if one not in publication.changes]
        self._tell(write, decision, stored, fresh, after.version if after else "")
        made = isinstance(write, EndpointsWrite) and write.before is None
        return replace(
            publication,
            stored=stored,
            error=None,
            applied_at=self._clocks.wall(),
            changes=changes,
            awaited=(*publication.awaited, *fresh)[-MOST_AWAITED:],
            admissions=admissions,
            made_at=now if made else publication.made_at,
        )

    def _unmade(self, write: Write, decision: Decision, publication: PublishState, error: ClusterError) -> PublishState:
        """The state after a write that failed: a repair without an answer may have been made."""
        edit = self._edit(write, decision, publication) if isinstance(error, Unavailable) else None
        if edit is None:
            return publication
        now = self._clocks.monotonic()
        return replace(publication, repairs=note_repair(publication.repairs, edit, now, heard=False))

    def _repaired(self, write: Write, edit: Edit, publication: PublishState) -> PublishState:
        """Notes the repair, and reports it, unless its rival is reported as contesting already."""
        repairs = note_repair(publication.repairs, edit, self._clocks.monotonic())
        if not any((one.name, one.mooring) == (edit.rival, edit.mooring) for one in publication.contested):
            self._emit(Repaired(write.key, edit.rival or ""))
        return replace(publication, repairs=repairs)

    def _apply(self, write: Write, objects: StoredObjects) -> tuple[Stored | None, StoredObjects]:
        """Makes the write; returns the stored object (None: deleted), and all objects of the Service."""
        self._turn(write.key)
        try:
            until = self._leadership.until
            if isinstance(write, EndpointsWrite):
                endpoints = self._cluster.apply(write, until)
                return endpoints, replace(objects, endpoints=endpoints)
            after = self._cluster.apply_slice(write, until)
        except ClusterError as error:
            self._emit(WriteFailed(write, error))
            raise
        others = tuple(one for one in objects.slices if one != write.before)
        return after, replace(objects, slices=(*others, after) if after else others)

    def _tell(
        self, write: Write, decision: Decision, stored: StoredObjects, fresh: Sequence[VerdictChange], version: str
    ) -> None:
        for address in _removed(write, stored):
            if address not in decision.listed:
                self._emit(AddressRemoved(write.key, address, write.before.manager if write.before else ""))
        now = self._clocks.monotonic()
        latencies = tuple(now - one.changed_at for one in fresh)
        self._emit(Published(write, latencies, version, self._clocks.wall()))


def _deletes(write: Write) -> bool:
    return isinstance(write, SliceWrite) and write.after is None


def _removed(write: Write, stored: StoredObjects) -> tuple[str, ...]:
    """The addresses that the write took out of all of the Service's objects."""
    if isinstance(write, EndpointsWrite):
        gone = removed_addresses(write)
    else:
        gone = tuple(one.address for one in write.before.slice.endpoints) if write.before else ()
    return tuple(address for address in gone if address not in stored.ready | stored.not_ready)
