"""The status document."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lab.health_stores import place, probe, store_of
from lab.values import KEY, report, spec, stored, target
from mooring import __version__
from mooring.judge.store import HealthStore
from mooring.model.damping import Floor
from mooring.model.facts import Channel, Facts
from mooring.model.objects import StoredObjects
from mooring.model.overrides import Drained
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Config, HostSpec, ServiceKey, ServiceSpec
from mooring.observe.status import Process, document, moment
from mooring.observe.summary import Document, all_ready
from mooring.plan.drain import NO_DRAIN, Drain
from mooring.publish.state import PublishState

A, B = "10.20.0.11", "10.20.0.12"
PROCESS = Process("here-1234", 1_700_000_000.0, overruns=7)


def document_of(store: HealthStore, *specs: ServiceSpec, publication: PublishState | None = None) -> Any:
    publications = {KEY: publication} if publication else {}
    return json.loads(json.dumps(document(Config(specs, "abc"), store, publications, PROCESS)))


def test_the_head_says_who_answers() -> None:
    """Version, identity, configuration and overruns, ready for JSON."""
    found = document_of(HealthStore())
    assert {key: found[key] for key in ("version", "leader", "identity", "overruns", "services")} == {
        "version": __version__,
        "leader": True,
        "identity": "here-1234",
        "overruns": 7,
        "services": [],
    }
    assert (found["holder"], found["blind"], found["apiUnheardSince"]) == (None, False, None)
    assert found["config"] == {"hash": "abc", "loadedAt": "2023-11-14T22:13:20.000Z", "error": None}


def test_a_standby_says_whose_and_since_when_the_api_was_not_heard() -> None:
    """What `status` shows as banners."""
    process = replace(PROCESS, leader=False, holder="db-a-1", unheard_since=1_700_000_000.0)
    found = document(Config((), "abc"), HealthStore(), {}, process)
    assert (found["leader"], found["holder"]) == (False, "db-a-1")
    assert found["apiUnheardSince"] == "2023-11-14T22:13:20.000Z"


def test_a_refused_file_is_told_with_its_first_problems() -> None:
    """The log has all; a thousand of them make no page."""
    problems = tuple(f"config.yaml:{line}:1: is wrong" for line in range(1, 31))
    process = replace(PROCESS, problems=problems)
    error = document(Config((), "abc"), HealthStore(), {}, process)["config"]["error"].split("\n")
    assert error == [*problems[:20], "and 10 problems more"]


def test_a_service_that_just_left_the_store_is_left_out() -> None:
    """A page that is asked for while a file is taken up shows what both have."""
    assert document_of(store_of(spec(A)), spec(A), spec(B, key=ServiceKey("default", "gone")))["services"][1:] == []


def test_a_right_answer_that_is_at_risk_says_why() -> None:
    """In the host's message, which is empty otherwise."""
    listed = spec(A)
    store = store_of(listed, of=stored((A,)))
    for caution in ("its certificate expires on 2027-01-01", ""):
        store.take([replace(report(target(A)), observation=Observation(Reason.OK, caution=caution))])
        (host,) = document_of(store, listed)["services"][0]["hosts"]
        assert (host["reason"], host["message"]) == ("ok", caution)


@pytest.mark.parametrize(
    ("in_file", "drained", "source"),
    [(False, False, None), (True, False, "file"), (False, True, "annotation"), (True, True, "file")],
)
def test_maintenance_says_who_asked_for_it(*, in_file: bool, drained: bool, source: str | None) -> None:
    """The file outweighs the annotation: taking that away would not bring the host back."""
    hosts_of = (HostSpec(A, A, maintenance=in_file), HostSpec("db3", "db3.example.com", maintenance=in_file))
    listed = replace(spec(A), hosts=hosts_of)
    publication = PublishState(drain=Drain(frozenset({A}), (A, "db3")) if drained else NO_DRAIN)
    (service,) = document_of(store_of(listed), listed, publication=publication)["services"]
    assert [(row["maintenance"], row["maintenanceSource"]) for row in service["hosts"]] == [(bool(source), source)] * 2


@pytest.mark.parametrize("named", [A, "db1", "10.20.0.99"])
def test_a_drained_host_says_who_drained_it(named: str) -> None:
    """The entry of the annotation: until when, by whom and why; null where the host is not drained."""
    listed = replace(spec(A, B), hosts=(HostSpec("db1", A, also=("10.20.0.99",)), HostSpec("db2", B)))
    entry = Drained(named, 1_700_000_000.0, "ada", "moves the disk")
    publication = PublishState(drain=Drain(frozenset({A}), ("db1",), asked=(entry,)))
    (service,) = document_of(store_of(listed), listed, publication=publication)["services"]
    wanted = {"until": "2023-11-14T22:13:20.000Z", "by": "ada", "reason": "moves the disk"}
    assert [row["drain"] for row in service["hosts"]] == [wanted, None]


def test_a_host_has_its_verdict_its_streak_and_what_is_published() -> None:
    """The streak counts against the present verdict: two of three failures, one of two successes."""
    listed = spec(A, B)
    store = store_of(listed, of=stored(ready=(A,), not_ready=(B,)))
    probe(store, A, Reason.OK, Reason.REFUSED, Reason.REFUSED)
    probe(store, B, Reason.OK)
    publication = PublishState(stored=StoredObjects(stored(ready=(A,), not_ready=(B,))), applied_at=1_700_000_060.0)
    (service,) = document_of(store, listed, publication=publication)["services"]
    assert (service["ready"], service["total"], service["error"], service["keptLast"]) == (1, 2, None, False)
    assert service["appliedAt"] == "2023-11-14T22:14:20.000Z"
    keys = ("name", "verdict", "published", "reason", "consecutive", "threshold")
    assert [tuple(host[key] for key in keys) for host in service["hosts"]] == [
        (A, "ready", "ready", "refused", 2, 3),
        (B, "not-ready", "not-ready", "ok", 1, 2),
    ]


@pytest.mark.parametrize(
    ("facts", "role", "lag"),
    [
        (Facts(), "primary", None),
        (Facts(read_only="read_only=1", channels=(Channel(A, lag=1.2345678),)), "replica", 1.234568),
        (Facts(read_only="read_only=1", channels=(Channel(A, applying=False),)), "replica", None),
        (None, None, None),
    ],
)
def test_a_host_has_its_role_and_its_lag(facts: Facts | None, role: str | None, lag: float | None) -> None:
    """As it told them with its last probe; null where it told nothing, or replication is stopped."""
    store = store_of(spec(A))
    store.take([replace(report(target(A)), observation=Observation(Reason.OK, facts=facts))])
    (service,) = document_of(store, spec(A))["services"]
    assert [(host["role"], host["lagSeconds"]) for host in service["hosts"]] == [(role, lag)]


def test_what_is_not_stored_is_not_published() -> None:
    """An address that the object lacks is published as none, not as not ready."""
    listed = spec(A)
    store = store_of(listed)
    probe(store, A, Reason.OK)
    (service,) = document_of(store, listed)["services"]
    (host,) = service["hosts"]
    assert (host["verdict"], host["published"], service["ready"]) == ("ready", "none", 0)


def test_hosts_without_an_address_or_a_port_are_shown() -> None:
    """A name that is not resolved, and a host whose Service has not told its ports, do not vanish from sight."""
    named = replace(spec(A), hosts=(HostSpec("db3", "db3.example.com"),))
    bare = replace(spec(B), ports=())
    for listed, reason, message in (
        (named, "dns", "the name has no address to publish"),
        (bare, None, "the Service's ports are not known yet"),
    ):
        store = HealthStore()
        place(store, listed)
        (service,) = document_of(store, listed)["services"]
        (host,) = service["hosts"]
        assert (host["verdict"], host["reason"], host["message"], host["published"]) == (
            "never-judged",
            reason,
            message,
            "none",
        )


UP, DOWN, RESTING, STANDING_BY, SECOND = (
    {"verdict": verdict, "maintenance": maintenance, "reason": reason}
    for verdict, maintenance, reason in (
        ("ready", False, "ok"),
        ("not-ready", False, "refused"),
        ("ready", True, "ok"),
        ("not-ready", False, "wrong-role"),
        ("not-ready", False, "second-writer"),
    )
)


@pytest.mark.parametrize(
    ("listed", "well"),
    [
        ([UP, UP], True),
        ([UP, DOWN], False),
        ([UP, RESTING], False),
        ([UP, STANDING_BY], True),
        ([STANDING_BY, STANDING_BY], False),
        ([UP, SECOND], False),
    ],
)
def test_all_is_well_where_every_host_serves_or_stands_by(listed: list[Document], *, well: bool) -> None:
    """What the exit codes of `check` and `run --once` say: a replica is no fault in the Service of its primary."""
    assert all_ready([{"hosts": listed}]) is well
    assert all_ready([{"hosts": [UP]}, {"hosts": listed}]) is well


def test_moments_are_rfc_3339() -> None:
    """In UTC, to the millisecond; null where there is none."""
    assert (moment(0.0), moment(None)) == ("1970-01-01T00:00:00.000Z", None)


def test_a_verdict_that_is_held_back_is_shown_with_its_rule() -> None:
    """The streak stands at its threshold, however long it goes on."""
    listed = replace(spec(A, B), keep_on_silence=Floor(2))
    store = store_of(listed, of=stored((A, B)))
    probe(store, A, *[Reason.TIMEOUT] * 4)
    probe(store, B, Reason.OK, at=20.0)
    row, other = document_of(store, listed)["services"][0]["hosts"]
    assert (row["verdict"], row["consecutive"], row["threshold"]) == ("ready", 3, 3)
    assert (row["held"], other["held"]) == ({"by": "keepOnSilence", "until": None}, None)


def test_a_host_says_how_often_mooring_logs_in_there() -> None:
    """Seconds, as they are in force; null where each probe is a login, or none is made."""
    listed = spec(A, B)
    process = replace(PROCESS, login_seconds={target(A): 33.3333333})
    (service,) = document(Config((listed,), "abc"), store_of(listed), {}, process)["services"]
    assert [host["loginSeconds"] for host in service["hosts"]] == [33.333333, None]
