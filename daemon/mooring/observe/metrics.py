"""``/metrics``: what is counted event by event, and what the board shows at the moment of a scrape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from mooring import __version__
from mooring.board import Board, ServiceView
from mooring.errors import Conflict, Rejected
from mooring.events import (
    ConfigRefused,
    ConfigReloaded,
    Event,
    HostChanged,
    Overrun,
    Published,
    SessionsKilled,
    WriteFailed,
)
from mooring.model import Change, Member, Report
from mooring.observe import families, series
from mooring.observe.families import Family
from mooring.observe.tally import Distribution, Labels, Tally
from mooring.picture import SliceChange, Step
from mooring.reasons import Reason
from mooring.spec import ServiceKey
from mooring.standing import Standing

RESULTS = STORED, CONFLICT, REJECTED, UNAVAILABLE = "stored", "conflict", "rejected", "unavailable"
Sample = tuple[Labels, float]


class Metrics:
    """A listener to events, and what is told of them at a scrape. From any thread.

    ``standings``, and whether this daemon may write (``leading``), are asked at each scrape; ``loaded_at`` in Unix
    seconds.
    """

    def __init__(
        self,
        board: Board,
        standings: Callable[[], Mapping[ServiceKey, Standing]],
        loaded_at: float,
        leading: Callable[[], bool],
    ) -> None:
        self._board = board
        self._standings = standings
        self._tally = Tally()
        self._lock = threading.Lock()
        self._detection = Distribution(families.DETECTION.bounds)
        self._publish = Distribution(families.PUBLISH.bounds)
        self._writes: Mapping[type[Step], dict[str, int]] = {
            written: dict.fromkeys(RESULTS, 0) for written in (Change, SliceChange)
        }
        self._overruns = 0
        self._leading = leading
        self._reloaded, self._reloaded_at = True, loaded_at
        self._hearers: Mapping[type, Callable[[Any], None]] = {
            HostChanged: self._changed,
            SessionsKilled: self._tally.killed,
            Published: self._published,
            WriteFailed: self._write_failed,
            Overrun: self._overrun,
            ConfigReloaded: self._config_reloaded,
            ConfigRefused: self._config_refused,
        }
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def write(self, event: Event) -> None:
        """Never waits, and costs microseconds."""
        if hear := self._hearers.get(type(event)):
            hear(event)

    def probed(self, reports: Iterable[Report], judged: Iterable[tuple[Member, Reason]] = ()) -> None:
        """Probes ended: a thousand in a second, so they are no events here."""
        self._tally.probed(reports, judged)

    def seat(self) -> tuple[ServiceView, ...]:
        """From now on what is counted belongs to the members that the board has now, which are returned."""
        services = self._board.snapshot()
        self._tally.seat(member for service in services for member, _ in service.hosts)
        return services

    def page(self) -> tuple[str, bytes]:
        """Content type and text of a scrape."""
        services, standings = self.seat(), self._standings()
        parts = [
            *series.of_hosts(services, standings),
            *series.of_services(services, standings),
            *series.of_counts(self._tally.hosts()),
            series.of_sessions(services, self._tally.sessions()),
        ]
        return CONTENT_TYPE_PLAIN_0_0_4, "".join(parts).encode() + generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks of a collector: the series of the daemon itself, which are few."""
        with self._lock:
            detection, publish = self._detection.copy(), self._publish.copy()
            slices = dict(self._writes[SliceChange])
            writes = {result: count + slices[result] for result, count in self._writes[Change].items()}
        durations: dict[Labels, Distribution] = {(name,): found for name, found in self._tally.durations().items()}
        yield _histogram(families.PROBE_DURATION, durations)
        yield _gauge(families.BLIND, [((), self._board.blind())])
        yield _histogram(families.DETECTION, {(): detection})
        yield _histogram(families.PUBLISH, {(): publish})
        yield _counter(families.WRITES, (((result,), count) for result, count in writes.items()))
        yield _counter(families.SLICE_WRITES, (((result,), count) for result, count in slices.items()))
        yield _counter(families.OVERRUNS, [((), self._overruns)])
        yield _gauge(families.LEADER, [((), self._leading())])
        yield _gauge(families.RELOAD_OK, [((), self._reloaded)])
        yield _gauge(families.RELOADED_AT, [((), self._reloaded_at)])
        yield _gauge(families.BUILD, [((__version__,), 1)])

    def _changed(self, event: HostChanged) -> None:
        self._tally.changed(event)
        if event.seconds is not None:
            with self._lock:
                self._detection.observe(event.seconds)

    def _published(self, event: Published) -> None:
        with self._lock:
            self._writes[type(event.change)][STORED] += 1
            if event.seconds is not None:
                self._publish.observe(event.seconds)

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
