"""The group `services`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from lab.values import spec
from mooring.cli.doctor.finding import Finding, Level
from mooring.cli.doctor.services import findings
from mooring.cluster.manifest import facts, parse
from mooring.model.objects import StoredObjects
from mooring.model.spec import Adopt, HostSpec, Port, Publish, ServiceKey, ServiceSpec
from support.cluster_objects import Object, endpoints, service, subset

KEY = ServiceKey("shop", "db")
DB = replace(spec("10.20.0.11", "10.20.0.12", key=KEY), ports=())
NAMED = replace(DB, hosts=(HostSpec("db", "db.example.com"),))
NOW = 1_000_000.0


def look(of: ServiceSpec, held: Object | None, stored: Object | None = None, **names: tuple[str, ...]) -> list[Finding]:
    objects = StoredObjects(parse(KEY, stored, "7") if stored else None)
    return findings(of, facts(held) if held else None, objects, {"db.example.com": names.get("db", ())}, NOW)


def annotated(**annotations: str) -> Object:
    held = service()
    held["metadata"]["annotations"] = {f"mooring/{name}": text for name, text in annotations.items()}
    return held


MINE = endpoints("db", subset("10.20.0.11"), labels={"app.kubernetes.io/managed-by": "mooring"})
LISTED = endpoints("db", subset("10.20.0.11", out=("10.20.0.99",)))
STRANGER = endpoints("db", subset("10.20.0.11", "10.20.0.99"))
TWO_PORTS = endpoints("db", subset("10.20.0.11"), subset("10.20.0.12", ports=({"port": 3307},)))
APPLIED = endpoints("db", subset("10.20.0.11"), annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"})
OWNED = service()
OWNED["metadata"]["ownerReferences"] = [{"kind": "Gateway", "name": "g", "controller": True}]


@pytest.mark.parametrize(
    ("of", "held", "stored"),
    [
        (DB, service(), None),
        (DB, service(), MINE),
        (DB, service(), LISTED),
        (replace(DB, adopt=Adopt.REPLACE), service(), STRANGER),
        (replace(DB, publish=Publish.SLICES), service(), None),
        (NAMED, service(), STRANGER),
        (DB, annotated(paused="until=1970-01-02T00:00:00Z"), MINE),
    ],
    ids=["new", "ours", "by-hand", "replace", "slices", "name-unknown", "pause-over"],
)
def test_a_sound_service_has_no_findings(of: ServiceSpec, held: Object, stored: Object | None) -> None:
    """Before its first write, and after."""
    assert look(of, held, stored) == []


@pytest.mark.parametrize(
    ("of", "held", "stored", "what", "mend"),
    [
        (DB, None, None, "no such Service", "kind: Service"),
        (DB, service(selector={"app": "db"}), None, "has a selector", "/spec/selector"),
        (DB, service(type="ExternalName"), None, "ExternalName", "edit service db"),
        (DB, OWNED, None, "Gateway/g", "edit service db"),
        (DB, service("db", {"port": 3306, "targetPort": "sql"}), None, "targetPort 'sql'", "edit service db"),
        (replace(DB, ports=(Port("x", 3306),)), service(), None, "port names do not match", "edit service db"),
        (replace(DB, key=ServiceKey("default", "kubernetes")), service(), None, "API server's own", "edit service"),
        (DB, service(), STRANGER, "10.20.0.99. List them under hosts", "get endpoints db -o yaml"),
        (DB, service(), TWO_PORTS, "several subsets with different ports", "get endpoints db -o yaml"),
    ],
    ids=["missing", "selector", "external", "owned", "target", "ports", "reserved", "stranger", "subsets"],
)
def test_what_mooring_refuses_is_one_finding(
    of: ServiceSpec, held: Object | None, stored: Object | None, what: str, mend: str
) -> None:
    """With the sentence that the daemon has for it, and what to type."""
    (found,) = look(of, held, stored)
    assert what in found.what
    assert mend in found.mend
    assert found.level is Level.PROBLEM


@pytest.mark.parametrize(
    ("of", "held", "stored", "what", "mend"),
    [
        (DB, service(), APPLIED, "kubectl apply keeps its Endpoints", "out of those manifests"),
        (DB, annotated(paused="by=jane;reason=move"), MINE, "by jane: move", "mooring resume shop/db"),
        (
            spec("10.20.0.11", "fd00::b", key=KEY),
            service("db", {"name": "mysql", "port": 3306}),
            None,
            "fd00::b",
            "Dual",
        ),
    ],
    ids=["kept", "paused", "family"],
)
def test_what_is_published_but_not_as_one_thinks_is_a_warning(
    of: ServiceSpec, held: Object, stored: Object | None, what: str, mend: str
) -> None:
    """Nothing is refused."""
    (found,) = look(of, held, stored)
    assert what in found.what
    assert mend in found.mend
    assert found.level is Level.WARNING


def test_a_name_counts_with_its_addresses() -> None:
    """What it holds is listed."""
    assert look(NAMED, service(), STRANGER, db=("10.20.0.11", "10.20.0.99")) == []
    assert len(look(NAMED, service(), STRANGER, db=("10.20.0.11",))) == 1


@pytest.mark.parametrize("ports", [(), (Port("mysql", 3306), Port("admin", 33062))], ids=["default", "of-file"])
def test_a_missing_service_comes_with_its_manifest(ports: tuple[Port, ...]) -> None:
    """Without a selector, and with the names of the file."""
    (found,) = look(replace(DB, ports=ports), None)
    made: Any = yaml.safe_load(found.mend.partition("\n")[2].removesuffix("END"))
    assert made["metadata"] == {"name": "db", "namespace": "shop"}
    assert [port.get("name", "") for port in made["spec"]["ports"]] == [port.name for port in ports] or not ports
    assert "selector" not in made["spec"]
    assert look(replace(DB, ports=ports), made) == []
