"""Somebody else writes the objects, too: put right and reported, with nothing of his lost, and never in a storm."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from kube.api import Api
from kube.redis_services import (
    BOTH,
    FIRST,
    ONE,
    STRANGER,
    TWO,
    Published,
    Stage,
    last,
    published,
    subsets,
    wait_published,
)
from kube.versions import Versions
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import happens, wait_until
from support.background import Background

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

SOON_SECONDS = 10.0
"""From an edit to its repair, on a busy machine; the look that needs no news comes after 30 s."""
NAMES = [f"db{number}" for number in range(12)]
ADMISSION = "admissionregistration.k8s.io"
RELABEL = """Object{metadata: Object.metadata{labels: {"app.kubernetes.io/managed-by": "platform-team"}}}"""


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


@pytest.mark.fault(
    "objects", "Somebody edits the Endpoints", "Repaired by one write; log and Event name who.", within="1 s"
)
@pytest.mark.parametrize("edit", EDITS)
def test_edit_by_hand_is_repaired(stage: Stage, daemon: Daemon, history: Versions, name: str, edit: str) -> None:
    """At once it is as it should be, by one write; log and Event name who had changed it."""
    patch, edited = EDITS[edit]
    stage.edit(patch, name=name)
    wait_published(history, stage.key(name), [BOTH, edited, BOTH])
    assert seconds(history, stage.key(name)) < SOON_SECONDS
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


@pytest.mark.fault("objects", "Somebody deletes the Endpoints", "Made again as it was, by one write.", within="1 s")
def test_deleted_object_is_made_anew(stage: Stage, daemon: Daemon, history: Versions, name: str) -> None:
    """At once, by one write, and as it was."""
    stage.api.rest.delete(stage.path("endpoints", name))
    wait_published(history, stage.key(name), [BOTH, None, BOTH])
    assert seconds(history, stage.key(name)) < SOON_SECONDS
    daemon.wait_log("endpoints.repaired", service=stage.key(name))


def test_what_others_put_on_the_object_stays(stage: Stage, daemon: Daemon, history: Versions, name: str) -> None:
    """A label or an annotation of somebody else is no cause for a write."""
    after = len(daemon.output)
    stage.edit({"metadata": {"annotations": {"note": "mine"}, "labels": {"team": "a"}}}, name=name)
    daemon.wait_log("probe", after=after)
    assert not happens(lambda: len(history.of(stage.key(name))) > 2, 1.5), "a write for nothing"


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


@pytest.mark.fault(
    "objects",
    "Somebody writes annotations at the same time (409)",
    "A second look: none of both writes is lost.",
    within="the next try",
)
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


@pytest.mark.fault(
    "objects", "Somebody puts a version back again and again", "Repaired each time, and named.", within="2 s"
)
def test_a_second_writer_of_the_addresses_is_repaired_for_as_long_as_he_goes_on(
    stage: Stage, daemon: Daemon, history: Versions, name: str
) -> None:
    """Who puts his version back is repaired each time, with two seconds between, and named; his marks stay."""
    key = stage.key(name)
    marks = {"labels": {"helm": "yes"}, "annotations": {"helm": "release 1"}}

    def put_back(_number: int) -> None:
        if last(history, key) == BOTH:
            stage.edit({"metadata": marks, **subsets([], [ONE, TWO])}, manager="helm", name=name)
        threading.Event().wait(0.05)

    after = len(daemon.output)
    with Rival(put_back):
        contested = daemon.wait_log("service.contested", service=key, after=after)
        wait_until(lambda: len(repairs(history, key)) >= 5, 30, "a fifth repair")
    wait_until(lambda: last(history, key) == BOTH, 30, "the last repair")
    assert contested["manager"] == "helm"
    wait_until(lambda: len(daemon.logs("endpoints.written", service=key)) > 5, 10, "a line for each repair")
    told = [datetime.fromisoformat(one["timestamp"]) for one in daemon.logs("endpoints.written", service=key)]
    pauses = [(later - sooner).total_seconds() for sooner, later in itertools.pairwise(told[1:])]
    assert min(pauses) > 1.0
    found = [version.manifest["metadata"] for version in history.of(key)[1:] if version.manifest]
    assert all({**one["labels"], **marks["labels"]} == one["labels"] for one in found)
    assert all({**one["annotations"], **marks["annotations"]} == one["annotations"] for one in found)
    (standing,) = (one for one in daemon.status()["services"] if one["name"] == name)
    assert standing["contested"] == [{"manager": "helm", "mooring": False}]
    wait_until(lambda: stage.events("Contested", name), 5, "the Event")


def repairs(history: Versions, key: str) -> list[float]:
    """When each repair was seen."""
    said = zip(history.of(key), published(history, key), strict=True)
    return [version.seen for version, what in list(said)[1:] if what == BOTH]


@pytest.mark.fault(
    "objects",
    "An admission policy changes what Mooring writes",
    "Reported once, and not written again and again.",
    within="nothing moves",
)
def test_a_policy_that_relabels_costs_one_write(
    stage: Stage, daemon: Daemon, history: Versions, redis: list[Redis], name: str
) -> None:
    """A MutatingAdmissionPolicy that sets our label otherwise is reported once; traffic and verdicts go on."""
    key = stage.key(name)
    with relabelling(stage, name):
        edited = int(stage.edit(subsets([ONE]), name=name)["metadata"]["resourceVersion"])

        def written() -> list[Published | None]:
            """What was stored after the edit; the record of the versions is a little late."""
            found = zip(history.of(key), published(history, key), strict=True)
            return [what for version, what in found if version.revision > edited]

        wait_until(written, 5, "the repair")
        assert not happens(lambda: len(written()) > 1, 4), "a write for nothing"
        assert written() == [BOTH]
    assert len(daemon.logs("endpoints.admission_changed", service=key)) == 1
    (standing,) = (one for one in daemon.status()["services"] if one["name"] == name)
    mirrorless = "no EndpointSlice mirrors"  # after a while: this cluster runs no controllers
    assert (standing["error"] or mirrorless).startswith(mirrorless)


@contextlib.contextmanager
def relabelling(stage: Stage, name: str) -> Iterator[None]:
    """A policy of the cluster, in force."""
    policy = {
        "apiVersion": f"{ADMISSION}/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": "relabel"},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["endpoints"]}
                ]
            },
            "matchConditions": [{"name": "one", "expression": f"object.metadata.name == '{name}'"}],
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": RELABEL}}],
        },
    }
    binding = {
        "apiVersion": f"{ADMISSION}/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": "relabel"},
        "spec": {"policyName": "relabel"},
    }
    both = json.dumps({"apiVersion": "v1", "kind": "List", "items": [policy, binding]})
    stage.api.kubectl("apply", "-f", "-", stdin=both)
    try:
        wait_until(lambda: _relabelled(stage, name), 15, "the policy to be in force")
        yield
    finally:
        stage.api.kubectl("delete", "-f", "-", stdin=both)


def _relabelled(stage: Stage, name: str) -> bool:
    stage.edit({"metadata": {"annotations": {"probe": "x"}}}, name=name)
    found = stage.api.rest.get(stage.path("endpoints", name))
    return bool(found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "platform-team")
