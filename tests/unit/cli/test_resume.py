"""`mooring resume` as a user types it, before a fake API server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mooring.cli.main import main
from mooring.plan.overrides import PAUSED
from support.fake_api import FakeApi, refuses, says

pytestmark = pytest.mark.usefixtures("alone")


def resume(server: FakeApi, folder: Path) -> int:
    kubeconfig = server.kubeconfig(folder / "kubeconfig", {"token": "none"})
    return main(["resume", "shop/db", "--cluster", "kubeconfig", "--kubeconfig", str(kubeconfig)])


def test_resume_takes_the_annotation_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A merge patch with null (RFC 7386); other annotations stay."""
    with FakeApi(says(200, {"metadata": {"name": "db"}})) as server:
        assert resume(server, tmp_path) == 0
        (asked,) = server.asked
    assert asked.headers["content-type"] == "application/merge-patch+json"
    assert json.loads(asked.body) == {"metadata": {"annotations": {PAUSED: None}}}
    assert capsys.readouterr().out == "shop/db: kept again\n"


def test_resume_of_what_is_not_there_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `pause`."""
    with FakeApi(refuses(404)) as server:
        assert resume(server, tmp_path) == 1
    assert capsys.readouterr().err == "shop/db: there is no such Service\n"
