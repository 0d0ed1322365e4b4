"""Which Kubernetes is new enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mooring.cluster.client import Api, client_factory
from mooring.cluster.version import Version, too_old
from mooring.model.errors import Unavailable
from support.fake_api import FakeApi, says
from support.refused_thread import refuse_first


def asked(tmp_path: Path, status: int, body: Any) -> str | None:
    """A fake server: a Kubernetes of five years ago is not at hand."""
    with FakeApi(says(status, body)) as server:
        return too_old(Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None)))


@pytest.mark.parametrize("minor", ["25", "36", "27+", "100"])
def test_from_1_25_on_all_are_kept(tmp_path: Path, minor: str) -> None:
    """Also where a vendor adds a sign to the number."""
    assert asked(tmp_path, 200, {"major": "1", "minor": minor}) is None


@pytest.mark.parametrize("minor", ["24", "19", "21+"])
def test_an_older_one_is_refused_with_a_sentence(tmp_path: Path, minor: str) -> None:
    """It names the version, and which one is needed."""
    told = asked(tmp_path, 200, {"major": "1", "minor": minor})
    assert told is not None
    assert told.startswith(f"this is Kubernetes 1.{minor.rstrip('+')}; Mooring needs 1.25 or newer")


def test_who_may_not_ask_is_not_refused(tmp_path: Path) -> None:
    """An account without that right keeps its Services."""
    assert asked(tmp_path, 403, {"kind": "Status", "code": 403}) is None


@pytest.mark.parametrize("body", [{}, {"major": "one", "minor": "two"}, {"major": 1}])
def test_nonsense_is_asked_again(tmp_path: Path, body: Any) -> None:
    """What is no version is no reason to begin, nor to refuse for good."""
    with pytest.raises(Unavailable, match="no Kubernetes"):
        asked(tmp_path, 200, body)


def test_a_thread_that_may_not_be_made_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a pids limit: the daemon starts all the same, and knows the version once there is room."""
    refuse_first(monkeypatch, "version")
    with FakeApi(says(200, {"major": "1", "minor": "30"})) as server:
        version = Version(Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None)))
        version.start()
        with pytest.raises(Unavailable, match="may have no thread more"):
            version.too_old()
        assert version.answered.wait(60)
        assert version.too_old() is None
        version.stop()
