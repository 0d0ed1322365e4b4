"""`mooring undrain` as a user types it, before a fake API server."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.drain_commands import A, run, service, written
from support.fake_api import FakeApi, says

pytestmark = pytest.mark.usefixtures("alone")


def test_an_undrain_removes_the_entry_and_then_the_annotation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Entries whose time is over go with it."""
    both = service(f"{A},db3,db4;until=2020-01-01T00:00:00Z")
    with FakeApi(says(200, both)) as server:
        assert run(server, tmp_path, "undrain", A) == 0
        assert [one.host for one in written(server) or ()] == ["db3"]
    with FakeApi(says(200, service(A))) as server:
        assert run(server, tmp_path, "undrain", A) == 0
        assert written(server) is None
    assert capsys.readouterr().out == 2 * f"shop/db: no longer drained: {A}\n"


def test_who_is_not_drained_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt host is no success."""
    with FakeApi(says(200, service("db3"))) as server:
        assert run(server, tmp_path, "undrain", "db33") == 1
        assert run(server, tmp_path, "undrain", "db9", "db8", "db3") == 1
    assert capsys.readouterr().err == "shop/db: db33 is not drained\nshop/db: db8, db9 are not drained\n"
