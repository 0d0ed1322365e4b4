"""Who we are and what we may do, by a fake API server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mooring.cluster.client import Api, client_factory
from mooring.cluster.reviews import may_we, who_are_we
from mooring.model.errors import Rejected, Unavailable
from support.fake_api import Answer, FakeApi, refuses, says

RIGHT = {"namespace": "shop", "group": "", "resource": "endpoints", "verb": "patch", "name": "db"}


def api(server: FakeApi, tmp_path: Path) -> Api:
    return Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))


@pytest.mark.parametrize("allowed", [True, False])
def test_each_right_is_asked_by_itself(tmp_path: Path, allowed: bool) -> None:  # noqa: FBT001 -- the two answers
    """For this object alone, where it is about one."""
    with FakeApi(says(201, {"status": {"allowed": allowed}})) as server:
        assert may_we(api(server, tmp_path), **RIGHT) is allowed
        asked = json.loads(server.asked[0].body)
    assert asked["spec"]["resourceAttributes"] == RIGHT


@pytest.mark.parametrize("body", [{}, {"status": 3}, {"status": {"allowed": "yes"}}])
def test_nonsense_is_neither_yes_nor_no(tmp_path: Path, body: Any) -> None:
    """Something in front of an API server answers so."""
    with FakeApi(says(200, body)) as server, pytest.raises(Unavailable):
        may_we(api(server, tmp_path), **RIGHT)


def test_who_may_not_ask_is_told_so(tmp_path: Path) -> None:
    """Every account may, unless somebody took that away."""
    with FakeApi(refuses(403)) as server, pytest.raises(Rejected):
        may_we(api(server, tmp_path), **RIGHT)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (says(201, {"status": {"userInfo": {"username": "jane"}}}), "jane"),
        (refuses(404), ""),
        (says(201, {"status": {"userInfo": 3}}), ""),
    ],
    ids=["known", "before-1.28", "nonsense"],
)
def test_our_name_is_said_where_the_server_knows_the_question(tmp_path: Path, answer: Answer, name: str) -> None:
    """Kubernetes does since 1.28."""
    with FakeApi(answer) as server:
        assert who_are_we(api(server, tmp_path)) == name
