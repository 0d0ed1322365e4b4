"""`mooring import` as a user types it, before a fake API server that holds objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cli.main import main
from mooring.config import AddressPolicy, parse
from support.cluster_objects import ObjectsApi, endpoints, service, subset
from support.fake_api import FakeApi, refuses

pytestmark = pytest.mark.usefixtures("alone")

DB = (service("db"), endpoints("db", subset("10.20.0.11", "10.20.0.12")))
CACHE = (
    service("cache", {"name": "redis", "port": 6379, "protocol": "TCP"}),
    endpoints("cache", subset("fd00::21", ports=({"name": "redis", "port": 6379},))),
)


def run(server: FakeApi, folder: Path, *arguments: str) -> int:
    kubeconfig = server.kubeconfig(folder / "kubeconfig", {"token": "none"})
    return main(["import", *arguments, "--cluster", "kubeconfig", "--kubeconfig", str(kubeconfig)])


def test_services_of_a_cluster_become_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What could not be known stands as comments in it, and on standard error."""
    with ObjectsApi(*DB, *CACHE) as server:
        assert run(server, tmp_path, "db", "shop/cache", "db", "-n", "shop") == 0
        assert {asked.line.split()[0] for asked in server.asked} == {"GET"}
    shown = capsys.readouterr()
    config = parse(shown.out.encode(), "f", AddressPolicy())
    assert [str(spec.key) for spec in config.services] == ["shop/db", "shop/cache"]
    assert [[host.address for host in spec.hosts] for spec in config.services] == [
        ["10.20.0.11", "10.20.0.12"],
        ["fd00::21"],
    ]
    assert [spec.check.protocol for spec in config.services] == ["mysql", "redis"]
    for sentence in ("the protocol: `mysql` is a guess", "the account and the password file"):
        assert f"# - {sentence}" in shown.out
        assert f"shop/db: not known: {sentence}" in shown.err


def test_one_that_is_not_there_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a file would be taken for the whole; every cause is said at once."""
    with ObjectsApi(*DB, service("web", selector={"app": "web"})) as server:
        assert run(server, tmp_path, "db", "none", "web", "-n", "shop") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "shop/none: there is no such Service" in shown.err
    assert "shop/web: the Service has a selector" in shown.err
    assert "shop/db" not in shown.err


def test_a_missing_right_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3, and no traceback."""
    with FakeApi(refuses(403, "you may not")) as server:
        assert run(server, tmp_path, "db") == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "403: you may not" in shown.err


def test_what_kubernetes_allows_and_the_file_does_not_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Newer versions let a name of a Service begin with a digit."""
    with ObjectsApi(service("1st"), endpoints("1st", subset("10.20.0.11"))) as server:
        assert run(server, tmp_path, "shop/1st") == 0
    shown = capsys.readouterr()
    assert "the file is not valid yet:\n<stdout>:" in shown.err
    assert "1st" in shown.out


def test_a_folder_has_nothing_to_import(capsys: pytest.CaptureFixture[str]) -> None:
    """It is usage, not a cluster that fails."""
    assert main(["import", "db", "--cluster", "local"]) == 2
    assert "--cluster local" in capsys.readouterr().err
