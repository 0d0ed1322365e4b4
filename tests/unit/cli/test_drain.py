"""`mooring drain` as a user types it, before a fake API server."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import pytest

from mooring.cli.main import main
from mooring.model.overrides import Drained
from support.console import compared
from support.drain_commands import A, B, endpoints, run, service, written
from support.fake_api import FakeApi, refuses, says

pytestmark = pytest.mark.usefixtures("alone")


def test_a_drain_is_an_entry_of_the_annotation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its end, its reason and who gave it; the entries of other hosts stay."""
    before = service("db3;by=bob")
    with FakeApi(says(200, before), says(200, endpoints(A, B)), says(200, before)) as server:
        now = time.time()
        assert run(server, tmp_path, "drain", A, "--for", "2h", "--reason", "moving; the disk, at last") == 0
        found = written(server)
    assert found is not None
    assert [one.host for one in found] == [A, "db3"]
    assert found[0].until is not None
    assert now + 7199 <= found[0].until <= time.time() + 7200
    assert (found[0].reason, found[1]) == ("moving; the disk, at last", Drained("db3", None, "bob"))
    assert capsys.readouterr().out == f"shop/db: drained {A}\n"


@pytest.mark.parametrize(
    ("ready", "drained", "hosts"),
    [
        pytest.param([A], "", [A], id="the last one"),
        pytest.param([A, B], "", [A, B], id="both at once"),
        pytest.param([A], "", ["db1"], id="a name may be the last one"),
        pytest.param([A, B], A, [B], id="the other one is drained just now"),
        pytest.param(["fd00:0::B"], "", ["fd00::b"], id="an address that is spelt in another way"),
    ],
)
def test_the_last_ready_host_needs_force(
    tmp_path: Path, ready: list[str], drained: str, hosts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A drain empties no Service by accident; --force does."""
    with FakeApi(says(200, service(drained)), says(200, endpoints(*ready))) as server:
        assert run(server, tmp_path, "drain", *hosts) == 1
        assert not any(one.line.startswith("PATCH") for one in server.asked)
    assert capsys.readouterr().err == "shop/db: no ready host would be left; --force drains them all the same\n"
    with FakeApi(says(200, service(drained))) as server:
        assert run(server, tmp_path, "drain", *hosts, "--force") == 0


@pytest.mark.parametrize(
    ("ready", "hosts"),
    [
        pytest.param([A, B], [A], id="another is left"),
        pytest.param([A], [B], id="one that is not ready"),
        pytest.param([A, B], ["db1"], id="a name beside another"),
        pytest.param([], [A], id="none is ready anyway"),
    ],
)
def test_other_hosts_need_none(tmp_path: Path, ready: list[str], hosts: list[str]) -> None:
    """Where one is left, or none was ready before."""
    with FakeApi(says(200, service()), says(200, endpoints(*ready)), says(200, service())) as server:
        assert run(server, tmp_path, "drain", *hosts) == 0


def test_somebody_else_changes_the_service_meanwhile(tmp_path: Path) -> None:
    """Both changes hold: the annotation is read again and written anew."""
    first, later = service(version="7"), service("db9", version="8")
    looks = (says(200, endpoints(A, B)), says(200, endpoints(A, B)))
    with FakeApi(says(200, first), looks[0], refuses(409), says(200, later), looks[1], says(200, later)) as server:
        assert run(server, tmp_path, "drain", A) == 0
        assert [one.host for one in written(server) or ()] == [A, "db9"]
        assert json.loads(server.asked[-1].body)["metadata"]["resourceVersion"] == "8"


def test_no_such_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names it."""
    with FakeApi(refuses(404)) as server:
        assert run(server, tmp_path, "drain", A) == 1
    assert capsys.readouterr().err == "shop/db: there is no such Service\n"


def test_the_page_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A drain and its end, as docs/operations.md has them."""
    [[drain, undrain]] = compared("docs/operations.md", __file__)
    before, after = service(), service("10.20.0.12", version="8")
    with FakeApi(*(says(200, one) for one in (before, endpoints(A, B), before, after, after))) as server:
        monkeypatch.setenv("MOORING_CLUSTER", "kubeconfig")
        monkeypatch.setenv("MOORING_KUBECONFIG", str(server.kubeconfig(tmp_path / "kubeconfig", {"token": "none"})))
        for step in (drain, undrain):
            assert main(shlex.split(step.command)[1:]) == 0
            assert capsys.readouterr().out.splitlines() == list(step.shown)
