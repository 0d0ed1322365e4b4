"""Somebody else writes the objects, too: put right and told, with nothing of his lost, and never a war."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.api import Api
from cluster.stage import (
    BOTH,
    FIRST,
    NEITHER,
    ONE,
    STRANGER,
    TWO,
    Published,
    Stage,
    last,
    published,
    redis_servers,
    subsets,
    wait_published,
)
from cluster.versions import Versions
from ground.background import Background
from ground.mooring import Daemon
from ground.servers import Redis
from ground.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

NAMES = [f"db{number}" for number in range(12)]
WAR = "changes this object again and again"


@pytest.fixture(scope="module")
def redis() -> Iterator[list[Redis]]:
    with redis_servers(2) as servers:
        yield servers


@pytest.fixture(scope="module")
def stage(api: Api) -> Iterator[Stage]:
    with api.namespace() as namespace:
        yield Stage(api, namespace)


@pytest.fixture(scope="module")
def history(api: Api, stage: Stage) -> Iterator[Versions]:
    with Versions(api, stage.namespace) as found:
        yield found
    assert found.missed == 0


@pytest.fixture(scope="module")
def daemon(stage: Stage, redis: list[Redis]) -> Iterator[Daemon]:
    with stage.daemon(stage.file(dict.fromkeys(NAMES, redis))) as started:
        started.wait_log("host.ready", service=stage.key(NAMES[0]), address=ONE)
        started.wait_log("host.ready", service=stage.key(NAMES[0]), address=TWO)
        yield started


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return iter(NAMES)


@pytest.fixture
def name(stage: Stage, daemon: Daemon, history: Versions, names: Iterator[str]) -> str:
    """A Service that is made while the daemon runs, and is served now; both of its hosts are ready."""
    made = next(names)
    stage.serve(made)
    wait_published(history, stage.key(made), [BOTH])
    return made


def seconds(history: Versions, key: str) -> float:
    """From the last version but one to the last."""
    before, after = history.of(key)[-2:]
    return after.seen - before.seen


EDITS: dict[str, tuple[dict[str, Any], Published]] = {
    "adds-an-address": (subsets([ONE, TWO, STRANGER]), ([ONE, TWO, STRANGER], [])),
    "drops-an-address": (subsets([ONE]), ([ONE], [])),
    "calls-a-host-not-ready": (subsets([ONE], [TWO]), FIRST),
    "swaps-all-addresses": (subsets([STRANGER], [TWO]), ([STRANGER], [TWO])),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edit_by_hand_is_repaired(stage: Stage, daemon: Daemon, history: Versions, name: str, edit: str) -> None:
    """Within a second it is as it should be, by one write; log and Event name who had changed it."""
    patch, edited = EDITS[edit]
    stage.edit(patch, name=name)
    wait_published(history, stage.key(name), [BOTH, edited, BOTH])
    assert seconds(history, stage.key(name)) < 1
    daemon.wait_log("endpoints.repaired", service=stage.key(name), manager="kubectl-edit")
    wait_until(lambda: any("kubectl-edit" in said for said in stage.events("Repaired", name)), 5, "the Event")


def test_unlisted_address_is_told_with_who_put_it_there(
    stage: Stage, daemon: Daemon, history: Versions, name: str
) -> None:
    """Whoever wonders where his address went finds it in the log and in `kubectl describe service`."""
    stage.edit(subsets([ONE, TWO, STRANGER]), manager="his-script", name=name)
    daemon.wait_log("address.removed", service=stage.key(name), address=STRANGER, manager="his-script")
    said = wait_until(lambda: stage.events("AddressRemoved", name), 5, "the Event")
    assert said == [f"removed {STRANGER}, which no host in the file has, put there by his-script"]


def test_deleted_object_is_made_anew(stage: Stage, daemon: Daemon, history: Versions, name: str) -> None:
    """Within a second, by one write, and as it was."""
    stage.api.rest.delete(stage.path("endpoints", name))
    wait_published(history, stage.key(name), [BOTH, None, BOTH])
    assert seconds(history, stage.key(name)) < 1
    daemon.wait_log("endpoints.repaired", service=stage.key(name))


def test_what_others_put_on_the_object_stays(stage: Stage, daemon: Daemon, history: Versions, name: str) -> None:
    """A label or an annotation of somebody else is no cause for a write."""
    after = len(daemon.output)
    stage.edit({"metadata": {"annotations": {"note": "mine"}, "labels": {"team": "a"}}}, name=name)
    daemon.wait_log("probe", after=after)
    with pytest.raises(TimeoutError):
        wait_until(lambda: len(history.of(stage.key(name))) > 2, 1.5, "a write for nothing")


class Rival(Background):
    """A second writer: does one thing again and again in a thread of its own."""

    def __init__(self, does: Callable[[int], object]) -> None:
        super().__init__()
        self._does = does
        self.done = 0

    def _run(self) -> None:
        while not self._ending.is_set():
            self._does(self.done + 1)
            self.done += 1


def test_second_writer_of_annotations(
    stage: Stage, daemon: Daemon, history: Versions, redis: list[Redis], name: str
) -> None:
    """Conflicts (409) cost a second look: each change is stored once, and not one of his writes is lost."""
    key, after, wanted = stage.key(name), len(daemon.output), [BOTH]

    def annotate(who: str) -> Rival:
        return Rival(lambda number: stage.edit({"metadata": {"annotations": {who: str(number)}}}, name=name))

    def conflicts() -> list[dict[str, Any]]:
        return [line for line in daemon.logs("endpoints.failed", after=after, service=key) if "409" in line["why"]]

    with annotate("a") as first, annotate("b") as second, annotate("c") as third:
        for turn in range(10):
            says = BOTH if turn % 2 else FIRST
            (redis[1].start if turn % 2 else redis[1].kill)()
            wanted.append(says)
            wait_until(lambda: conflicts() or last(history, key) == wanted[-1], 10, f"{wanted[-1]} to be stored")
            if conflicts():
                break
    assert conflicts(), "the writers never met"
    wait_until(lambda: last(history, key) == wanted[-1], 10, f"{wanted[-1]} to be stored after a conflict")
    if not redis[1].running:
        redis[1].start()
        wanted.append(BOTH)
        wait_until(lambda: last(history, key) == BOTH, 10, "both to be stored again")
    theirs = {"a": first.done, "b": second.done, "c": third.done}
    wait_until(lambda: len(history.of(key)) >= len(wanted) + sum(theirs.values()), 5, "every write in the record")
    assert len(history.of(key)) == len(wanted) + sum(theirs.values()), "one write of ours for each change"
    assert [said for said, _ in itertools.groupby(published(history, key))] == wanted
    marks = [json.loads(version.text or "")["metadata"].get("annotations", {}) for version in history.of(key)]
    for who, done in theirs.items():
        assert [int(at) for at, _ in itertools.groupby(mark.get(who, 0) for mark in marks)] == list(range(done + 1))


def test_no_war_with_a_second_writer_of_the_addresses(
    stage: Stage, daemon: Daemon, history: Versions, name: str
) -> None:
    """Who puts his version back each time is repaired three times, then left alone and told of; his marks stay."""
    key = stage.key(name)
    marks = {"labels": {"helm": "yes"}, "annotations": {"helm": "release 1"}}

    def put_back(_number: int) -> None:
        if last(history, key) == BOTH:
            stage.edit({"metadata": marks, **subsets([], [ONE, TWO])}, manager="helm", name=name)
        threading.Event().wait(0.05)

    after = len(daemon.output)
    with Rival(put_back):
        refused = daemon.wait_log("endpoints.refused", service=key, after=after)
        assert refused["why"].startswith(f"helm {WAR}")
        with pytest.raises(TimeoutError):
            wait_until(lambda: last(history, key) == BOTH, 2.5, "a fourth repair")
    assert published(history, key) == [BOTH, *[NEITHER, BOTH] * 3, NEITHER]
    found = [version.manifest["metadata"] for version in history.of(key)[1:] if version.manifest]
    assert all({**one["labels"], **marks["labels"]} == one["labels"] for one in found)
    assert [one["annotations"] for one in found] == [marks["annotations"]] * 7
    (standing,) = (one for one in daemon.status()["services"] if one["name"] == name)
    assert WAR in standing["error"]
    wait_until(lambda: any(WAR in said for said in stage.events("Refused", name)), 5, "the Event")
