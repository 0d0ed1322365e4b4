"""`mooring check` as a user types it; hosts are TCP ports on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lab.listeners import closed_port
from mooring.cli.main import main
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")


def test_check_shows_a_row_a_host_and_touches_no_cluster(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 with a host down, 0 with all up; no state folder appears."""
    assert main(["check", "--config", str(write(up, closed_port()))]) == 1
    _header, first, second = capsys.readouterr().out.splitlines()
    assert first.split()[:7] == ["default/mysql-external", "db11", "10.20.0.11", "ready", "-", "-", "ok"]
    assert second.split()[1:7] == ["db12", "10.20.0.12", "not-ready", "-", "-", "refused"]
    assert main(["check", "--config", str(write(up))]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_check_as_json_has_the_facts(write: Write, up: int, capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts: one document, the same names as /status."""
    assert main(["check", "--config", str(write(up)), "-o", "json"]) == 0
    (service,) = json.loads(capsys.readouterr().out)["services"]
    assert (service["namespace"], service["name"]) == ("default", "mysql-external")
    (host,) = service["hosts"]
    assert host.pop("latencySeconds") >= 0
    assert host == {
        "name": "db11",
        "address": "10.20.0.11",
        "verdict": "ready",
        "reason": "ok",
        "message": "",
        "role": None,
        "lagSeconds": None,
        "maintenance": False,
    }


def test_check_of_one_service(write: Write, up: int, capsys: pytest.CaptureFixture[str]) -> None:
    """--service takes a name; one that the file lacks is an error that says which there are, and does not pass."""
    file = str(write(up))
    assert main(["check", "--config", file, "--service", "default/mysql-external"]) == 0
    assert main(["check", "--config", file, "--service", "mysql-external"]) == 0
    for other in ("mysql", "shop/mysql-external", ""):
        capsys.readouterr()
        assert main(["check", "--config", file, "--service", other]) == 2
        means = f"--service {other}: the file has no such Service; it has default/mysql-external\n"
        assert capsys.readouterr().err.endswith(means)


def test_a_name_of_two_services_needs_its_namespace(
    tmp_path: Path, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mooring does not choose."""
    host = {"address": "10.20.0.11", "probeAddress": "127.0.0.1", "probePort": up}
    entry = {"name": "db", "hosts": [host], "check": {"tcp": {}}}
    file = tmp_path / "two.yaml"
    file.write_text(json.dumps({"version": 1, "services": [{**entry, "namespace": one} for one in ("a", "b")]}))
    assert main(["check", "--config", str(file), "--service", "db"]) == 2
    assert capsys.readouterr().err.endswith("--service db: several Services are called so: a/db, b/db\n")
    assert main(["check", "--config", str(file), "--service", "b/db"]) == 0
    assert "a/db" not in capsys.readouterr().out


def test_check_takes_the_protocols_port_where_the_file_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a real cluster the Service names the port; `check` asks no cluster, and says so where it cannot guess."""
    monkeypatch.setenv("MOORING_CLUSTER", "kubeconfig")
    monkeypatch.setenv("MOORING_LEADER_ELECT", "false")
    hosts = [{"address": "10.20.0.11", "probeAddress": "127.0.0.1"}]
    service = {"name": "a", "hosts": hosts, "check": {"tcp": {}}}
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"version": 1, "services": [service]}))
    assert main(["check", "--config", str(file)]) == 2
    assert "default/a: has no ports in the file, and check asks no cluster for them" in capsys.readouterr().err
    monkeypatch.setattr("mooring.protocols.tcp.options.TcpOptions.default_port", closed_port())
    assert main(["check", "--config", str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[1].split()[3:7] == ["not-ready", "-", "-", "refused"]


def test_a_host_in_maintenance_is_not_ready(write: Write, up: int, capsys: pytest.CaptureFixture[str]) -> None:
    """It is probed and shown, and counts as not ready."""
    file = write(up)
    file.write_text(file.read_text().replace("name: db11", "name: db11\n    maintenance: true"))
    assert main(["check", "--config", str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[1].split()[3:7] == ["maintenance", "-", "-", "ok"]
