"""`mooring pause` as a user types it, before a fake API server."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mooring.cli.main import main
from mooring.plan.overrides import PAUSED, parse_pause
from support.fake_api import FakeApi, refuses, says

pytestmark = pytest.mark.usefixtures("alone")


def pause(server: FakeApi, folder: Path, *arguments: str) -> int:
    kubeconfig = server.kubeconfig(folder / "kubeconfig", {"token": "none"})
    return main(["pause", "shop/db", "--cluster", "kubeconfig", "--kubeconfig", str(kubeconfig), *arguments])


def test_a_pause_is_an_annotation_of_the_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its end, its reason and who gave it; nothing else of the Service is touched."""
    with FakeApi(says(200, {"metadata": {"name": "db"}})) as server:
        before = time.time()
        assert pause(server, tmp_path, "--for", "1h", "--reason", "moving; the disk") == 0
        (asked,) = server.asked
    assert asked.line.startswith("PATCH /api/v1/namespaces/shop/services/db?")
    ((name, text),) = json.loads(asked.body)["metadata"]["annotations"].items()
    found = parse_pause(text)
    assert name == PAUSED
    assert found is not None
    assert found.until is not None
    assert before + 3599 <= found.until <= time.time() + 3600
    assert found.reason == "moving; the disk"
    assert found.by
    assert capsys.readouterr().out == "shop/db: paused\n"


def test_without_an_end_a_pause_lasts_until_it_is_ended(tmp_path: Path) -> None:
    """By `mooring resume`."""
    with FakeApi(says(200, {"metadata": {"name": "db"}})) as server:
        assert pause(server, tmp_path) == 0
        found = parse_pause(json.loads(server.asked[0].body)["metadata"]["annotations"][PAUSED])
    assert found is not None
    assert found.until is None


@pytest.mark.parametrize(
    ("code", "sentence"), [(404, "there is no such Service"), (403, "said so")], ids=["missing", "forbidden"]
)
def test_a_pause_that_is_refused_ends_with_1(
    tmp_path: Path, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody takes a Service for paused that is not."""
    with FakeApi(refuses(code)) as server:
        assert pause(server, tmp_path) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("shop/db: ")
    assert sentence in shown.err


def test_a_time_that_cannot_be_read_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is asked of the cluster."""
    with FakeApi(says(200, {})) as server:
        assert pause(server, tmp_path, "--for", "soon") == 2
        assert server.asked == []
    assert "'soon' is no time: write 30m, 1h or 2h30m" in capsys.readouterr().err


def test_a_folder_has_no_services_to_pause(capsys: pytest.CaptureFixture[str]) -> None:
    """The message has what to do instead."""
    assert main(["pause", "shop/db", "--cluster", "local"]) == 2
    assert "set maintenance: true in the file" in capsys.readouterr().err
