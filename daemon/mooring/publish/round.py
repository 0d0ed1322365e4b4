"""One round of a Service: read what is stored, decide what should be, store the difference."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from mooring.cluster.protocol import Cluster
from mooring.judge.ports import FoundPorts, find_ports
from mooring.judge.result import VerdictChange
from mooring.judge.store import HealthStore
from mooring.judge.view import ServiceView, View
from mooring.leader.elector import Leadership
from mooring.model.backoff import doubled, jittered
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable
from mooring.model.events import AddressLeftOut, Event, KeptLast, NotPublished, TrafficWarningFound
from mooring.model.objects import PublishTarget, Refusal, StoredObjects
from mooring.model.publish_events import AddressesHeld, Contested
from mooring.model.spec import Publish, ServiceKey, ServiceSpec
from mooring.plan.drain import drain, drain_news
from mooring.plan.intent import Decision
from mooring.plan.overrides import override_news, trust
from mooring.plan.repairs import contesting_rivals
from mooring.plan.select import Selection
from mooring.plan.serving import of_family
from mooring.plan.traffic_warning import find_warning, update_alarm
from mooring.publish.decision import active_pause, intent, overridden, stand_by, waiting
from mooring.publish.state import PublishState
from mooring.publish.writer import Writer

BACKOFF_SECONDS = (0.1, 5.0)
"""A failed round is tried again after the first, doubled each time up to the second, jittered."""
MOST_RETRY_AFTER_SECONDS = 60.0
"""How long at most a server's Retry-After is heeded; where a host must leave, the longest backoff is the bound."""
NEW = PublishState()


@dataclass(slots=True)
class Service:
    """One Service of the file, and what is known of its publication, which only the round under way changes."""

    spec: ServiceSpec | None
    """None: the file does not have it any more."""
    publication: PublishState = NEW
    served: bool = False
    """The cluster has said once how it serves the Service, or why it does not."""

    @property
    def has_targets(self) -> bool:
        """It is known which ports to probe."""
        spec = self.spec
        return self.served or spec is None or bool(spec.ports) or all(host.probe_port for host in spec.hosts)


class _OutdatedError(Exception):
    """Another file was taken up since the round began; the next round is due already."""


class Rounds:
    """``file`` is held while another file is taken up; ``turn`` is called before each call to the cluster.

    Each ``_with_…`` returns the publication with one thing more, and reports what is new in it.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: HealthStore,
        emit: Callable[[Event], None],
        *,
        clocks: Clocks,
        leadership: Leadership,
        on_ports: Callable[[ServiceKey, FoundPorts], None],
        turn: Callable[[ServiceKey], None],
        file: threading.Lock,
        on_left: Callable[[], None],
        identity: str = "",
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._emit = emit
        self._on_ports = on_ports
        self._on_left = on_left
        self._leadership = leadership
        self._writer = Writer(cluster, emit, leadership=leadership, clocks=clocks, turn=turn, identity=identity)
        self._monotonic = clocks.monotonic
        self._wall = clocks.wall
        self._file = file

    def round(self, service: Service) -> None:
        """Reconciles the Service once; what hinders that stands in its publication."""
        if (spec := service.spec) is None:
            return
        before = service.publication.noting(look_at=None)
        with contextlib.suppress(_OutdatedError):
            try:
                service.publication = self._reconcile(service, spec, before)
            except ClusterError as error:
                service.publication = self._failed(spec.key, before, error)

    def look(self, service: Service) -> None:
        """Learns what is stored and which ports there are, and writes nothing."""
        if (spec := service.spec) is None:
            return
        try:
            stored = self._stored(spec)
            serving = self._cluster.serving(spec)
            if isinstance(serving, PublishTarget):
                self._on_ports(spec.key, find_ports(spec.ports, serving.ports, stored))
            self._store.seed(spec.key, stored)
        except ClusterError as error:
            # It cannot be written either; its hosts are judged as if nothing were stored.
            self._store.seed(spec.key, None)
            service.publication = self._failed(spec.key, service.publication, error)

    def _reconcile(self, service: Service, spec: ServiceSpec, publication: PublishState) -> PublishState:
        """Read what is stored; seed from it once; see what people ask for; decide; store the difference."""
        stored = self._stored(spec)
        publication = publication.noting(stored=stored)
        serving = self._cluster.serving(spec)
        found = self._ports(spec, serving, stored)
        self._seed(service, spec, stored)
        service.served = True
        leads = self._leadership.may_write(self._monotonic())
        health = self._health(service, spec, followed=None if leads else stored)
        if not leads:
            return stand_by(spec, health, serving, publication, self._wall())
        if isinstance(serving, Refusal):
            return self._refused(spec.key, publication, serving)
        publication = publication.looking(health.leaving_until)
        publication = self._with_drain(spec, (*health.hosts, *health.leaving), serving, publication)
        publication = self._with_overrides(spec, serving, publication)
        if publication.pause is not None:
            return replace(publication, error=None, failures=0, retry_at=0.0)
        health = replace(health, hosts=overridden(health, publication))
        publication = self._with_unfit(health.hosts, serving, publication)
        serving = replace(serving, ports=health.spec.ports or serving.ports)
        decision = intent(spec, health, serving, publication, found)
        publication = self._with_kept(health, decision.selection, publication)
        return self._write(service, spec, decision, serving, publication, changes=health.changes)

    def _ports(self, spec: ServiceSpec, serving: PublishTarget | Refusal, stored: StoredObjects) -> FoundPorts:
        """The ports of the Service, which the hosts are probed at from now on."""
        found = find_ports(spec.ports, serving.ports if isinstance(serving, PublishTarget) else spec.ports, stored)
        if found.wanted:
            self._on_ports(spec.key, found)
        return found

    def _write(
        self,
        service: Service,
        spec: ServiceSpec,
        decision: Decision,
        serving: PublishTarget,
        publication: PublishState,
        *,
        changes: tuple[VerdictChange, ...],
    ) -> PublishState:
        """Writes what differs, while we lead by the same file; reports what hinders that, or traffic afterwards."""
        after, hindrance = self._writer.store(
            spec,
            decision,
            serving,
            publication,
            changes=changes,
            may_write=lambda: service.spec is spec and self._leadership.may_write(self._monotonic()),
        )
        if isinstance(hindrance, ClusterError):
            leaves = not after.stored.ready <= set(decision.selection.ready)
            return self._failed(spec.key, after, hindrance, leaves=leaves)
        if hindrance is not None:
            return self._refused(spec.key, after, hindrance)
        after = self._with_rivals(spec.key, after)
        return self._with_traffic_warning(spec.key, decision, serving, publication.error, after)

    def _stored(self, spec: ServiceSpec) -> StoredObjects:
        """What is stored. An account that may not read slices is no hindrance to Endpoints."""
        endpoints = self._cluster.read(spec.key)
        try:
            return StoredObjects(endpoints, self._cluster.slices(spec.key))
        except Rejected:
            if spec.publish is not Publish.ENDPOINTS:
                raise
            return StoredObjects(endpoints, hidden=True)

    def _seed(self, service: Service, spec: ServiceSpec, stored: StoredObjects) -> None:
        with self._file:
            if service.spec is not spec:
                raise _OutdatedError
            self._store.seed(spec.key, stored)

    def _health(self, service: Service, spec: ServiceSpec, *, followed: StoredObjects | None) -> ServiceView:
        """What is known of the hosts, at one moment and by one file."""
        with self._file:
            if service.spec is not spec:
                raise _OutdatedError
            if followed is not None:
                self._store.follow(spec.key, followed)
            if self._store.end_leaving(spec.key, self._monotonic()):
                self._on_left()
            return self._store.service(spec.key)

    def _with_rivals(self, key: ServiceKey, publication: PublishState) -> PublishState:
        """Reports once who changes the Service's objects again and again."""
        found = contesting_rivals(publication.repairs, self._monotonic())
        known = {(one.name, one.mooring) for one in publication.contested}
        for one in found:
            if (one.name, one.mooring) not in known:
                self._emit(Contested(key, one.name, mooring=one.mooring))
        return publication.noting(contested=found)

    def _with_traffic_warning(
        self, key: ServiceKey, decision: Decision, serving: PublishTarget, error: str | None, publication: PublishState
    ) -> PublishState:
        """Reports once what is in the way of the traffic of a Service that is published as it should be."""
        found = (
            find_warning(publication.stored, decision.desired)
            if serving.mirrored and publication.error is None and self._cluster.is_fresh(key)
            else None
        )
        alarm = update_alarm(publication.alarm, found, self._monotonic(), publication.made_at)
        publication = publication.noting(alarm=alarm).looking(alarm.look_at)
        if found is None or not alarm.active:
            return publication
        if error != found.why:
            self._emit(TrafficWarningFound(key, found.kind, found.why))
        return replace(publication, error=found.why)

    def _with_drain(
        self, spec: ServiceSpec, view: View, serving: PublishTarget, publication: PublishState
    ) -> PublishState:
        """The hosts that the Service's annotation takes out now; what is new is reported."""
        now = self._wall()
        found = drain(serving.drain, spec.hosts, view, now)
        self._store.note_drained(spec.key, found.addresses)
        for event in drain_news(spec.key, view, publication.drain, found, served=bool(publication.stored.ready)):
            self._emit(event)
        wait = None if found.ends_at is None else found.ends_at - now
        publication = publication.looking(None if wait is None else self._monotonic() + wait)
        return publication.noting(drain=found)

    def _with_overrides(self, spec: ServiceSpec, serving: PublishTarget, publication: PublishState) -> PublishState:
        """What people ask for by annotations now, reported once; and when the first of it ends."""
        pause = active_pause(serving, self._wall())
        found = trust(serving.trust, spec.hosts, self._wall())
        for event in override_news(spec.key, publication.pause, pause, publication.trust, found):
            self._emit(event)
        ends = [one for one in (pause.until if pause else None, found.ends_at) if one is not None]
        wait = min(ends) - self._wall() if ends else None
        publication = publication.looking(None if wait is None else self._monotonic() + max(0.0, wait))
        return publication.noting(pause=pause, trust=found)

    def _with_unfit(self, view: View, serving: PublishTarget, publication: PublishState) -> PublishState:
        """The addresses of a family that the Service does not have; each is reported once."""
        every = [(member, address) for member, _ in view for address in member.addresses]
        unfit = [(member, address) for member, address in every if not of_family(address, serving.families)]
        for member, address in unfit:
            if address not in publication.unfit:
                why = f"the Service has only {' and '.join(serving.families)}"
                self._emit(AddressLeftOut(member.service, member.host.name, address, why))
        return publication.noting(unfit=frozenset(address for _, address in unfit))

    def _with_kept(self, health: ServiceView, selection: Selection, publication: PublishState) -> PublishState:
        """What stays published though no host is fit for it, or though no host has it; reported once."""
        if selection.kept and selection.kept != publication.kept:
            self._emit(KeptLast(health.spec.key, selection.kept))
        if selection.held != publication.held:
            names = sorted(waiting(health, publication)) if selection.held else ()
            self._emit(AddressesHeld(health.spec.key, selection.held, tuple(names)))
        return publication.noting(kept=selection.kept, held=selection.held)

    def _failed(
        self, key: ServiceKey, publication: PublishState, error: ClusterError, *, leaves: bool = False
    ) -> PublishState:
        """A failed round is tried again later; after a first conflict at once, for the object is only another by now.

        ``leaves``: a host that is stored as ready must leave.
        """
        first, last = BACKOFF_SECONDS
        pause = jittered(doubled(first, last, publication.failures + 1))
        if isinstance(error, Conflict) and publication.failures == 0:
            return replace(publication, failures=1, retry_at=self._monotonic())
        if isinstance(error, Unavailable) and error.retry_after is not None:
            pause = max(pause, min(error.retry_after, last if leaves else MOST_RETRY_AFTER_SECONDS))
        later = replace(publication, failures=publication.failures + 1, retry_at=self._monotonic() + pause)
        return self._hindered(key, later, str(error), refused=isinstance(error, Rejected))

    def _refused(self, key: ServiceKey, publication: PublishState, refusal: Refusal) -> PublishState:
        """Until somebody changes something there is nothing to try again, whatever had failed before."""
        later = replace(publication, failures=0, retry_at=0.0, look_at=refusal.until)
        return self._hindered(key, later, refusal.why, refused=True)

    def _hindered(self, key: ServiceKey, publication: PublishState, why: str, *, refused: bool) -> PublishState:
        if why != publication.error:
            self._emit(NotPublished(key, why, refused))
        return replace(publication, error=why)
