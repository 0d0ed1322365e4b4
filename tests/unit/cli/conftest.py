"""What the tests of commands share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.listeners import listening
from mooring.model.file_policy import ANYWHERE
from mooring.protocols.transport.files import secret_files
from support.typed_commands import Write

SECONDS = 60.0
"""What an answer may take on a busy machine."""


@pytest.fixture(autouse=True)
def _unconfined() -> Iterator[None]:
    """A command confines the whole process to --secret-dirs; the next test is as free as the first."""
    yield
    secret_files.confine(ANYWHERE)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for seconds uses up the time of no question to a daemon or to an API server."""
    for bound in ("cli.asking.FETCH_SECONDS", "cluster.client.CALL_SECONDS", "cluster.login.LOGIN_SECONDS"):
        monkeypatch.setattr(f"mooring.{bound}", SECONDS)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that runs the tests, and a working directory of our own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MOORING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MOORING_CLUSTER", "local")


@pytest.fixture
def up() -> Iterator[int]:
    with listening() as port:
        yield port


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration of one Service whose hosts are these ports; returns the file."""

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
