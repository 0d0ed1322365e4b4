"""The ground that scenarios stand on: the real daemon as a child, met as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.history import History
from lab.mooring import Daemon
from lab.network import Network
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = pytest.mark.needs_servers

SERVICE = "default/sessions"


def config(probe_address: str, port: int) -> str:
    """One Service with one Redis host, probed twice a second."""
    host = {"name": "cache1", "address": "10.20.0.21", "probeAddress": probe_address, "probePort": port}
    check = {"periodSeconds": 0.5, "timeoutSeconds": 0.5, "redis": {}}
    ports = [{"name": "redis", "port": 6379}]
    services = [{"name": "sessions", "ports": ports, "hosts": [host], "check": check}]
    return json.dumps({"version": 1, "services": services})


def test_host_leaves_and_returns(tmp_path: Path) -> None:
    """Log, manifest, status and history of the real daemon tell the same: a killed host leaves, and comes back."""
    with (
        Redis() as server,
        History(tmp_path) as history,
        Daemon(config(server.address, server.port), tmp_path) as daemon,
    ):
        daemon.wait_ready(SERVICE, ["10.20.0.21"])
        before = len(daemon.output)
        server.kill()
        assert daemon.wait_log("host.not_ready", host="cache1", after=before)["reason"] == "refused"
        daemon.wait_ready(SERVICE, [])
        assert daemon.not_ready(SERVICE) == ["10.20.0.21"]
        assert daemon.status()["services"][0]["hosts"][0]["verdict"] == "not-ready"
        server.start()
        daemon.wait_ready(SERVICE, ["10.20.0.21"])
        assert daemon.stop() == 0
    assert history.missed == 0
    assert [version.ready for version in history.of(SERVICE)][-3:] == [["10.20.0.21"], [], ["10.20.0.21"]]


def test_daemon_can_be_killed_and_started_again(tmp_path: Path) -> None:
    """A killed daemon is gone at once, and starts again on the same file and folder."""
    with Redis() as server, Daemon(config(server.address, server.port), tmp_path) as daemon:
        daemon.wait_ready(SERVICE, ["10.20.0.21"])
        first = daemon.pid
        daemon.kill()
        assert not daemon.running
        daemon.start()
        assert daemon.pid != first
        wait_until(lambda: answers(daemon), 10, "the daemon to answer again")
        assert daemon.ready(SERVICE) == ["10.20.0.21"]


def answers(daemon: Daemon) -> bool:
    try:
        return daemon.get("/livez")[0] == 200
    except OSError:
        return False


@pytest.mark.needs_root
def test_daemon_probes_inside_a_network(tmp_path: Path) -> None:
    """A daemon in a namespace probes the hosts of that network, and its status is asked there."""
    with Network() as network:
        host = network["db1"]
        with (
            Redis(netns=host.netns, address=host.address) as server,
            Daemon(config(host.address, server.port), tmp_path, netns=network.node.netns) as daemon,
        ):
            daemon.wait_ready(SERVICE, ["10.20.0.21"])
            host.drop()
            assert daemon.wait_log("host.not_ready")["reason"] == "timeout"
            daemon.wait_ready(SERVICE, [])
            assert daemon.status()["services"][0]["hosts"][0]["verdict"] == "not-ready"


def test_a_daemon_that_ends_says_why(tmp_path: Path) -> None:
    """Waiting for a daemon that ended shows its last words instead of a bare timeout."""
    with Daemon("version: 2\n", tmp_path) as daemon:
        with pytest.raises(TimeoutError, match=r"config\.yaml:1"):
            daemon.wait_log("host.ready")
        assert daemon.wait() == 2
        assert daemon.manifest(SERVICE) is None
