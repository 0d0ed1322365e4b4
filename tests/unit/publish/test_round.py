"""One round of a Service, over the real folder: read, decide, store. The files beside test what a round heeds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.leader.elector import NoElection
from mooring.model.clocks import Clocks
from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable
from mooring.model.events import Event, NotPublished
from mooring.model.objects import EndpointsWrite, PublishTarget, Refusal, StoredEndpoints
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceSpec
from mooring.publish.round import BACKOFF_SECONDS, MOST_RETRY_AFTER_SECONDS, Rounds, Service

A = "10.20.0.11"
NOW = 100.0


class Failing(LocalCluster):
    """A folder whose writes fail while ``error`` is set: a fake, because a folder gives no such answers."""

    error: ClusterError | None = None
    on_serving: Callable[[], None] | None = None

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        if self.on_serving is not None:
            self.on_serving()
        return super().serving(spec)

    def apply(self, change: EndpointsWrite, until: float = 0.0) -> StoredEndpoints:
        if self.error is not None:
            raise self.error
        return super().apply(change, until)


class Desk:
    """One Service with one host that is ready, and what a round needs."""

    def __init__(self, folder: Path) -> None:
        one = spec(A)
        self.cluster, self.store, self.events = Failing(folder), HealthStore(), list[Event]()
        self.store.set_members(one, members(one, {}, ()))
        self.service = Service(one)
        self.rounds = Rounds(
            self.cluster,
            self.store,
            self.events.append,
            clocks=Clocks(monotonic=lambda: NOW, wall=lambda: NOW),
            leadership=NoElection(),
            on_ports=lambda _key, _found: None,
            turn=lambda _key: None,
            file=threading.Lock(),
            on_left=lambda: None,
        )
        self.rounds.look(self.service)
        (target,) = self.store.targets()
        self.store.take([report(target, Reason.OK)])

    def round(self) -> None:
        self.rounds.round(self.service)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_round_stores_what_should_be_and_then_nothing(desk: Desk) -> None:
    """No change, no write."""
    desk.round()
    assert desk.service.publication.stored.ready == {A}
    assert desk.service.publication.error is None
    desk.cluster.error = Unavailable("a write")
    desk.round()
    assert desk.service.publication.error is None


def test_a_look_writes_nothing(desk: Desk) -> None:
    """For commands that only show what is there."""
    desk.rounds.look(desk.service)
    assert desk.cluster.read(KEY) is None


def test_a_failure_is_reported_once_and_tried_again_ever_later(desk: Desk) -> None:
    """The pauses double up to a bound, jittered; a round that works ends them."""
    first, last = BACKOFF_SECONDS
    desk.cluster.error = Unavailable("no answer")
    for failures in range(1, 12):
        desk.round()
        state, pause = desk.service.publication, min(last, first * 2.0 ** (failures - 1))
        assert (state.error, state.failures) == ("no answer", failures)
        assert pause / 2 <= state.retry_at - NOW <= pause
    assert desk.events.count(NotPublished(KEY, "no answer", refused=False)) == 1
    desk.cluster.error = None
    desk.round()
    assert (desk.service.publication.error, desk.service.publication.failures) == (None, 0)


def test_a_first_conflict_is_tried_again_at_once_and_is_no_news(desk: Desk) -> None:
    """The object is only another by now; conflicts in a row back off as any failure."""
    desk.cluster.error = Conflict("changed")
    desk.round()
    assert (desk.service.publication.retry_at, desk.service.publication.error) == (NOW, None)
    desk.round()
    assert desk.service.publication.retry_at > NOW


def test_a_server_that_asks_for_time_gets_it_within_a_bound(desk: Desk) -> None:
    """Less where a host that is stored as ready must leave: that cannot wait a minute."""
    desk.cluster.error = Unavailable("busy", 1e6)
    desk.round()
    assert desk.service.publication.retry_at - NOW == MOST_RETRY_AFTER_SECONDS
    desk.cluster.error = None
    desk.round()
    (target,) = desk.store.targets()
    for started in (10.0, 20.0, 30.0):
        desk.store.take([report(target, Reason.REFUSED, started=started)])
    desk.cluster.error = Unavailable("busy", 1e6)
    desk.round()
    assert desk.service.publication.retry_at - NOW == BACKOFF_SECONDS[1]


def test_what_the_cluster_rejects_is_reported_as_refused(desk: Desk) -> None:
    """Only people can mend it."""
    desk.cluster.error = Rejected("forbidden")
    desk.round()
    assert NotPublished(KEY, "forbidden", refused=True) in desk.events


def test_a_service_that_left_the_file_is_not_written(desk: Desk) -> None:
    """Its object stays as it is."""
    desk.service.spec = None
    desk.round()
    assert desk.cluster.read(KEY) is None


def test_a_file_that_is_taken_up_during_a_round_ends_it(desk: Desk) -> None:
    """What was decided by the former file is not seeded, and the next round is due already."""
    before = desk.service.publication

    def reload() -> None:
        desk.service.spec = spec(A)

    desk.cluster.on_serving = reload
    desk.round()
    assert desk.service.publication is before
    assert desk.cluster.read(KEY) is None
