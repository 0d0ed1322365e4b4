"""Which Kubernetes is new enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ground.fake_api import FakeApi, says
from mooring.cluster.client import Api, login
from mooring.cluster.version import too_old
from mooring.errors import Unavailable


def asked(tmp_path: Path, status: int, body: Any) -> str | None:
    """A fake server: a Kubernetes of five years ago is not at hand."""
    with FakeApi(says(status, body)) as server:
        return too_old(Api(login("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None)))


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
    assert asked(tmp_path, 403, {}) is None


@pytest.mark.parametrize("body", [{}, {"major": "one", "minor": "two"}, {"major": 1}])
def test_nonsense_is_asked_again(tmp_path: Path, body: Any) -> None:
    """What is no version is no reason to begin, nor to refuse for good."""
    with pytest.raises(Unavailable, match="no Kubernetes"):
        asked(tmp_path, 200, body)
