"""What is examined, each part once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mooring.cli.doctor.finding import NotLookedAt
from mooring.cli.doctor.subject import Subject
from mooring.cli.settings import load_settings
from mooring.model.spec import ServiceKey
from support.cluster_objects import ObjectsApi, endpoints, service, subset
from support.fake_api import FakeApi, says
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")

MAY = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SAID = {MAY: says(201, {"status": {"allowed": True}}), WHO: says(201, {"status": {"userInfo": {"username": "me"}}})}
DB = (
    service("mysql-external", namespace="default"),
    endpoints("mysql-external", subset("10.20.0.11"), namespace="default"),
)


def subject(server: FakeApi, folder: Path, config: Path, **more: object) -> Subject:
    file = server.kubeconfig(folder / "kubeconfig", {"token": "none"})
    return Subject(load_settings({"cluster": "kubeconfig", "kubeconfig": str(file), "config": str(config), **more}))


def test_every_right_is_asked_for_once(tmp_path: Path, write: Write) -> None:
    """Those of the Services and, with an election, of the Lease in the namespace of the context."""
    with ObjectsApi(*DB, answers=SAID) as server:
        on = subject(server, tmp_path, write(1))
        assert set(on.rights.values()) == {True}
        asked = [json.loads(one.body)["spec"]["resourceAttributes"] for one in server.asked if MAY in one.line]
        assert len(asked) == len(on.rights) == len({json.dumps(one) for one in asked})
        assert {"leases"} == {one["resource"] for one in asked if one["name"].startswith("mooring")}
        assert on.account == "me"
        alone = subject(server, tmp_path, write(1), leader_elect=False)
        assert {right.kind for right in alone.rights} == {"services", "endpoints", "endpointslices", "events"}


def test_the_objects_of_each_service_are_read(tmp_path: Path, write: Write) -> None:
    """By plain calls."""
    with ObjectsApi(*DB, answers=SAID) as server:
        found = subject(server, tmp_path, write(1)).snapshots[ServiceKey("default", "mysql-external")]
    assert found.service is not None
    assert found.stored.ready == {"10.20.0.11"}


def test_without_a_file_nothing_is_asked_that_needs_one(tmp_path: Path) -> None:
    """The group `file` has the cause."""
    with ObjectsApi(*DB, answers=SAID) as server:
        on = subject(server, tmp_path, tmp_path / "none.yaml")
        assert on.file.problems
        for needs in (lambda: on.config, lambda: on.unreadable, lambda: on.rights, lambda: on.snapshots):
            with pytest.raises(NotLookedAt, match="the file is not valid"):
                needs()


def test_a_folder_is_no_cluster(write: Write) -> None:
    """What needs one is not looked at; the file is."""
    on = Subject(load_settings({"cluster": "local", "config": str(write(1))}))
    assert on.file.config is not None
    with pytest.raises(NotLookedAt, match="is a folder"):
        _ = on.cluster


def test_without_credentials_nothing_is_asked(tmp_path: Path, write: Write) -> None:
    """The group `cluster` has the cause."""
    where = {"cluster": "kubeconfig", "kubeconfig": str(tmp_path / "none")}
    on = Subject(load_settings({**where, "config": str(write(1))}))
    assert "is not there" in on.cluster.no_login
    with pytest.raises(NotLookedAt, match="the cluster does not answer"):
        _ = on.rights
