"""Real daemons on a real API server, of which some see and some do not: who can work leads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.redis_services import BOTH, FIRST, NEITHER, SECOND
from lab.waiting import wait_until
from support.replicas import QUICK, Replicas

pytestmark = [pytest.mark.needs_api]
LATEST = 40.0
"""Seconds for what takes about ten on an idle machine."""


@pytest.fixture
def stage(api: Api, namespace: str) -> Iterator[Replicas]:
    with Replicas(api, namespace) as made:
        yield made


@pytest.fixture
def quick(api: Api, namespace: str) -> Iterator[Replicas]:
    """With a shorter Lease, where it is not its own time that is looked at."""
    with Replicas(api, namespace, timings=QUICK) as made:
        yield made


@pytest.mark.fault(
    "mooring",
    "The leader alone is cut off from the databases",
    "It hands over to a standby that sees them.",
    within="F x P + T, then 5 to 10 s",
)
def test_a_leader_that_is_cut_off_from_the_databases_hands_over(stage: Replicas) -> None:
    """The standby that sees them leads, and publishes the death that the former leader could not see."""
    first, second = stage.add(), stage.add()
    first.cut()
    first.wait_blind()
    stage.wait_leader(second, LATEST)
    stage.servers[1].kill()
    stage.wait_published(FIRST)
    said = first.daemon.wait_log("leader.handed_over")
    assert (said["to"], said["why"]) == (second.name, "it is blind")
    assert stage.leaders() == [first.name, second.name]
    assert stage.tenures().transitions == 1
    assert first.daemon.status()["leader"] is False


@pytest.mark.fault(
    "mooring", "The leader alone is cut off from one database", "It is not blind: that host leaves.", within="F x P + T"
)
def test_a_leader_that_is_cut_off_from_one_database_takes_it_out(quick: Replicas) -> None:
    """It is not blind: the others are not asked, and that host leaves although a standby sees it."""
    first, _second = quick.add(), quick.add()
    first.cut(1)
    quick.wait_published(FIRST)
    time.sleep(12)
    assert quick.leaders() == [first.name]
    assert not first.daemon.logs("leader.handed_over")


@pytest.mark.fault(
    "mooring", "The leader is frozen", "Beyond its Lease a standby leads, and the former writes nothing.", within="15 s"
)
@pytest.mark.parametrize(("seconds", "taken"), [(5, False), (20, True), (60, True)])
def test_a_leader_that_was_frozen(stage: Replicas, seconds: float, *, taken: bool) -> None:
    """For less than its Lease lasts it goes on leading; for longer the standby leads, and the former writes nothing."""
    first, second = stage.add(), stage.add()
    first.freeze()
    frozen = time.monotonic()
    if taken:
        stage.wait_leader(second, LATEST)
        stage.servers[1].kill()
        stage.wait_published(FIRST)
    time.sleep(max(0.0, frozen + seconds - time.monotonic()))
    first.thaw()
    time.sleep(5)
    wait_until(lambda: first.leads is not taken, 10, "the former leader to know whether it still leads")
    assert stage.leaders() == [first.name, second.name][: 1 + taken]
    if not taken:
        stage.servers[1].kill()
        stage.wait_published(FIRST)
    by = second.name if taken else first.name
    written = [(by, stage.written.of(stage.stage.key())[-1])]
    assert stage.tenures().stale(written) == []


@pytest.mark.fault(
    "mooring",
    "A thread of the leader hangs",
    "It says which, and a standby leads.",
    within="max(3 periods, 30 s), then 10 s",
)
def test_a_leader_with_a_thread_that_hangs_hands_over(stage: Replicas) -> None:
    """It says which, the standby leads; once its threads turn again it stands by."""
    first, second = stage.add(), stage.add()
    first.hang()
    stage.wait_leader(second, LATEST)
    stage.servers[1].kill()
    stage.wait_published(FIRST)
    assert first.daemon.wait_log("leader.handed_over")["to"] == second.name
    first.go_on()
    time.sleep(5)
    assert stage.leaders() == [first.name, second.name]
    assert not first.leads


def test_a_leader_with_a_thread_that_hangs_alone_renews_no_more(quick: Replicas) -> None:
    """Nobody leads until it works again: what it renews would promise a work that is not done."""
    first = quick.add()
    first.hang()
    first.daemon.wait_log("leader.lost", timeout=LATEST)
    before = len(quick.held.of(quick.stage.key("mooring")))
    time.sleep(6)
    assert len(quick.held.of(quick.stage.key("mooring"))) == before
    first.go_on()
    quick.wait_leader(first, LATEST)


def test_a_leader_whose_log_nobody_reads_goes_on_leading(quick: Replicas) -> None:
    """What listens to it stands still, and it does not: no handover, and a death is published as ever."""
    first, second = quick.add(read=False), quick.add()
    wait_until(first.log_is_full, 60, "the log to be full")
    time.sleep(5)
    quick.servers[1].kill()
    quick.wait_published(FIRST)
    assert quick.leaders() == [first.name]
    assert not second.leads


@pytest.mark.fault(
    "mooring",
    "Leader and standby are cut off from all databases",
    "Whoever sees first again leads.",
    within="nothing moves",
)
def test_both_blind_nothing_moves(quick: Replicas) -> None:
    """The leader stays, for nobody sees; whoever sees first again leads."""
    first, second = quick.add(), quick.add()
    second.cut()
    second.wait_blind()
    first.cut()
    first.wait_blind()
    time.sleep(30)
    assert quick.leaders() == [first.name]
    assert quick.written.of(quick.stage.key())[-1].ready == BOTH[0]
    second.mend()
    quick.wait_leader(second, LATEST)
    assert quick.leaders() == [first.name, second.name]


def test_of_three_the_one_that_sees_leads(quick: Replicas) -> None:
    """A second one that is blind too gets nothing."""
    first, second, third = quick.add(), quick.add(), quick.add()
    second.cut()
    second.wait_blind()
    first.cut()
    quick.wait_leader(third, LATEST)
    quick.servers[0].kill()
    quick.wait_published(SECOND)
    assert quick.leaders() == [first.name, third.name]


def test_one_that_has_just_started_leads_once_it_sees(quick: Replicas) -> None:
    """Started without a way to the databases it is not handed the Lease; with one, as soon as it has seen a host."""
    first = quick.add()
    first.cut()
    first.wait_blind()
    second = quick.add(ready=False, cut=True)
    second.wait_blind()
    time.sleep(15)
    assert quick.leaders() == [first.name]
    third = quick.add(ready=False)
    quick.wait_leader(third, LATEST)
    wait_until(lambda: third.daemon.get("/readyz")[0] == 200, 10, "it to be ready")


def test_a_sixth_daemon_has_no_voice_until_another_ends(quick: Replicas) -> None:
    """It says once that the others are not asking it, and takes the place of the first that goes."""
    five = [quick.add() for _ in range(5)]
    sixth = quick.add(ready=False)
    sixth.daemon.wait_log("observer.spare", timeout=LATEST)
    assert quick.observers() == {one.name for one in five}
    assert five[-1].daemon.stop() == 0
    wait_until(lambda: sixth.name in quick.observers(), LATEST, "its observer Lease")
    assert len(sixth.daemon.logs("observer.spare")) == 1


@pytest.mark.fault(
    "mooring",
    "Two installations use one Lease",
    "Each reports the other, once.",
    within="no blind leader hands over to the other",
)
def test_two_installations_over_one_lease_are_reported(quick: Replicas) -> None:
    """Each logs the other, once; and no blind leader hands its Lease to the other installation."""
    first = quick.add()
    quick.stage.serve("other")
    other = quick.add(("other",), ready=False)
    for one, beside in ((first, other), (other, first)):
        said = one.daemon.wait_log("lease.shared", timeout=LATEST)
        assert (said["other"], said["why"]) == (beside.name, "their files have no Service in common")
    first.cut()
    first.wait_blind()
    time.sleep(12)
    assert quick.leaders() == [first.name]
    for one in (first, other):
        assert len(one.daemon.logs("lease.shared")) == 1


def test_a_lease_that_lasts_for_years_and_one_that_is_deleted(stage: Replicas) -> None:
    """The holder of one that is deleted makes it again at once; one that lasts for years is reported."""
    first = stage.add()
    api, path = stage.stage.api.rest, f"/apis/coordination.k8s.io/v1/namespaces/{stage.stage.namespace}/leases/mooring"
    deleted = api.get(path)["metadata"]["uid"]
    api.delete(path)

    def made_again() -> bool:
        found = api.ask("GET", path)
        return found.status == 200 and found.body["metadata"]["uid"] != deleted

    wait_until(made_again, 5, "the Lease to be made again")
    stage.wait_leader(first, 5)
    api.patch(path, {"spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 2000000000}})
    said = first.daemon.wait_log("lease.absurd")
    assert (said["holder"], said["seconds"]) == ("somebody", 2000000000)
    first.daemon.wait_log("leader.lost")
    begun = time.monotonic()
    api.delete(path)
    stage.servers[1].kill()
    stage.servers[0].kill()
    stage.wait_published(NEITHER, LATEST)
    assert time.monotonic() - begun > 10, "its holder may not know yet that it was deleted"
