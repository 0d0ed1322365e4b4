"""/metrics: what a scrape says after what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lab.health_stores import place, probe, service, store_of
from lab.values import KEY, PORTS, member, report, stored, target
from mooring import __version__
from mooring.judge.store import HealthStore
from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable
from mooring.model.events import (
    ClockJumped,
    ConfigRefused,
    ConfigReloaded,
    Event,
    HostChanged,
    Overrun,
    Published,
    WriteFailed,
)
from mooring.model.objects import EndpointsWrite, Slice, SliceWrite, StoredObjects, Subset
from mooring.model.probes import Report
from mooring.model.publish_events import Effective
from mooring.model.reasons import Reason
from mooring.model.verdicts import HostState, Verdict
from mooring.observe.families import FAMILIES
from mooring.observe.metrics import Metrics
from mooring.publish.state import PublishState

A, B = "10.20.0.11", "10.20.0.12"
CHANGE = EndpointsWrite(KEY, stored((A,)), (Subset((), (A,), PORTS),))
SLICE = SliceWrite(KEY, None, Slice("mysql-external-mooring-ipv4-0", "IPv4", (), PORTS))
DOWN = HostState(Verdict.NOT_READY)


@pytest.fixture
def store() -> HealthStore:
    return store_of(service(A, B), of=stored((A,)))


@pytest.fixture
def metrics(store: HealthStore) -> Metrics:
    made = Metrics(
        store, lambda: {KEY: PublishState(stored=StoredObjects(stored((A,))))}, 1_700_000_000.0, lambda: True
    )
    made.track()
    return made


def scrape(metrics: Metrics) -> dict[str, dict[str, float]]:
    """Name of a sample → its labels' values joined → value."""
    kind, text = metrics.page()
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[" ".join(sample.labels.values())] = sample.value
    return found


def test_every_family_is_there_with_its_type_and_meaning(metrics: Metrics) -> None:
    """Before anything has happened, each metric of the table is announced, and the process's own are, too."""
    text = metrics.page()[1].decode().splitlines()
    for family in FAMILIES:
        assert f"# HELP {family.name} {family.meaning}" in text
        assert f"# TYPE {family.name} {family.kind}" in text
    assert {line.split()[2] for line in text if line.startswith("# TYPE mooring_")} == {f.name for f in FAMILIES}
    assert any(line.startswith("process_resident_memory_bytes ") for line in text)


def test_it_begins_with_what_is_known(metrics: Metrics) -> None:
    """A daemon that has just started says what it is, and counts from nought."""
    found = scrape(metrics)
    assert found["mooring_build_info"] == {__version__: 1}
    assert found["mooring_config_last_reload_successful"] == {"": 1}
    assert found["mooring_config_last_reload_success_timestamp_seconds"] == {"": 1_700_000_000.0}
    assert found["mooring_writes_total"] == {"stored": 0, "conflict": 0, "rejected": 0, "unavailable": 0}
    assert [found[f"mooring_{name}"][""] for name in ("leader", "blind", "overruns_total")] == [1, 0, 0]
    assert found["mooring_service_ready_hosts"] == {"default mysql-external": 1}


@pytest.mark.parametrize(
    ("events", "name", "samples"),
    [
        ([Published(CHANGE), Published(CHANGE, (0.02,))], "mooring_writes_total", {"stored": 2}),
        ([Published(CHANGE), Published(SLICE)], "mooring_writes_total", {"stored": 2}),
        ([Published(CHANGE), Published(SLICE)], "mooring_slice_writes_total", {"stored": 1}),
        ([WriteFailed(SLICE, Conflict("changed"))], "mooring_slice_writes_total", {"stored": 0, "conflict": 1}),
        ([Published(CHANGE), Published(CHANGE, (0.02,))], "mooring_publish_seconds_count", {"": 1}),
        ([Effective(KEY, (0.02, 0.03))], "mooring_effective_seconds_bucket", {"0.01": 0, "0.025": 1, "+Inf": 2}),
        ([Published(CHANGE, (0.02,))], "mooring_publish_seconds_sum", {"": 0.02}),
        ([Published(CHANGE, (0.02,))], "mooring_publish_seconds_bucket", {"0.01": 0, "0.025": 1, "+Inf": 1}),
        ([Overrun(target())] * 3, "mooring_overruns_total", {"": 3}),
        ([ConfigRefused(("bad",), 7.0)], "mooring_config_last_reload_successful", {"": 0}),
        (
            [ConfigRefused(("bad",), 7.0)],
            "mooring_config_last_reload_success_timestamp_seconds",
            {"": 1_700_000_000.0},
        ),
        ([ConfigRefused(("bad",), 7.0), ConfigReloaded("h", 8.0)], "mooring_config_last_reload_successful", {"": 1}),
        ([ConfigReloaded("h", 8.0)], "mooring_config_last_reload_success_timestamp_seconds", {"": 8.0}),
        ([HostChanged(member(), DOWN, Verdict.READY, 3, 4.0)], "mooring_detection_seconds_sum", {"": 4.0}),
        ([HostChanged(member(), DOWN, Verdict.UNJUDGED, 1)], "mooring_detection_seconds_count", {"": 0}),
        (
            [HostChanged(member(), DOWN, Verdict.READY, 3, 4.0)],
            "mooring_transitions_total",
            {f"default mysql-external {A} {A} not-ready": 1, f"default mysql-external {A} {A} ready": 0},
        ),
        ([report(target())], "mooring_probes_total", {f"default mysql-external {A} {A} success ok": 1}),
        ([report(target())] * 2, "mooring_probe_duration_seconds_count", {"tcp": 2}),
        ([ClockJumped(5.0)], "mooring_blind", {"": 0}),
    ],
)
def test_an_event_is_counted(
    metrics: Metrics, events: list[Event | Report], name: str, samples: dict[str, float]
) -> None:
    """Each event moves its metric, and what is none of metrics' is heard in silence."""
    for event in events:
        if isinstance(event, Report):
            metrics.probed([event])
        else:
            metrics.write(event)
    assert samples.items() <= scrape(metrics)[name].items()


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (Conflict("changed"), "conflict"),
        (Rejected("forbidden"), "rejected"),
        (Unavailable("no answer"), "unavailable"),
        (ClusterError("odd"), "unavailable"),
    ],
)
def test_a_write_that_was_not_stored_is_counted_by_its_cause(
    metrics: Metrics, error: ClusterError, result: str
) -> None:
    """A conflict is everyday, a refusal is not: they can be told apart."""
    metrics.write(WriteFailed(CHANGE, error))
    counted = scrape(metrics)["mooring_writes_total"]
    assert [name for name, count in counted.items() if count] == [result]


def test_series_of_a_host_that_left_the_file_disappear(metrics: Metrics, store: HealthStore) -> None:
    """No alert goes on about a host or a Service that is gone."""
    for address in (A, B):
        metrics.probed([report(target(address))])
    place(store, service(A))
    assert not any(B in who for samples in scrape(metrics).values() for who in samples)
    store.drop(KEY)
    assert not any("mysql-external" in who for samples in scrape(metrics).values() for who in samples)


def test_a_new_host_is_there_before_its_first_probe(metrics: Metrics, store: HealthStore) -> None:
    """It is shown as not ready, never judged, with counters at nought."""
    place(store, service("10.20.0.13"))
    found = scrape(metrics)
    assert found["mooring_host_ready"] == {"default mysql-external 10.20.0.13 10.20.0.13": 0}
    assert set(found["mooring_transitions_total"].values()) == {0}


def test_blindness_is_that_of_the_health_store(metrics: Metrics, store: HealthStore) -> None:
    """1 while nothing answers at all, and back to 0 at the first answer."""
    store.seed(KEY, None)
    for address in (A, B):
        probe(store, address, Reason.OK)
    for address in (A, B):
        probe(store, address, Reason.TIMEOUT, at=2.0)
    assert scrape(metrics)["mooring_blind"] == {"": 1}
    assert {who.rpartition(" ")[2] for who in scrape(metrics)["mooring_host_unknown"]} == {"blind"}
    probe(store, A, Reason.OK, at=10.0)
    assert scrape(metrics)["mooring_blind"] == {"": 0}


def test_one_that_may_not_write_yet_says_so(store: HealthStore) -> None:
    """A standby is no leader."""
    assert scrape(Metrics(store, dict, 0.0, lambda: False))["mooring_leader"] == {"": 0}


def test_a_lease_that_another_installation_uses_is_shown(store: HealthStore) -> None:
    """One where it is seen, zero where it is not, and without an election."""
    shared = True
    metrics = Metrics(store, dict, 0.0, lambda: False, lease_shared=lambda: shared)
    assert scrape(metrics)["mooring_lease_shared"] == {"": 1}
    shared = False
    assert scrape(metrics)["mooring_lease_shared"] == {"": 0}
    assert scrape(Metrics(store, dict, 0.0, lambda: False))["mooring_lease_shared"] == {"": 0}


def test_a_scrape_does_not_keep_probes_from_being_counted(metrics: Metrics) -> None:
    """Counters only rise from scrape to scrape."""
    seen = []
    for _ in range(3):
        metrics.probed([replace(report(target()), ended=0.5)])
        seen.append(sum(scrape(metrics)["mooring_probes_total"].values()))
    assert seen == [1, 2, 3]
