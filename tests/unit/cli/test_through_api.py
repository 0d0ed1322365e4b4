"""`mooring status --in-cluster`: the leader by its Lease, asked through an API server that holds these objects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mooring.cli import asking
from mooring.cli.main import main
from support.cluster_objects import ObjectsApi
from support.fake_api import Answer, refuses, says

pytestmark = pytest.mark.usefixtures("alone")

HOLDER = "mooring-5f7c9-x2k4p-0a1b2c3d"
POD = "mooring-5f7c9-x2k4p"
PROXY = f"/api/v1/namespaces/mooring/pods/http:{POD}:8080/proxy"
STATUS = {
    "leader": True,
    "identity": HOLDER,
    "config": {"hash": "ab", "loadedAt": None, "error": None},
    "services": [],
}


def lease(holder: str = HOLDER, name: str = "mooring", namespace: str = "mooring") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": "7"}
    return {"kind": "Lease", "metadata": metadata, "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}}


def pod(*ports: dict[str, Any], namespace: str = "mooring") -> dict[str, Any]:
    metadata = {"name": POD, "namespace": namespace, "resourceVersion": "8"}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "mooring", "ports": list(ports)}]}}


HTTP = {"name": "http", "containerPort": 8080}


@contextlib.contextmanager
def cluster(
    folder: Path, patched: pytest.MonkeyPatch, *held: dict[str, Any], answers: Mapping[str, Answer] | None = None
) -> Iterator[ObjectsApi]:
    """A kubeconfig that leads to an API server with these objects."""
    with ObjectsApi(*held, answers=answers) as server:
        patched.setenv("MOORING_KUBECONFIG", str(server.kubeconfig(folder / "kubeconfig", {"token": "a"})))
        patched.setenv("MOORING_CLUSTER", "kubeconfig")
        yield server


def test_the_leader_is_asked_through_the_api_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the Lease in the namespace that is named, at the port of its pod; nothing else is asked."""
    with cluster(tmp_path, monkeypatch, lease(), pod(HTTP), answers={f"{PROXY}/status": says(200, STATUS)}) as server:
        assert main(["status", "--in-cluster", "mooring", "-o", "json"]) == 0
    assert f'"identity": "{HOLDER}"' in capsys.readouterr().out
    assert [asked.line.split()[1] for asked in server.asked] == [
        "/apis/coordination.k8s.io/v1/namespaces/mooring/leases/mooring",
        f"/api/v1/namespaces/mooring/pods/{POD}",
        f"{PROXY}/status",
    ]


def test_a_lease_and_a_port_of_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NS/NAME is another Lease; the port is the one that the pod calls http."""
    path = f"/api/v1/namespaces/dba/pods/http:{POD}:9090/proxy/status"
    held = lease(name="two", namespace="dba"), pod({"name": "http", "containerPort": 9090}, namespace="dba")
    with cluster(tmp_path, monkeypatch, *held, answers={path: says(200, STATUS)}):
        assert main(["status", "--in-cluster", "dba/two"]) == 0


def test_explain_asks_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It finds the Service in the leader's status first."""
    with cluster(tmp_path, monkeypatch, lease(), pod(HTTP), answers={f"{PROXY}/status": says(200, STATUS)}):
        assert main(["explain", "db", "--in-cluster", "mooring"]) == 2
    assert "this Mooring keeps no Service or host db" in capsys.readouterr().err


def test_without_a_url_the_cluster_is_asked_where_nothing_listens_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the Lease of the guide; a daemon on this machine goes first."""
    monkeypatch.setattr(asking, "URL", "http://127.0.0.1:1")
    with cluster(tmp_path, monkeypatch, lease(), pod(HTTP), answers={f"{PROXY}/status": says(200, STATUS)}):
        assert main(["status", "-o", "json"]) == 0
    assert f'"identity": "{HOLDER}"' in capsys.readouterr().out


def test_without_a_url_and_without_a_kubeconfig_nobody_else_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has the three ways on."""
    monkeypatch.setattr(asking, "URL", "http://127.0.0.1:1")
    monkeypatch.setenv("MOORING_KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("MOORING_CLUSTER", "kubeconfig")
    assert main(["status"]) == 3
    shown = capsys.readouterr().err
    assert shown.startswith("no Mooring answers at http://127.0.0.1:1 (connection refused).")
    assert "--in-cluster NAMESPACE" in shown


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ((), "there is no Lease mooring/mooring: name Mooring's by --in-cluster NAMESPACE/NAME"),
        ((lease(""),), "nobody holds the Lease mooring/mooring: no Mooring leads"),
        ((lease("db-host-0a1b2c3d"),), "and no pod of that namespace is it: name where it listens by --url"),
    ],
)
def test_where_no_leader_can_be_asked_it_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    held: tuple[dict[str, Any], ...],
    words: str,
) -> None:
    """3, in words."""
    with cluster(tmp_path, monkeypatch, *held):
        assert main(["status", "--in-cluster", "mooring"]) == 3
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refuses(403, 'pods "x" is forbidden: cannot get resource "pods/proxy"'), 'cannot get resource "pods/proxy"'),
        (refuses(503, "error trying to reach service: connection refused"), "error trying to reach service"),
        (says(200, {"services": [{}]}), "what answers is no Mooring"),
    ],
)
def test_a_proxy_that_does_not_get_through_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: Answer, words: str
) -> None:
    """A right that is missing is named; 3."""
    with cluster(tmp_path, monkeypatch, lease(), pod(HTTP), answers={f"{PROXY}/status": answer}):
        assert main(["status", "--in-cluster", "mooring"]) == 3
    assert words in capsys.readouterr().err


def test_without_credentials_it_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says what it looked for."""
    monkeypatch.setenv("MOORING_KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("MOORING_CLUSTER", "kubeconfig")
    assert main(["status", "--in-cluster", "mooring"]) == 3
    assert capsys.readouterr().err.startswith("no usable credentials for a cluster: ")
