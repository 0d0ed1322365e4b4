"""The group `cluster`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cli.doctor.cluster import ClusterFacts, cluster_facts, findings
from mooring.cluster.client import Api, client_factory
from support.fake_api import Answer, FakeApi, breaks_off, refuses, says


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (says(200, {"major": "1", "minor": "36"}), ""),
        (refuses(403), ""),
        (says(200, {"major": "1", "minor": "24"}), "this is Kubernetes 1.24"),
        (refuses(401, "who are you"), "who are you"),
        (breaks_off(), "does not answer"),
        (says(200, {}), "no Kubernetes"),
    ],
    ids=["sound", "may-not-ask", "old", "bad-token", "gone", "something-else"],
)
def test_a_cluster_that_cannot_be_used_is_one_finding(tmp_path: Path, answer: Answer, what: str) -> None:
    """And one that answers is none."""
    with FakeApi(answer) as server:
        file = server.kubeconfig(tmp_path / "kubeconfig", {"token": "none"})
        found = findings(cluster_facts(Api(client_factory("kubeconfig", file, None))))
    assert len(found) == bool(what)
    assert all(what in one.what for one in found)


def test_without_credentials_the_command_shows_what_there_is() -> None:
    """Before anything is asked."""
    (found,) = findings(ClusterFacts(no_login="no usable credentials"))
    assert "get-contexts" in found.mend
