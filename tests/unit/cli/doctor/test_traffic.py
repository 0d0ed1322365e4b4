"""The group `traffic`, with hosts that are answers in a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from lab.values import spec
from mooring.cli.doctor import traffic
from mooring.cli.doctor.finding import Finding, Note, NotLookedAt
from mooring.cli.doctor.subject import Subject
from mooring.cluster.manifest import facts
from mooring.cluster.slice_manifest import parse_slice
from mooring.cluster.snapshot import Snapshot
from mooring.model.facts import place
from mooring.model.objects import MIRROR, StoredObjects
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Config, HostSpec, ServiceKey, ServiceSpec
from mooring.model.targets import Target
from mooring.protocols.mysql.options import MysqlOptions
from support.cluster_objects import Object, endpoint_slice, service

KEY = ServiceKey("shop", "db")
IP, SIX = "10.96.0.7", "fd96::7"
ONE, TWO, OTHER = "10.20.0.11", "10.20.0.12", "10.20.0.99"
DB = replace(spec(ONE, TWO, key=KEY), ports=())
SERVICE = service(clusterIPs=[IP], ports=[{"port": 3366, "targetPort": 3306}])
HEALTHY = {IP: "a", ONE: "a", TWO: "b"}


class Cluster:
    """What the group asks of a ``Subject``. ``answers``: address → who answers there; None: nobody."""

    settings = cast("Any", type("", (), {"cluster": "in-cluster", "allowed_cidrs": ()}))
    names: Mapping[str, tuple[str, ...]] = {}
    unreadable: tuple[str, ...] = ()
    api = None

    def __init__(self, db: ServiceSpec, held: Object, *slices: Object, hidden: bool = False) -> None:
        stored = StoredObjects(None, tuple(parse_slice(one, "7") for one in slices), hidden=hidden)
        self.config = Config((db,), "")
        self.snapshots = {KEY: Snapshot(KEY, facts(held), stored)}
        self.reads = 0

    def read(self, keys: list[ServiceKey]) -> Mapping[ServiceKey, Snapshot]:
        assert keys == [KEY]
        self.reads += 1
        return self.snapshots


def look(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster, answers: Mapping[str, str | None]
) -> tuple[list[str], list[Finding | Note]]:
    """Where it asked, and what it says."""
    places: list[str] = []

    def who(target: Target) -> Observation:
        places.append(place(target.address, target.port))
        answer = answers[target.address]
        return Observation(Reason.OK, answer=answer) if answer else Observation(Reason.TIMEOUT)

    monkeypatch.setattr(traffic, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(traffic, "who", who)
    return places, traffic.look(cast("Subject", cluster))


def held(*addresses: str, ready: bool = True, **fields: Any) -> Object:
    return endpoint_slice("db-1", "db", *addresses, keeper=MIRROR, ready=ready, **fields)


def test_each_published_host_is_asked_and_then_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the Service's own port; a host that is out is left alone."""
    places, (note,) = look(monkeypatch, Cluster(DB, SERVICE, held(ONE)), HEALTHY)
    assert sorted(places) == [f"{ONE}:3306", f"{IP}:3366"]
    assert note == Note(f"shop/db: {IP}:3366 leads to {ONE} ({ONE}:3306)")


def test_each_family_has_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it has hosts."""
    db = replace(spec(ONE, "fd00::11", key=KEY), ports=())
    both = service(clusterIPs=[IP, SIX], ipFamilies=["IPv4", "IPv6"])
    slices = (held(ONE), held("fd00::11"))
    answers = {IP: "a", ONE: "a", SIX: "c", "fd00::11": "c"}
    _, notes = look(monkeypatch, Cluster(db, both, *slices), answers)
    assert [note.text.partition("leads")[0] for note in notes if isinstance(note, Note)] == [
        f"shop/db: {IP}:3306 ",
        f"shop/db: [{SIX}]:3306 ",
    ]


def test_who_answers_instead_is_looked_for_among_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding, after a second look: what does not fit may be a moment old."""
    cluster = Cluster(DB, SERVICE, held(ONE))
    places, (found,) = look(monkeypatch, cluster, {**HEALTHY, IP: "b"})
    assert isinstance(found, Finding)
    assert f"leads to {TWO} ({TWO}:3306), and published as ready is {ONE} ({ONE}:3306)" in found.what
    assert cluster.reads == 1
    assert len(places) == 6


def test_nobody_on_the_way_is_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hosts themselves answer."""
    _, (found,) = look(monkeypatch, Cluster(DB, SERVICE, held(ONE)), {**HEALTHY, IP: None})
    assert isinstance(found, Finding)
    assert f"a login through {IP}:3366 fails, though {ONE}" in found.what


VERIFIED = MysqlOptions.model_validate({"user": "m", "tls": {"mode": "verify-identity"}})
NAMED = MysqlOptions.model_validate({"user": "m", "tls": {"mode": "verify-identity", "serverName": "db"}})
PROBED = replace(DB, hosts=(HostSpec(ONE, ONE, probe_port=3307),))


@pytest.mark.parametrize(
    ("db", "slices", "why"),
    [
        (DB, (held(ONE, OTHER),), f"traffic also goes to {OTHER}, which is no host of the file"),
        (DB, (held(ONE), endpoint_slice("x", "db", OTHER, keeper="me")), f"traffic also goes to {OTHER}"),
        (DB, (held(ONE, ready=False),), "no address is published as ready"),
        (DB, (), "no address is published as ready"),
        (DB, (held(ONE), held(TWO, ports=[{"name": "", "port": 3307}])), "also goes to port 3307 of its hosts"),
        (PROBED, (held(ONE),), "its hosts are probed at another port than they are published with"),
        (replace(DB, check=replace(DB.check, protocol="mysql", options=VERIFIED)), (held(ONE),), "names of their own"),
    ],
    ids=["unlisted", "foreign-slice", "none-ready", "no-slice", "other-port", "probe-port", "identity"],
)
def test_no_password_goes_where_it_might_reach_another(
    monkeypatch: pytest.MonkeyPatch, db: ServiceSpec, slices: tuple[Object, ...], why: str
) -> None:
    """Nobody is asked, and a note says why."""
    places, (note,) = look(monkeypatch, Cluster(db, SERVICE, *slices), {})
    assert places == []
    assert isinstance(note, Note)
    assert note.text.startswith(f"shop/db: no login through {IP}: ")
    assert why in note.text


def test_a_name_that_all_servers_prove_is_checked_on_the_way_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``serverName`` in the check, the login is the same as a host's."""
    db = replace(DB, check=replace(DB.check, protocol="mysql", options=NAMED))
    _, (note,) = look(monkeypatch, Cluster(db, SERVICE, held(ONE)), HEALTHY)
    assert isinstance(note, Note)
    assert "leads to" in note.text


def test_where_slices_may_not_be_read_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then where the password would go."""
    places, (note,) = look(monkeypatch, Cluster(DB, SERVICE, hidden=True), {})
    assert places == []
    assert isinstance(note, Note)
    assert "may not read EndpointSlices" in note.text


@pytest.mark.parametrize("held", [service(selector={"a": "b"}, clusterIPs=[IP]), service(clusterIPs=["None"])])
def test_a_service_without_a_way_or_refused_is_left_to_other_groups(
    monkeypatch: pytest.MonkeyPatch, held: Object
) -> None:
    """No finding here."""
    assert look(monkeypatch, Cluster(DB, held), {}) == ([], [])


def test_a_service_whose_password_cannot_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The group `secrets` reports it."""
    cluster = Cluster(DB, SERVICE, held(ONE))
    cluster.unreadable = ("shop/db: check.mysql.passwordFile: /s cannot be read",)
    assert look(monkeypatch, cluster, {}) == ([], [])


def test_outside_a_pod_the_cluster_ip_must_be_proven_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it may be an address of another cluster, and a password would go there."""
    cluster = Cluster(DB, SERVICE, held(ONE))
    cluster.settings = cast("Any", type("", (), {"cluster": "kubeconfig", "allowed_cidrs": ()}))
    monkeypatch.setattr(traffic, "why_another", lambda _api: "10.96.0.1 is silent")
    with pytest.raises(NotLookedAt, match=r"whether a ClusterIP leads into this cluster: 10\.96\.0\.1 is"):
        look(monkeypatch, cluster, {})
    monkeypatch.setattr(traffic, "why_another", lambda _api: "")
    places, _ = look(monkeypatch, cluster, HEALTHY)
    assert places
