"""The document of one Service or host with all that it has been through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.health_stores import probe, service, store_of
from lab.values import KEY, stored
from mooring.judge.record import Stored
from mooring.judge.store import HealthStore
from mooring.model.reasons import Reason
from mooring.model.spec import Config
from mooring.model.verdicts import Verdict
from mooring.observe import history
from mooring.observe.history import Histories
from mooring.observe.status import Process, document

A, B = "10.20.0.11", "10.20.0.12"
WALL = 1_700_000_060.0
SPEC = service(A, B)


@pytest.fixture
def store() -> HealthStore:
    """A host that three refused connections took out, beside one that was not probed."""
    made = store_of(SPEC, of=stored(ready=(A, B)))
    probe(made, A, Reason.OK, *[Reason.REFUSED] * 3)
    made.records(KEY)[A].note_stored(Verdict.NOT_READY, Stored(1_700_000_006.5, "Endpoints", "4711"))
    return made


def found(store: HealthStore, *path: str) -> Any:
    histories = Histories(
        lambda: document(Config((SPEC,), "abc"), store, {}, Process("here-1", WALL)), store, lambda: WALL
    )
    return json.loads(json.dumps(histories.find(path)))


def test_a_host_has_its_outcomes_and_its_transitions(store: HealthStore) -> None:
    """With time, reason, latency and place; each transition from its first evidence to the stored version."""
    answer = found(store, "default", "mysql-external", A)
    assert (answer["at"], answer["identity"]) == ("2023-11-14T22:14:20.000Z", "here-1")
    one, other = answer["services"][0]["hosts"]
    assert one["outcomes"] == [
        {
            "reason": reason,
            "message": "",
            "counts": True,
            "probed": f"{A}:3306",
            "count": count,
            "firstAt": first,
            "lastAt": last,
            "fastestSeconds": 0.01,
            "slowestSeconds": 0.01,
        }
        for reason, count, first, last in (
            ("ok", 1, "2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.000Z"),
            ("refused", 3, "2023-11-14T22:13:22.000Z", "2023-11-14T22:13:26.000Z"),
        )
    ]
    seeded, out = one["transitions"]
    assert (seeded["at"], seeded["reason"], seeded["stored"]) == (None, None, None)
    assert out == {
        "at": "2023-11-14T22:13:26.000Z",
        "evidenceAt": "2023-11-14T22:13:21.990Z",
        "from": "ready",
        "to": "not-ready",
        "reason": "refused",
        "message": "",
        "counts": True,
        "probed": f"{A}:3306",
        "streak": 3,
        "stored": {"at": "2023-11-14T22:13:26.500Z", "object": "Endpoints", "version": "4711"},
    }
    assert one["explanation"].startswith("out since 22:13:26 UTC: 3 of 3 failures, refused at 10.20.0.11:3306: ")
    assert one["explanation"].endswith("; other hosts of the Service: 1 ready")
    assert "outcomes" not in other


def test_a_service_has_the_records_of_all_its_hosts(store: HealthStore) -> None:
    """One that was not probed has none, and its explanation says so."""
    one, other = found(store, "default", "mysql-external")["services"][0]["hosts"]
    assert (len(one["outcomes"]), other["outcomes"]) == (2, [])
    assert "not been probed yet" in other["explanation"]


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("default",),
        ("default", "other"),
        ("other", "mysql-external"),
        ("default", "mysql-external", "db9"),
        ("a",) * 4,
    ],
)
def test_what_is_not_there_is_none(store: HealthStore, path: tuple[str, ...]) -> None:
    """No Service, no host, or no such path."""
    assert found(store, *path) is None


def test_a_service_of_many_restless_hosts_has_their_latest_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that takes seconds to make helps nobody; one host alone has all that is kept of it."""
    monkeypatch.setattr(history, "MOST_SHOWN", 20)
    made = store_of(SPEC, of=stored(ready=(A, B)))
    for address in (A, B):
        probe(made, address, *[Reason.OK, Reason.LOADING] * 8)
    both = found(made, "default", "mysql-external")["services"][0]["hosts"]
    assert [len(one["outcomes"]) for one in both] == [10, 10]
    one = found(made, "default", "mysql-external", A)["services"][0]["hosts"][0]
    assert len(one["outcomes"]) == 16
    assert one["outcomes"][-1] == both[0]["outcomes"][-1]
