"""Edits, missing objects, admission steps and a second Mooring, over the real folder.

The folder stands for an API server; what only such a one does (managers, admission steps) is played and said so.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.cluster.notes import WRITER
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.leader.elector import NoElection
from mooring.model.clocks import Clocks
from mooring.model.errors import Unavailable
from mooring.model.events import Event, Published, Repaired, TrafficWarningFound
from mooring.model.objects import (
    EndpointsWrite,
    PublishTarget,
    SliceWrite,
    StoredEndpoints,
    StoredObjects,
    StoredSlice,
    Subset,
    Write,
)
from mooring.model.publish_events import AdmissionChanged, Contested
from mooring.model.reasons import Reason
from mooring.model.spec import Port, Publish, ServiceKey, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B, STRANGER = "10.20.0.11", "10.20.0.12", "10.20.0.99"


class Platform(LocalCluster):
    """A folder that plays an API server whose admission step changes what is written, as told."""

    relabels = False
    moves_ports = False
    mirrored = False
    writes = 0

    def serving(self, spec: ServiceSpec) -> PublishTarget:
        return PublishTarget(spec.ports, mirrored=self.mirrored)

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self.writes += 1
        after = super().apply(change, until)
        path = self._folder / KEY.namespace / f"{KEY.name}.yaml"
        document = yaml.safe_load(path.read_text())
        if self.relabels:
            document["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "platform-team"
        if self.moves_ports:
            for subset in document["subsets"]:
                subset["ports"] = [{"name": "mysql", "port": 9, "protocol": "TCP"}]
        if self.relabels or self.moves_ports:
            path.write_text(yaml.safe_dump(document))
            return self.read(KEY) or after
        return after

    def apply_slice(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:
        self.writes += 1
        return super().apply_slice(change, until)


class Deaf(LocalCluster):
    """A folder whose answers to writes are lost, as told: what was written is stored all the same."""

    deaf = False
    fails: type[Write] | None = None
    """What cannot be stored at all."""
    stored = 0

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:
        self._fail(change)
        after = super().apply(change, until)
        self._lose()
        return after

    def apply_slice(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:
        self._fail(change)
        after = super().apply_slice(change, until)
        self._lose()
        return after

    def _fail(self, change: Write) -> None:
        if self.fails is type(change):
            raise Unavailable("the API server does not answer")

    def _lose(self) -> None:
        self.stored += 1
        if self.deaf:
            raise Unavailable("the API server does not answer")


class Desk:
    """A Mooring over the folder, with its own time and what it reported."""

    def __init__(self, cluster: LocalCluster, publish: Publish = Publish.ENDPOINTS, identity: str = "a-1") -> None:
        one = replace(spec(A, B), publish=publish)
        self.cluster, self.store, self.events, self.now = cluster, HealthStore(), list[Event](), 100.0
        self.store.set_members(one, members(one, {}, ()))
        clocks = Clocks(monotonic=lambda: self.now, wall=lambda: 1_700_000_000.0 + self.now)
        self.leadership = NoElection()
        self.reconciler = Reconciler(
            cluster,
            self.store,
            [one],
            self.events.append,
            clocks=clocks,
            identity=identity,
            leadership=self.leadership,
        )
        self.rounds()

    def rounds(self, after: float = 0.0) -> None:
        self.now += after
        self.reconciler.wake([KEY])
        self.reconciler.rounds()

    def hear(self, address: str, reason: Reason = Reason.OK) -> None:
        self.now += 10.0
        (target,) = (one for one in self.store.targets() if one.address == address)
        self.store.take([report(target, reason, started=self.now)])
        self.rounds()

    def reported(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ready(self) -> set[str]:
        return set(StoredObjects(self.cluster.read(KEY), self.cluster.slices(KEY)).ready)

    @property
    def error(self) -> str | None:
        return self.reconciler.publications()[KEY].error

    @property
    def contested(self) -> list[tuple[str, bool]]:
        return [(one.name, one.mooring) for one in self.reconciler.publications()[KEY].contested]


def edit(folder: Path, key: ServiceKey = KEY, author: str = "") -> None:
    """Somebody puts a stranger in, in every object of the Service; ``author``: another Mooring."""
    for path in (folder / key.namespace).glob(f"{key.name}*.yaml"):
        document = yaml.safe_load(path.read_text())
        if document["kind"] == "Endpoints":
            document["subsets"] = [{"addresses": [{"ip": STRANGER}], "ports": [{"name": "mysql", "port": 3306}]}]
        else:
            document["endpoints"] = [{"addresses": [STRANGER], "conditions": {"ready": True}}]
        notes = document["metadata"].setdefault("annotations", {})
        notes["edited"] = secrets.token_hex(8)  # each edit has a version of its own, as in an API server
        if author:
            notes[WRITER] = author
        path.write_text(yaml.safe_dump(document))


def remove(folder: Path) -> None:
    for path in (folder / KEY.namespace).glob(f"{KEY.name}*.yaml"):
        path.unlink()


@pytest.fixture(params=list(Publish), ids=str)
def publish(request: pytest.FixtureRequest) -> Publish:
    mode: Publish = request.param
    return mode


def test_an_edit_is_repaired_every_two_seconds_for_as_long_as_it_goes_on(tmp_path: Path, publish: Publish) -> None:
    """A stranger never stands for longer than two seconds, whoever insists; who insists is reported once."""
    desk = Desk(LocalCluster(tmp_path), publish)
    desk.hear(A)
    for number in range(50):
        edit(tmp_path)
        desk.rounds(after=0.0 if number == 0 else 2.0)
        assert desk.ready == {A}
    assert len(desk.reported(Contested)) == 1
    assert desk.contested == [("", False)]
    assert desk.error is None


def test_a_second_edit_waits_for_the_pause_and_for_no_longer(tmp_path: Path, publish: Publish) -> None:
    """At most one repair in two seconds an object, and the daemon looks again by itself when that is over."""
    desk = Desk(LocalCluster(tmp_path), publish)
    desk.hear(A)
    for _ in range(2):
        edit(tmp_path)
        desk.rounds(after=0.1)
    assert desk.ready == {STRANGER}
    begun = desk.now - 0.1
    assert desk.reconciler.publications()[KEY].look_at == pytest.approx(begun + 2.0)
    desk.now = begun + 2.0
    desk.reconciler.rounds()
    assert desk.ready == {A}


def test_a_new_verdict_waits_for_no_pause(tmp_path: Path, publish: Publish) -> None:
    """A host that dies while somebody edits the object leaves it at once."""
    desk = Desk(LocalCluster(tmp_path), publish)
    desk.hear(A)
    desk.hear(B)
    edit(tmp_path)
    desk.rounds()
    edit(tmp_path)
    for _ in range(3):
        desk.store.take([report(t, Reason.REFUSED, started=desk.now) for t in desk.store.targets() if t.address == A])
        desk.now += 2.0
    desk.now -= 5.9
    desk.rounds()
    assert desk.ready == {B}


def test_a_missing_object_is_made_again_for_as_long_as_it_goes_missing(tmp_path: Path, publish: Publish) -> None:
    """At once, then at most once in two seconds: no Service is ever left without its object."""
    desk = Desk(LocalCluster(tmp_path), publish)
    desk.hear(A)
    for number in range(20):
        remove(tmp_path)
        desk.rounds(after=0.0 if number == 0 else 2.0)
        assert desk.ready == {A}
    remove(tmp_path)
    desk.rounds(after=0.5)
    assert desk.ready == set()
    desk.rounds(after=1.5)
    assert desk.ready == {A}
    assert desk.reported(Contested) == []


def test_no_alarm_about_mirroring_right_after_a_missing_object_was_made_again(tmp_path: Path) -> None:
    """Who copies the Endpoints has ten seconds from the moment that it is there again."""
    cluster = Platform(tmp_path)
    cluster.mirrored = True
    desk = Desk(cluster)
    desk.rounds(after=9.0)
    remove(tmp_path)
    desk.rounds(after=2.0)
    desk.rounds(after=9.0)
    assert desk.reported(TrafficWarningFound) == []
    desk.rounds(after=1.0)
    assert len(desk.reported(TrafficWarningFound)) == 1


def test_what_an_admission_step_makes_of_the_labels_is_reported_once_and_left(tmp_path: Path) -> None:
    """Traffic goes where it should, so a policy that relabels costs one write, not a storm; verdicts go on."""
    cluster = Platform(tmp_path)
    cluster.relabels = True
    desk = Desk(cluster)
    for _ in range(100):
        desk.rounds(after=1.0)
    assert cluster.writes == 1
    assert desk.reported(AdmissionChanged) == [AdmissionChanged(KEY, ("labels",), again=False)]
    desk.hear(A)
    assert desk.ready == {A}
    assert cluster.writes == 2
    assert desk.error is None
    assert len(desk.reported(AdmissionChanged)) == 1


def test_an_edit_beside_an_admission_step_is_repaired(tmp_path: Path) -> None:
    """What somebody writes is no doing of the cluster, though our label is not there."""
    cluster = Platform(tmp_path)
    cluster.relabels = True
    desk = Desk(cluster)
    desk.hear(A)
    edit(tmp_path)
    desk.rounds(after=5.0)
    assert desk.ready == {A}
    assert len(desk.reported(Repaired)) == 1


def test_ports_that_an_admission_step_changes_are_tried_again_with_patience(tmp_path: Path) -> None:
    """After 2, 4 … 60 s, with an error in the status; and well again as soon as the step is gone."""
    cluster = Platform(tmp_path)
    cluster.moves_ports = True
    desk = Desk(cluster)
    for _ in range(200):
        desk.rounds(after=1.0)
    assert 6 <= cluster.writes <= 9
    assert "admission" in (desk.error or "")
    cluster.moves_ports = False
    desk.rounds(after=60.0)
    stored = cluster.read(KEY)
    assert stored is not None
    assert stored.subsets == (Subset((), (A, B), (Port("mysql", 3306),)),)
    assert desk.error is None


def test_two_moorings_repair_each_other_three_times_a_minute_and_say_so(tmp_path: Path, publish: Publish) -> None:
    """Two files for one Service: both say who the other is, and neither writes without end."""
    first = Desk(LocalCluster(tmp_path), publish, "a-1")
    first.hear(A)
    second = Desk(LocalCluster(tmp_path), publish, "b-2")
    second.hear(B)
    second.hear(B)
    second.events.clear()
    for _ in range(60):
        first.rounds(after=0.5)
        second.rounds(after=0.5)
        first.now = second.now = max(first.now, second.now)
    assert ("b-2", True) in first.contested
    assert ("a-1", True) in second.contested
    objects = 2 if publish is Publish.BOTH else 1
    assert len(second.reported(Published)) <= 4 * objects
    assert [event for event in second.events if isinstance(event, Contested)] == [Contested(KEY, "a-1", mooring=True)]


def test_a_lost_lease_gives_no_repair_more(tmp_path: Path, publish: Publish) -> None:
    """An API server that hangs takes the Lease from both: each writes once when it has it back, and rests on."""
    first, second = Desk(LocalCluster(tmp_path), publish, "a-1"), Desk(LocalCluster(tmp_path), publish, "b-2")
    first.hear(A)
    second.hear(B)
    second.hear(B)

    def contend(turns: int) -> int:
        before = len(second.reported(Published))
        for _ in range(turns):
            first.rounds(after=0.5)
            second.rounds(after=0.5)
            first.now = second.now = max(first.now, second.now)
        return len(second.reported(Published)) - before

    assert contend(20) > 0
    for one in (first, second):
        one.leadership.until = -math.inf
        one.rounds()
        one.leadership.until = math.inf
    assert 0 < contend(10) <= (2 if publish is Publish.BOTH else 1)


@pytest.mark.parametrize(("author", "most"), [("", 30), ("a-1", 3)], ids=["by hand", "another Mooring"])
def test_a_repair_whose_answer_is_lost_counts_all_the_same(
    tmp_path: Path, publish: Publish, author: str, most: int
) -> None:
    """It was stored, whether or not we know it: one in two seconds an object, three a minute of another Mooring."""
    cluster = Deaf(tmp_path)
    desk = Desk(cluster, publish, "b-2")
    desk.hear(B)
    cluster.deaf, before = True, cluster.stored
    for _ in range(120):
        edit(tmp_path, author=author)
        desk.rounds(after=0.5)
    objects = 2 if publish is Publish.BOTH and not author else 1
    assert 2 < cluster.stored - before <= most * objects


def test_what_was_written_before_a_write_that_failed_is_not_forgotten(tmp_path: Path) -> None:
    """The slice was repaired, the Endpoints were not. So the next edit of the slice waits for its pause."""
    cluster = Deaf(tmp_path)
    desk = Desk(cluster, Publish.BOTH)
    desk.hear(A)
    edit(tmp_path)
    cluster.fails = EndpointsWrite
    desk.rounds()
    assert [one.slice.endpoints[0].address for one in cluster.slices(KEY)] == [A]
    edit(tmp_path)
    desk.rounds(after=0.5)
    assert [one.slice.endpoints[0].address for one in cluster.slices(KEY)] == [STRANGER]
