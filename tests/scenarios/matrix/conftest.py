"""The servers of the matrix: each version is started once, and asked by every test that names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.matrix.versions import Version
from lab.process import Server
from support.asked_server import PASSWORD, WRONG


@pytest.fixture(scope="session")
def version(request: pytest.FixtureRequest) -> Version:
    """Which one this run of the test is about."""
    found: Version = request.param
    return found


@pytest.fixture(scope="session")
def server(version: Version) -> Iterator[Server]:
    """Runs until a test asks for another version. It logs what its replicas need."""
    extra = ("--server-id=1", "--log-bin=binlog") if version.protocol == "mysql" else ()
    with version.server(extra=extra) as made:
        yield made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Secrets: ``password`` and ``wrong``."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "password").write_text(PASSWORD)
    (folder / "wrong").write_text(WRONG)
    return folder
