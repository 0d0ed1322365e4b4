"""Adoption changes health and nothing else, through whole rounds, over the real folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.values import KEY, report, spec
from mooring.cluster.local import LocalCluster
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.clocks import Clocks
from mooring.model.events import Event, NotPublished
from mooring.model.publish_events import Adopted, KeptByManifest
from mooring.model.reasons import Reason
from mooring.model.spec import Adopt, Port, Publish, ServiceSpec
from mooring.publish.reconcile import Reconciler

A, B = "10.20.0.11", "10.20.0.12"
PORT = {"name": "mysql", "port": 3306, "protocol": "TCP", "appProtocol": "mysql"}
OF_A = {"hostname": "db1", "nodeName": "node-a"}
OF_B = {"hostname": "db2", "targetRef": {"kind": "Pod", "name": "x"}}


def by_hand(folder: Path, *subsets: dict[str, Any], **metadata: Any) -> Path:
    path = folder / "default" / f"{KEY.name}.yaml"
    path.parent.mkdir(exist_ok=True)
    whole = {"name": KEY.name, "namespace": "default", **metadata}
    path.write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "Endpoints", "metadata": whole, "subsets": list(subsets)})
    )
    return path


WHOLE = {"addresses": [{"ip": A, **OF_A}, {"ip": B, **OF_B}], "ports": [PORT]}


class Desk:
    """A Mooring over the folder."""

    def __init__(self, folder: Path, one: ServiceSpec) -> None:
        self.folder, self.store, self.events, self.one = folder, HealthStore(), list[Event](), one
        self.store.set_members(one, members(one, {}, ()))
        self.reconciler = Reconciler(LocalCluster(folder), self.store, [one], self.events.append, clocks=Clocks())
        self.rounds()

    def rounds(self) -> None:
        self.reconciler.wake([KEY])
        self.reconciler.rounds()

    def kill(self, address: str) -> None:
        (target,) = (one for one in self.store.targets() if one.address == address)
        for number in range(3):
            self.store.take([report(target, Reason.REFUSED, started=100.0 + 10 * number)])
        self.rounds()

    def become(self, publish: Publish) -> None:
        one = replace(self.one, publish=publish)
        self.reconciler.replace([one], lambda: self.store.set_members(one, members(one, {}, ())))
        for _ in range(3):
            self.rounds()

    def endpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.folder / "default" / f"{KEY.name}.yaml").read_text())
        return found

    def slices(self) -> list[dict[str, Any]]:
        return [yaml.safe_load(one.read_text()) for one in (self.folder / "default").glob("*.endpointslice.yaml")]


def without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


@pytest.mark.parametrize("publish", [Publish.ENDPOINTS, Publish.BOTH])
def test_what_stands_on_an_address_and_a_port_stays(tmp_path: Path, publish: Publish) -> None:
    """Names that a headless Service resolves go on resolving, also of a host that has moved to the other list."""
    by_hand(tmp_path, WHOLE)
    desk = Desk(tmp_path, replace(spec(A, B), publish=publish))
    desk.kill(B)
    (subset,) = desk.endpoints()["subsets"]
    assert subset == {
        "addresses": [{"ip": A, **OF_A}],
        "notReadyAddresses": [{"ip": B, **OF_B}],
        "ports": [PORT],
    }


@pytest.mark.parametrize("publish", [Publish.SLICES, Publish.BOTH])
def test_it_stays_in_slices_and_back_again(tmp_path: Path, publish: Publish) -> None:
    """Whichever objects hold the addresses."""
    by_hand(tmp_path, WHOLE)
    desk = Desk(tmp_path, replace(spec(A, B), publish=publish))
    (found,) = desk.slices()
    assert [without(one, "conditions", "addresses") for one in found["endpoints"]] == [OF_A, OF_B]
    assert found["ports"] == [PORT]
    desk.become(Publish.ENDPOINTS)
    assert desk.slices() == []
    (subset,) = desk.endpoints()["subsets"]
    assert subset == WHOLE


SEVERAL = (
    {"addresses": [{"ip": A}], "ports": [{"name": "mysql", "port": 3306}]},
    {"addresses": [{"ip": B}], "ports": [{"name": "mysql", "port": 3307}]},
)


@pytest.mark.parametrize("publish", list(Publish), ids=str)
@pytest.mark.parametrize("change", [{}, {"adopt": Adopt.REPLACE, "ports": ()}], ids=["ifListed", "without ports"])
def test_several_subsets_with_different_ports_are_refused(
    tmp_path: Path, publish: Publish, change: dict[str, Any]
) -> None:
    """The object stays as it is; the message names the fields to set."""
    path = by_hand(tmp_path, *SEVERAL)
    before = path.read_bytes()
    one = replace(spec(A, B), publish=publish, **change)
    desk = Desk(tmp_path, one)
    assert path.read_bytes() == before
    (refused,) = (event for event in desk.events if isinstance(event, NotPublished))
    assert "3306: 10.20.0.11; 3307: 10.20.0.12" in refused.why
    assert "set ports and adopt: replace" in refused.why


def test_several_subsets_are_replaced_where_the_file_says_so(tmp_path: Path) -> None:
    """With ports and adopt: replace, once a host has answered there."""
    by_hand(tmp_path, *SEVERAL)
    desk = Desk(tmp_path, replace(spec(A, B), adopt=Adopt.REPLACE))
    assert len(desk.endpoints()["subsets"]) == 1
    assert not [event for event in desk.events if isinstance(event, NotPublished)]


@pytest.mark.parametrize(
    ("metadata", "keeper"),
    [
        ({}, None),
        ({"labels": {"team": "dba"}}, None),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        ({"annotations": {"meta.helm.sh/release-name": "db"}}, "Helm"),
        ({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}, "kubectl apply"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "db:/Endpoints:x"}}, "Argo CD"),
        ({"labels": {"argocd.argoproj.io/instance": "db"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "db"}}, "Flux"),
    ],
)
def test_an_object_that_a_manifest_keeps_is_reported_at_adoption(
    tmp_path: Path, metadata: dict[str, Any], keeper: str | None
) -> None:
    """Once, with whose manifests they are: each sync would bring a dead host back."""
    by_hand(tmp_path, WHOLE, **metadata)
    desk = Desk(tmp_path, spec(A, B))
    desk.kill(B)
    Desk(tmp_path, spec(A, B))
    found = [event for event in desk.events if isinstance(event, KeptByManifest)]
    assert found == ([KeptByManifest(KEY, keeper)] if keeper else [])


@pytest.mark.parametrize("publish", list(Publish))
def test_an_adoption_is_reported_once(tmp_path: Path, publish: Publish) -> None:
    """Also where a later Mooring finds the object; what Mooring made itself was never adopted."""
    by_hand(tmp_path, WHOLE)
    one = replace(spec(A, B), publish=publish)
    desk = Desk(tmp_path, one)
    desk.kill(B)
    later = Desk(tmp_path, one)
    assert [event for event in (*desk.events, *later.events) if isinstance(event, Adopted)] == [Adopted(KEY)]


def test_an_object_of_our_own_is_not_reported_as_adopted(tmp_path: Path) -> None:
    """Mooring creates it where there is none."""
    desk = Desk(tmp_path, spec(A, B))
    assert not [event for event in desk.events if isinstance(event, Adopted)]


def test_ports_of_the_file_are_written_beside_what_is_kept(tmp_path: Path) -> None:
    """A port of another name brings no appProtocol along."""
    by_hand(tmp_path, WHOLE)
    desk = Desk(tmp_path, replace(spec(A, B), ports=(Port("other", 3306),)))
    (subset,) = desk.endpoints()["subsets"]
    assert subset["ports"] == [{"name": "other", "port": 3306, "protocol": "TCP"}]
