"""``/metrics``: what is counted event by event, and what the health store shows at the moment of a scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from mooring import __version__
from mooring.judge.store import HealthStore
from mooring.judge.view import ServiceView
from mooring.model.errors import Conflict, Rejected
from mooring.model.events import (
    ConfigRefused,
    ConfigReloaded,
    Event,
    HostChanged,
    Overrun,
    Published,
    SessionsKilled,
    WriteFailed,
)
from mooring.model.host_events import HostHeld
from mooring.model.objects import EndpointsWrite, SliceWrite, Write
from mooring.model.probes import Report
from mooring.model.publish_events import Effective
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey
from mooring.model.targets import Member
from mooring.observe import families, log, series
from mooring.observe.counters import Counters, Distribution, Labels
from mooring.observe.families import Family
from mooring.observe.outbox import Outbox
from mooring.publish.state import PublishState

RESULTS = STORED, CONFLICT, REJECTED, UNAVAILABLE = "stored", "conflict", "rejected", "unavailable"
Sample = tuple[Labels, float]


class Metrics:
    """Counts events, and makes the page of a scrape. From any thread.

    Each scrape asks for ``publications``, whether this daemon may write (``leading``), whether another installation has
    the same Lease (``lease_shared``), and what ``outboxes`` dropped;
    ``loaded_at`` in Unix seconds.
    """

    def __init__(
        self,
        store: HealthStore,
        publications: Callable[[], Mapping[ServiceKey, PublishState]],
        loaded_at: float,
        leading: Callable[[], bool],
        outboxes: Sequence[Outbox[Any]] = (),
        *,
        lease_shared: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._publications = publications
        self._counters = Counters()
        self._lock = threading.Lock()
        self._detection = Distribution(families.DETECTION.bounds)
        self._publish = Distribution(families.PUBLISH.bounds)
        self._effective = Distribution(families.EFFECTIVE.bounds)
        self._writes: Mapping[type[Write], dict[str, int]] = {
            written: dict.fromkeys(RESULTS, 0) for written in (EndpointsWrite, SliceWrite)
        }
        self._overruns = 0
        self._leading = leading
        self._lease_shared = lease_shared
        self._outboxes = outboxes
        self._reloaded, self._reloaded_at = True, loaded_at
        self._hearers: Mapping[type, Callable[[Any], None]] = {
            HostChanged: self._changed,
            SessionsKilled: self._counters.killed,
            HostHeld: self._counters.held,
            Published: self._published,
            Effective: self._effected,
            WriteFailed: self._write_failed,
            Overrun: self._overrun,
            ConfigReloaded: self._config_reloaded,
            ConfigRefused: self._config_refused,
        }
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def write(self, event: Event) -> None:
        """Never waits: it adds to ints, and may stay in the thread that probes or publishes."""
        if hear := self._hearers.get(type(event)):
            hear(event)

    def probed(self, reports: Iterable[Report], judged: Iterable[tuple[Member, Reason]] = ()) -> None:
        """Probes ended: a thousand in a second, so they are no events here."""
        self._counters.probed(reports, judged)

    def track(self) -> tuple[ServiceView, ...]:
        """Counts from now on for the members that the health store has now; returns its snapshot."""
        services = self._store.snapshot()
        self._counters.track(member for service in services for member, _ in service.hosts)
        return services

    def page(self) -> tuple[str, bytes]:
        """Content type and text of a scrape."""
        services, publications = self.track(), self._publications()
        parts = [
            *series.of_hosts(services, publications),
            series.of_certificates(services),
            *series.of_services(services, publications),
            *series.of_counts(self._counters.hosts()),
            series.of_sessions(services, self._counters.sessions()),
            series.of_holds(self._counters.holds()),
        ]
        return CONTENT_TYPE_PLAIN_0_0_4, "".join(parts).encode() + generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks of a collector: the series of the daemon itself, which are few."""
        with self._lock:
            detection, publish, effective = self._detection.copy(), self._publish.copy(), self._effective.copy()
            slices = dict(self._writes[SliceWrite])
            writes = {result: count + slices[result] for result, count in self._writes[EndpointsWrite].items()}
        durations: dict[Labels, Distribution] = {(name,): found for name, found in self._counters.durations().items()}
        yield _histogram(families.PROBE_DURATION, durations)
        yield _gauge(families.BLIND, [((), self._store.blind())])
        yield _histogram(families.DETECTION, {(): detection})
        yield _histogram(families.PUBLISH, {(): publish})
        yield _histogram(families.EFFECTIVE, {(): effective})
        yield _counter(families.WRITES, (((result,), count) for result, count in writes.items()))
        yield _counter(families.SLICE_WRITES, (((result,), count) for result, count in slices.items()))
        yield _counter(families.OVERRUNS, [((), self._overruns)])
        dropped = {"log": log.dropped(), **{outbox.name: outbox.dropped for outbox in self._outboxes}}
        yield _counter(families.LOG_DROPPED, (((name,), count) for name, count in dropped.items()))
        yield _gauge(families.LEADER, [((), self._leading())])
        yield _gauge(families.LEASE_SHARED, [((), self._lease_shared())])
        yield _gauge(families.RELOAD_OK, [((), self._reloaded)])
        yield _gauge(families.RELOADED_AT, [((), self._reloaded_at)])
        yield _gauge(families.BUILD, [((__version__,), 1)])

    def _changed(self, event: HostChanged) -> None:
        self._counters.changed(event)
        if event.seconds is not None:
            with self._lock:
                self._detection.observe(event.seconds)

    def _published(self, event: Published) -> None:
        with self._lock:
            self._writes[type(event.change)][STORED] += 1
            for seconds in event.latencies:
                self._publish.observe(seconds)

    def _effected(self, event: Effective) -> None:
        with self._lock:
            for seconds in event.latencies:
                self._effective.observe(seconds)

    def _write_failed(self, event: WriteFailed) -> None:
        kinds = {Conflict: CONFLICT, Rejected: REJECTED}
        result = next((result for kind, result in kinds.items() if isinstance(event.error, kind)), UNAVAILABLE)
        with self._lock:
            self._writes[type(event.change)][result] += 1

    def _overrun(self, _event: Overrun) -> None:
        with self._lock:
            self._overruns += 1

    def _config_reloaded(self, event: ConfigReloaded) -> None:
        self._reloaded, self._reloaded_at = True, event.at

    def _config_refused(self, _event: ConfigRefused) -> None:
        self._reloaded = False


def _gauge(family: Family, samples: Iterable[Sample]) -> Metric:
    found = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for values, value in samples:
        found.add_metric(values, value)
    return found


def _counter(family: Family, samples: Iterable[Sample]) -> Metric:
    found = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for values, value in samples:
        found.add_metric(values, value)
    return found


def _histogram(family: Family, found: Mapping[tuple[str, ...], Distribution]) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for values, distribution in found.items():
        metric.add_metric(values, distribution.buckets(), distribution.total)
    return metric
