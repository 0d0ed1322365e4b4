"""Whoever may edit the configuration file gets no secret of the pod by it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mooring.cli.main import main
from mooring.model.file_policy import ANYWHERE
from mooring.protocols.transport.files import secret_files

TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6In.NO-REAL-TOKEN"


@pytest.fixture(autouse=True)
def _alone(alone: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of no one else, and the process as free afterwards as before."""
    monkeypatch.delenv("MOORING_CLUSTER")
    yield
    secret_files.confine(ANYWHERE)


class Rogue:
    """A Redis of the attacker's, who writes down all that it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.got = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            with taken:
                taken.settimeout(60)
                try:
                    while data := taken.recv(4096):
                        self.got += data
                        taken.sendall(b"+PONG\r\n" if data.endswith(b"PING\r\n") else b"+OK\r\n")
                except OSError:
                    pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def rogue() -> Iterator[Rogue]:
    server = Rogue()
    yield server
    server.close()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "secrets" / "kubernetes.io" / "serviceaccount" / "token"
    path.parent.mkdir(parents=True)
    path.write_text(TOKEN)
    return path


def configuration(folder: Path, secret: Path, rogue: Rogue) -> str:
    host = {"address": "10.20.0.21", "probeAddress": "127.0.0.1", "probePort": rogue.port}
    check = {"periodSeconds": 60, "redis": {"passwordFile": str(secret)}, "timeoutSeconds": 60}
    service = {"name": "x", "ports": [{"port": 6379}], "hosts": [host], "check": check}
    (folder / "config.yaml").write_text(yaml.safe_dump({"version": 1, "services": [service]}, sort_keys=False))
    return str(folder / "config.yaml")


@pytest.mark.parametrize("command", [["run"], ["run", "--once"], ["run", "--dry-run"]], ids=" ".join)
def test_the_daemon_of_a_cluster_refuses_a_file_that_names_its_token(
    command: list[str], tmp_path: Path, token: Path, rogue: Rogue, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 with the place in the file, and nothing was sent."""
    file = configuration(tmp_path, token, rogue)
    assert main([*command, "--config", file, "--cluster", "kubeconfig", "--no-leader-elect"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        f"{file}:13:21: services[0].check.redis.passwordFile: {token} lies in the folder of a service"
    )
    assert rogue.got == b""


def test_no_other_file_of_the_pod_either(tmp_path: Path, rogue: Rogue, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not lie among the secrets is none of the databases' business."""
    (tmp_path / "other").write_text("of somebody else")
    file = configuration(tmp_path, tmp_path / "other", rogue)
    assert main(["run", "--config", file, "--cluster", "kubeconfig", "--no-leader-elect"]) == 2
    assert "other lies at " in (error := capsys.readouterr().err)
    assert "outside --secret-dirs (/etc/mooring/secrets, /etc/mooring/tls)" in error
    assert rogue.got == b""


@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_no_command_sends_a_service_accounts_token(
    command: str, tmp_path: Path, token: Path, rogue: Rogue, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where any folder is allowed: what lies beside the database, or at a person's hands."""
    file = configuration(tmp_path, token, rogue)
    once = ["--once"] if command == "run" else []
    where = [] if command == "check" else ["--cluster", "local"]
    assert main([command, *once, "--config", file, *where]) == 2
    assert "token lies in the folder of a service account" in capsys.readouterr().err
    assert rogue.got == b""


def test_no_command_sends_the_kubeconfig_that_it_uses(
    tmp_path: Path, rogue: Rogue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a unit it lies among the credentials, which are allowed."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("MOORING_KUBECONFIG", "${CREDENTIALS_DIRECTORY}/kubeconfig")
    (tmp_path / "kubeconfig").write_text("users: [{name: x, user: {token: x}}]")
    file = configuration(tmp_path, tmp_path / "kubeconfig", rogue)
    assert main(["run", "--config", file, "--cluster", "kubeconfig", "--no-leader-elect"]) == 2
    assert "kubeconfig is what Mooring logs in to the cluster with" in capsys.readouterr().err
    assert main(["check", "--config", file]) == 2
    assert "kubeconfig is what Mooring logs in to the cluster with" in capsys.readouterr().err
    assert rogue.got == b""


def test_a_password_that_may_be_read_is_sent(tmp_path: Path, rogue: Rogue, capsys: pytest.CaptureFixture[str]) -> None:
    """The rogue does write down what it gets: the other tests mean something."""
    (tmp_path / "password").write_text("swordfish")
    file = configuration(tmp_path, tmp_path / "password", rogue)
    main(["check", "--config", file])
    assert b"swordfish" in rogue.got
    capsys.readouterr()


def test_a_probe_goes_nowhere_but_into_the_probe_cidrs(
    tmp_path: Path, rogue: Rogue, capsys: pytest.CaptureFixture[str]
) -> None:
    """A host of the attacker's behind an address of the Service's: --allowed-cidrs holds for both."""
    (tmp_path / "password").write_text("swordfish")
    file = Path(configuration(tmp_path, tmp_path / "password", rogue))
    file.write_text(file.read_text().replace("127.0.0.1", "192.0.2.1"))
    assert main(["check", "--config", str(file), "--allowed-cidrs", "10.20.0.0/16"]) == 2
    assert "probeAddress: 192.0.2.1 is outside --probe-cidrs (10.20.0.0/16)" in capsys.readouterr().err
    assert main(["validate", str(file), "--probe-cidrs", "10.20.0.0/16"]) == 2
    assert main(["validate", str(file), "--probe-cidrs", "192.0.2.0/24", "--allowed-cidrs", "10.20.0.0/16"]) == 0
