"""The group `lease`."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from mooring.cli.doctor.finding import Level
from mooring.cli.doctor.lease import LeaseFacts, findings, lease_facts
from mooring.cluster.client import Api, client_factory
from mooring.leader.election import Lease
from mooring.model.errors import Rejected
from mooring.model.moments import rfc3339
from support.fake_api import Answer, FakeApi, refuses, says

NOW = 1_790_000_000.0
HELD = Lease("pod-1", 15.0, 3, "", rfc3339(NOW, 6), "7")


def stored(holder: str | None, renewed: float | None, date: float = NOW) -> Answer:
    moment = None if renewed is None else rfc3339(renewed, 6)
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": moment}
    body = {"metadata": {"name": "mooring", "resourceVersion": "7"}, "spec": spec}
    return says(200, body, {"Date": formatdate(date, usegmt=True)})


def look(tmp_path: Path, *answers: Answer) -> tuple[LeaseFacts, list[float]]:
    waited: list[float] = []
    with FakeApi(*answers) as server:
        api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))
        return lease_facts(api, "ops", "mooring", waited.append), waited


def test_a_lease_that_is_renewed_is_sound(tmp_path: Path) -> None:
    """One call, and no waiting."""
    facts, waited = look(tmp_path, stored("pod-1", NOW - 2))
    assert findings(facts) == []
    assert waited == []


@pytest.mark.parametrize(
    ("answers", "what", "level"),
    [
        ([refuses(404)], "does not exist", Level.PROBLEM),
        ([stored(None, None)], "nobody holds", Level.PROBLEM),
        ([stored("", NOW)], "nobody holds", Level.PROBLEM),
        ([stored("pod-1", NOW - 60)], "nobody renews the Lease ops/mooring: pod-1 did at", Level.PROBLEM),
        ([stored("pod-1", NOW - 60), stored("pod-1", NOW - 54)], "the clock of pod-1", Level.WARNING),
        ([stored("pod-1", NOW + 60), stored("pod-1", NOW + 66)], "the clock of pod-1", Level.WARNING),
    ],
    ids=["missing", "given-back", "empty", "forgotten", "clock-behind", "clock-ahead"],
)
def test_a_lease_without_a_leader_is_one_finding(
    tmp_path: Path, answers: list[Answer], what: str, level: Level
) -> None:
    """A holder with another clock leads all the same: its renewals are seen."""
    (found,) = findings(look(tmp_path, *answers)[0])
    assert what in found.what
    assert found.level is level


def test_without_a_date_ours_stands_for_it(tmp_path: Path) -> None:
    """Something between us and the server may take it away."""
    body: dict[str, Any] = {"metadata": {"name": "m", "resourceVersion": "7"}}
    spec = {"holderIdentity": "p", "leaseDurationSeconds": 600, "renewTime": rfc3339(time.time(), 6)}
    facts, _ = look(tmp_path, says(200, {**body, "spec": spec}))
    assert findings(facts) == []
    facts, _ = look(tmp_path, says(200, {**body, "spec": {**spec, "renewTime": "yesterday"}}))
    assert findings(facts) == []


def test_a_missing_right_is_no_missing_lease(tmp_path: Path) -> None:
    """The group `rights` has it."""
    with pytest.raises(Rejected):
        look(tmp_path, refuses(403))


def test_where_to_look_is_said() -> None:
    """The pods of its namespace."""
    (found,) = findings(LeaseFacts("ops", "mooring", HELD, 60.0, renewed=False))
    assert "kubectl -n ops get pods" in found.mend
