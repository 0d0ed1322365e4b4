"""A Kubernetes that is too old is refused, and left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.commands import command
from cluster.fake_version import Guise
from kube.api import Api
from kube.daemon import ClusterDaemon
from kube.redis_services import BOTH, Stage, redis_servers
from kube.versions import SLICES, Versions
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

WHY = "this is Kubernetes 1.24; Mooring needs 1.25 or newer, for older ones may send traffic to dead hosts"


@pytest.mark.fault(
    "api",
    "It is of a version that sends traffic to dead hosts",
    "Mooring writes nothing, and says why.",
    within="nothing moves",
)
@pytest.mark.parametrize("publish", ["endpoints", "endpointSlices"])
def test_an_old_one_is_refused_and_left_alone(api: Api, namespace: str, tmp_path: Path, publish: str) -> None:
    """The daemon goes on, writes nothing, and says why: in the log, as an Event, in the status; commands end with 1."""
    stage = Stage(api, namespace)
    stage.serve("db")
    with redis_servers(2) as servers, Guise(api, tmp_path, minor="24") as guise:
        file = stage.file({"db": servers}).replace('"name": "db"', f'"name": "db", "publish": "{publish}"')
        with Versions(api, namespace) as endpoints, Versions(api, namespace, SLICES) as slices:
            with ClusterDaemon(file, api, kubeconfig=guise.kubeconfig) as daemon:
                assert daemon.wait_log("endpoints.refused")["why"] == WHY
                wait_until(lambda: stage.events("Refused") == [WHY], 10, "the Event")
                wait_until(lambda: _judged(daemon), 10, "its hosts to be judged")
                [service] = daemon.status()["services"]
                assert (service["error"], service["ready"], service["total"]) == (WHY, 0, 2)
                assert daemon.get("/livez")[0] == daemon.get("/readyz")[0] == 200
                assert len(daemon.logs("endpoints.refused")) == 1
                assert daemon.stop() == 0
            config = tmp_path / "config.yaml"
            config.write_text(file)
            for words in (("plan",), ("run", "--once")):
                ended = command(
                    api, *words, "--config", str(config), "--kubeconfig", str(guise.kubeconfig), "--no-leader-elect"
                )
                assert (ended.returncode, WHY in ended.stdout + ended.stderr) == (1, True), ended
            assert endpoints.all() == slices.all() == []


def _judged(daemon: ClusterDaemon) -> bool:
    return [host["verdict"] for host in daemon.status()["services"][0]["hosts"]] == ["ready"] * 2


def test_the_oldest_that_is_kept(api: Api, namespace: str, tmp_path: Path) -> None:
    """1.25 is served like any other."""
    stage = Stage(api, namespace)
    stage.serve("db")
    with (
        redis_servers(2) as servers,
        Guise(api, tmp_path, minor="25") as guise,
        ClusterDaemon(stage.file({"db": servers}), api, kubeconfig=guise.kubeconfig) as daemon,
    ):
        daemon.wait_ready(stage.key(), BOTH[0], timeout=20)
