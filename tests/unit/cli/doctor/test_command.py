"""`mooring doctor` as a user types it, before a fake API server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lab.free_ports import free_port
from mooring.cli.doctor import command, groups
from mooring.cli.doctor.finding import Finding, Looked
from mooring.cli.doctor.groups import GROUPS
from mooring.cli.main import main
from support.cluster_objects import ObjectsApi, endpoint_slice, endpoints, lease, service, subset
from support.fake_api import Answer, FakeApi, breaks_off, refuses, says
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")

MAY = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MAY_ALL: Mapping[str, Answer] = {MAY: says(201, {"status": {"allowed": True}})}
MAY_NOTHING: Mapping[str, Answer] = {MAY: says(201, {"status": {"allowed": False}})}
SLOW = {"periodSeconds": 10, "timeoutSeconds": 10, "tcp": {}}
"""Time enough for a busy machine to connect."""
EARLY = "file,secrets,rights"
"""What an init container asks for."""


def doctor(server: FakeApi, folder: Path, config: Path, *arguments: str) -> int:
    kubeconfig = str(server.kubeconfig(folder / "kubeconfig", {"token": "none"}))
    return main(["doctor", "--config", str(config), "--cluster", "kubeconfig", "--kubeconfig", kubeconfig, *arguments])


def test_before_the_start_a_sound_set_up_has_no_problem(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """0, a line a group, whatever the hosts do: nothing is asked of them."""
    with ObjectsApi(answers=MAY_ALL) as server:
        assert doctor(server, tmp_path, write(1), "--only", EARLY) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown if not line.startswith(" ")] == ["file", "secrets", "rights"]


def test_every_missing_right_is_told_at_once(tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """1, with the Role to apply."""
    with ObjectsApi(answers=MAY_NOTHING) as server:
        assert doctor(server, tmp_path, write(1), "--only", "rights", "-o", "json") == 1
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert len(group["findings"]) == 1  # Services and Lease are in one namespace here
    assert "get, list, watch services" in group["findings"][0]["what"]
    assert "kind: Role" in group["findings"][0]["mend"]


def test_a_missing_password_file_is_told(tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """1; the file itself is valid."""
    config = write(1, check={"mysql": {"user": "m", "passwordFile": str(tmp_path / "none")}})
    with ObjectsApi(answers=MAY_ALL) as server:
        assert doctor(server, tmp_path, config, "--only", EARLY) == 1
    assert "secrets     1 problem" in capsys.readouterr().out


def test_a_broken_file_and_a_silent_cluster_are_both_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """2: no daemon starts with that file."""
    (tmp_path / "broken.yaml").write_text("version: 2\n")
    with FakeApi(breaks_off()) as server:
        assert doctor(server, tmp_path, tmp_path / "broken.yaml", "--only", "file,cluster,rights") == 2
    shown = capsys.readouterr().out
    assert "file        2 problems" in shown
    assert "cluster     1 problem" in shown
    assert "rights      not looked at" in shown


def test_a_silent_cluster_ends_with_3(tmp_path: Path, write: Write) -> None:
    """As everywhere."""
    with FakeApi(breaks_off()) as server:
        assert doctor(server, tmp_path, write(1), "--only", "file,cluster") == 3


PUBLISHED = (
    service("mysql-external", namespace="default"),
    endpoints("mysql-external", subset("10.20.0.11"), namespace="default"),
)
MIRRORED = endpoint_slice(
    "m", "mysql-external", "10.20.0.11", keeper="endpointslicemirroring-controller.k8s.io", namespace="default"
)
IN_CLUSTER = "services,mirroring,lease,clock"


def test_a_sound_cluster_has_no_problem(tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """What is published is what traffic follows, and somebody leads."""
    with ObjectsApi(*PUBLISHED, MIRRORED, lease("mooring", "pod-1", namespace="default")) as server:
        assert doctor(server, tmp_path, write(1), "--only", IN_CLUSTER) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["ok"] * 4


POD = {"kind": "Pod", "metadata": {"name": "pod", "namespace": "default", "labels": {"app": "mooring"}}, "spec": {}}
POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
NO_POLICIES: Mapping[str, Answer] = {POLICIES: says(200, {"items": []})}


def test_a_policy_that_cuts_a_host_off_is_told(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, with the rule to add; where the policies may not be read, or nobody leads, nobody looks."""
    policy = {
        "metadata": {"name": "out"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 2}]}]},
    }
    config, leads = write(1), lease("mooring", "pod-1", namespace="default")
    with ObjectsApi(leads, POD, answers={POLICIES: says(200, {"items": [policy]})}) as server:
        assert doctor(server, tmp_path, config, "--only", "network") == 1
    assert "lets Mooring's pods out to db11 (127.0.0.1:1)" in capsys.readouterr().out
    with ObjectsApi(leads, POD, answers={POLICIES: refuses(403)}) as server:
        assert doctor(server, tmp_path, config, "--only", "network") == 0
    assert "network     not looked at" in capsys.readouterr().out
    with ObjectsApi() as server:
        assert doctor(server, tmp_path, config, "--only", "network") == 0
    assert "network     not looked at: nobody knows Mooring's pods: there is no Lease" in capsys.readouterr().out


def test_each_host_is_asked_and_told_by_what_it_answers(
    write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 where one is down; no cluster is needed for that."""
    assert main(["doctor", "--config", str(write(up, check=SLOW)), "--only", "hosts,sentinels"]) == 0
    assert main(["doctor", "--config", str(write(up, free_port(), check=SLOW)), "--only", "hosts", "-o", "json"]) == 1
    shown = capsys.readouterr().out
    (group,) = json.loads(shown[shown.index("{") :])["groups"]
    (found,) = group["findings"]
    assert "db12 (127.0.0.1:" in found["what"]
    assert "): refused: " in found["what"]


def test_a_sound_set_up_has_no_problem_in_any_group(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """0. That a host is probed at another port than it is published with is a warning."""
    held = (*PUBLISHED, MIRRORED, lease("mooring", "pod-1", namespace="default"), POD)
    with ObjectsApi(*held, answers={**MAY_ALL, **NO_POLICIES}) as server:
        assert doctor(server, tmp_path, write(up, check=SLOW), "-o", "json") == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [group["group"] for group in groups] == [*GROUPS]
    assert [group["group"] for group in groups if group["notLookedAt"]] == [
        "traffic"
    ]  # nothing proves a ClusterIP here
    assert [one["level"] for group in groups for one in group["findings"]] == ["warning"] * 2


def test_where_a_password_is_missing_no_host_is_asked(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One cause, one finding."""
    config = write(up, check={"mysql": {"user": "m", "passwordFile": str(tmp_path / "none")}})
    assert main(["doctor", "--config", str(config), "--only", "secrets,hosts"]) == 1
    assert capsys.readouterr().out.count("✗") == 1


def test_what_does_not_reach_the_traffic_is_told(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """1, after a second look: a mirror may be a moment late."""
    monkeypatch.setattr(groups, "MIRROR_SECONDS", 0.0)
    with ObjectsApi(*PUBLISHED) as server:
        assert doctor(server, tmp_path, write(1), "--only", "mirroring") == 1
        assert len([one for one in server.asked if "endpointslices" in one.line]) == 2
    assert "no EndpointSlice mirrors the present Endpoints" in capsys.readouterr().out


def test_without_an_election_there_is_no_lease(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """0: a single daemon needs none."""
    with ObjectsApi() as server:
        assert doctor(server, tmp_path, write(1), "--only", "lease", "--no-leader-elect") == 0
    assert "lease       not looked at: without --leader-elect there is none" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["trafic", "File", "", "file,nets"])
def test_a_group_that_does_not_exist_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """2: nobody takes what was not looked at for sound."""
    assert main(["doctor", "--only", name]) == 2
    assert f"there are {', '.join(GROUPS)}" in " ".join(capsys.readouterr().err.split())


def test_wait_looks_again_until_all_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an installation, whose parts come one by one."""
    results = iter([[Looked("hosts", (Finding("a", "b", "c"),))]] * 2 + [[Looked("hosts")]])
    monkeypatch.setattr(command, "look_at", lambda _on, _names: next(results))
    monkeypatch.setattr(command, "AGAIN_SECONDS", 0.0)
    assert main(["doctor", "--only", "file", "--wait", "1m"]) == 0
    assert next(results, None) is None


def test_wait_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what is wrong then; without it, one look is all."""
    results = iter([[Looked("hosts", (Finding("a", "b", "c"),))]] * 2)
    monkeypatch.setattr(command, "look_at", lambda _on, _names: next(results))
    assert main(["doctor", "--only", "file", "--wait", "1s"]) == 1
    assert main(["doctor", "--only", "file"]) == 1
    assert next(results, None) is None
