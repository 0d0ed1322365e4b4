"""The commands as a user types them, in this process; hosts are TCP ports on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ground.listeners import closed_port, listening
from mooring import __version__
from mooring.cli import main

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that runs the tests, and a working directory of our own."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "CLUSTER", "STATE_DIR", "LISTEN", "LOG_LEVEL", "LOG_FORMAT", "ALLOWED_CIDRS"):
        monkeypatch.delenv(f"MOORING_{name}", raising=False)
    monkeypatch.setenv("MOORING_CLUSTER", "local")


@pytest.fixture
def up() -> Iterator[int]:
    with listening() as port:
        yield port


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*ports: int, **service: object) -> Path:
        hosts = [
            {"name": f"db{n}", "address": f"10.20.0.{n}", "probeAddress": "127.0.0.1", "probePort": port}
            for n, port in enumerate(ports, 11)
        ]
        check = {"periodSeconds": 0.1, "timeoutSeconds": 0.1, "tcp": {}}
        first = {"name": "mysql-external", "ports": [{"port": 3306}], "hosts": hosts, "check": check, **service}
        file = tmp_path / "config.yaml"
        file.write_text(yaml.safe_dump({"version": 1, "services": [first]}))
        return file

    return write


def manifest(tmp_path: Path) -> Any:
    return yaml.safe_load((tmp_path / "state" / "default" / "mysql-external.yaml").read_text())


def test_validate_says_what_a_valid_file_holds(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 and one line."""
    file = write(1, 2)
    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: valid, 1 Service, 2 hosts\n"


def test_validate_names_every_error_and_opens_no_secret(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, each error with its place on standard error; a missing password file is not its business."""
    file = write(1, check={"mysql": {"user": "m", "passwordFile": "/nonexistent"}})
    assert main(["validate", str(file)]) == 0
    file.write_text("version: 2\nservices: []\n")
    assert main(["validate", str(file)]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(": ")[:2] for error in errors] == [
        [f"{file}:1:10", "version"],
        [f"{file}:2:11", "services"],
    ]


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_a_missing_file_or_secret_ends_a_command_with_2(
    write: Write, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """At the start everything that the file names must be there; what is missing is named."""
    assert main([command, "--config", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err
    file = write(1, check={"mysql": {"user": "m", "passwordFile": "/nonexistent/password"}})
    assert main([command, "--config", str(file)]) == 2
    assert "/nonexistent/password" in capsys.readouterr().err


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
    """--service takes NAMESPACE/NAME; another name is told, not passed as all ready."""
    file = str(write(up))
    assert main(["check", "--config", file, "--service", "default/mysql-external"]) == 0
    assert main(["check", "--config", file, "--service", "mysql-external"]) == 2
    assert "it is written NAMESPACE/NAME" in capsys.readouterr().err


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


def test_once_writes_once_and_ends(tmp_path: Path, write: Write, up: int) -> None:
    """0 when every host is ready, 1 when one is not; the manifest says which."""
    state = ["--state-dir", "state"]
    assert main(["run", "--once", "--config", str(write(up)), *state]) == 0
    assert manifest(tmp_path)["subsets"][0]["addresses"] == [{"ip": "10.20.0.11"}]
    assert main(["run", "--once", "--config", str(write(up, closed_port())), *state]) == 1
    assert manifest(tmp_path)["subsets"][0]["notReadyAddresses"] == [{"ip": "10.20.0.12"}]


def test_once_takes_the_thresholds_for_a_stored_verdict(tmp_path: Path, write: Write) -> None:
    """A host that is stored as ready is probed until its failures suffice."""
    with listening() as port:
        assert main(["run", "--once", "--config", str(write(port)), "--state-dir", "state"]) == 0
    assert main(["run", "--once", "--config", str(write(port)), "--state-dir", "state"]) == 1
    assert "addresses" not in manifest(tmp_path)["subsets"][0]


def test_plan_prints_the_diff_and_writes_nothing(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 with a diff while something would change, 0 when nothing would."""
    arguments = ["--config", str(write(up)), "--state-dir", "state"]
    assert main(["plan", *arguments]) == 1
    assert "+  - 10.20.0.11\n" in capsys.readouterr().out
    assert list((tmp_path / "state").iterdir()) == []
    main(["run", "--once", *arguments])
    assert main(["plan", *arguments]) == 0
    assert capsys.readouterr().out == "nothing to change\n"


def test_a_refused_object_is_told_by_plan_and_once(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """An object made by hand with an address that the file lacks: the sentence says both ways out."""
    (tmp_path / "state" / "default").mkdir(parents=True)
    theirs = {
        "kind": "Endpoints",
        "metadata": {"name": "mysql-external"},
        "subsets": [{"addresses": [{"ip": "10.20.0.99"}], "ports": [{"port": 3306}]}],
    }
    (tmp_path / "state" / "default" / "mysql-external.yaml").write_text(yaml.safe_dump(theirs))
    arguments = ["--config", str(write(up)), "--state-dir", "state"]
    assert main(["plan", *arguments]) == 1
    assert "10.20.0.99. List them under hosts, or set adopt: replace" in capsys.readouterr().err
    assert main(["run", "--once", *arguments]) == 1
    assert manifest(tmp_path) == theirs


def test_once_and_dry_run_together_write_nothing(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """--dry-run means the same with --once: the diff instead of the write."""
    assert main(["run", "--once", "--dry-run", "--config", str(write(up)), "--state-dir", "state"]) == 0
    assert "+  - 10.20.0.11\n" in capsys.readouterr().out
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize("cluster", ["auto", "in-cluster", "kubeconfig"])
@pytest.mark.parametrize("command", [["run"], ["run", "--once"], ["plan"]])
def test_without_credentials_for_a_cluster_a_command_ends_with_3(
    write: Write, up: int, capsys: pytest.CaptureFixture[str], cluster: str, command: list[str]
) -> None:
    """A real cluster is never replaced by the folder silently; what is missing is said."""
    where = ["--cluster", cluster, "--kubeconfig", "none", "--no-leader-elect"]
    assert main([*command, "--config", str(write(up)), *where]) == 3
    assert capsys.readouterr().err.startswith("no usable credentials for a cluster: ")


def test_a_folder_has_no_leader(write: Write, up: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that cannot be had is never silently accepted."""
    assert main(["run", "--config", str(write(up)), "--leader-elect"]) == 2
    assert "a folder has no Lease; leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["run", "--once"], ["plan"]])
def test_an_unreadable_manifest_ends_a_command_and_stays(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    """What cannot be read is told, the hosts are probed all the same, and nothing hangs."""
    (tmp_path / "state" / "default").mkdir(parents=True)
    broken = tmp_path / "state" / "default" / "mysql-external.yaml"
    broken.write_text("a: b: c")
    assert main([*command, "--config", str(write(up)), "--state-dir", "state"]) == 1
    assert "is not valid YAML, line 1; repair or remove the file" in capsys.readouterr().err
    assert broken.read_text() == "a: b: c"


def test_schema_is_a_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """For editors."""
    assert main(["schema"]) == 0
    assert "services" in json.loads(capsys.readouterr().out)["properties"]


@pytest.mark.parametrize("arguments", [[], ["runn"], ["run", "--wrong"], ["check", "-o", "xml"]])
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As every command line tool does."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: mooring" in capsys.readouterr().err


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Mooring --version."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"mooring {__version__}\n")


@pytest.fixture
def page() -> Iterator[tuple[int, dict[str, bytes]]]:
    """An HTTP server with pages of our own: what stands in for a daemon that answers nonsense."""
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, *args: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port, pages
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("body", [None, b"<html>", b"[]", b'{"services": [{}]}'], ids=["404", "html", "list", "shape"])
def test_status_without_a_daemon_ends_with_3(
    page: tuple[int, dict[str, bytes]], body: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody there, or somebody else: one sentence, no traceback."""
    port, pages = page
    if body is not None:
        pages["/status"] = body
    assert main(["status", "--url", f"http://127.0.0.1:{port}"]) == 3
    assert f"http://127.0.0.1:{port}: no status" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "file:///etc", pytest.param(f"http://127.0.0.1:{closed_port()}", id="closed")]
)
def test_status_of_a_wrong_url_ends_with_3(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Only http and https are asked."""
    assert main(["status", "--url", url]) == 3
    assert "no status" in capsys.readouterr().err
