"""Two real daemons over one Lease on a real API server: who leads writes, however the leader is lost."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from kube.api import Api
from kube.redis_services import RIGHTS
from kube.two_daemons import LEASE, Pair
from lab.waiting import wait_until
from support.faketime import faked
from support.relay import Relay

pytestmark = pytest.mark.needs_api

MINE = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [LEASE]}
LEASE_RIGHTS = {**MINE, "verbs": ["get", "list", "watch", "create", "patch"]}


def standing_by(pair: Pair) -> None:
    """The first daemon is there, knows who leads, and is ready."""
    wait_until(lambda: pair.first.status()["leader"] is False, 20, "the first daemon to know that it leads no more")
    pair.first.wait_log("leader.lost", timeout=20)
    wait_until(lambda: pair.first.get("/readyz")[0] == 200, 20, "the first daemon to be ready")
    assert pair.second.status()["leader"] is True
    wait_until(lambda: pair.first.status()["services"][0]["error"] is None, 20, "nothing to be in its way")


def test_a_leader_that_ends_hands_over(api: Api, namespace: str) -> None:
    """SIGTERM gives the Lease back: the standby writes what it knows already, and the Lease says so."""
    with Pair(api, namespace) as pair:
        assert [one.status()["leader"] for one in (pair.first, pair.second)] == [True, False]
        assert pair.first.stop() == 0
        pair.wait_taken_over()
        pair.assert_one_writer()


@pytest.mark.fault("mooring", "The leader is killed", "A standby leads once the Lease has run out.", within="15 s")
def test_a_killed_leader_is_followed(api: Api, namespace: str) -> None:
    """After kill -9 the standby leads once the lease has run out."""
    with Pair(api, namespace) as pair:
        pair.first.kill()
        pair.wait_taken_over()
        pair.assert_one_writer()


@pytest.mark.fault(
    "mooring",
    "The leader sleeps beyond its Lease",
    "It stands by, with other verdicts than its successor.",
    within="no stale write",
)
def test_a_leader_that_slept_writes_nothing(api: Api, namespace: str) -> None:
    """Stopped beyond its lease and let go on, with other verdicts than its successor: it stands by."""
    with Pair(api, namespace) as pair:
        os.kill(pair.first.pid, signal.SIGSTOP)
        pair.wait_taken_over()
        os.kill(pair.first.pid, signal.SIGCONT)
        standing_by(pair)
        pair.assert_one_writer()


@pytest.mark.fault(
    "mooring", "The leader is cut off from the API server", "It stops in time.", within="before its Lease ends"
)
def test_a_leader_cut_off_stands_by_until_it_may_lead_again(api: Api, namespace: str, tmp_path: Path) -> None:
    """Without a way to the API server it stops in time; afterwards it is the standby, and takes over in its turn."""
    with Relay(api.address, api.port) as relay:
        token = {"token": api.credentials.admin_token}
        path = tmp_path / "kubeconfig"
        kubeconfig = api.credentials.kubeconfig(path, f"https://127.0.0.1:{relay.port}", token)
        with Pair(api, namespace, kubeconfig=kubeconfig) as pair:
            relay.cut()
            pair.wait_taken_over()
            standing_by(pair)
            relay.mend()
            pair.first.wait_log("leader.seen", holder=pair.names[1], timeout=30)
            pair.assert_one_writer()
            pair.second.stop()
            wait_until(lambda: pair.first.status()["leader"], 20, "the first daemon to lead again")


@pytest.mark.fault("mooring", "The leader's clock is an hour off", "It goes on leading.", within="nothing moves")
@pytest.mark.needs_faketime
@pytest.mark.parametrize("jump", ["+1h", "-1h"])
def test_the_wall_clock_decides_nothing(api: Api, namespace: str, tmp_path: Path, jump: str) -> None:
    """An hour off, or set by an hour while it leads: it goes on leading, and its death is noticed as ever.

    One that is set forward may have stood still, so the Lease is renewed before the next write, and the log says why.
    """
    offset = tmp_path / "offset"
    with Pair(api, namespace, env=faked(offset)) as pair:
        offset.write_text(jump)
        before = len(pair.held.all())
        wait_until(lambda: len(pair.held.all()) > before + 28, 30, "renewals for longer than a lease lasts")
        assert [one.status()["leader"] for one in (pair.first, pair.second)] == [True, False]
        assert bool(pair.first.logs("leader.clocks_disagree")) is (jump == "+1h")
        pair.first.kill()
        pair.wait_taken_over()
        pair.assert_one_writer()


def test_without_the_right_to_the_lease_it_never_writes(api: Api, namespace: str) -> None:
    """The log says which permission is missing; once it is given, the daemon leads. A Role may name the Lease.

    Without the right to the observer Leases it leads all the same, and says so once.
    """
    user = api.user("mooring", namespace=namespace)
    user.allow(*RIGHTS)
    with contextlib.ExitStack() as undo:
        pair = undo.enter_context(Pair(api, namespace))
        pair.first.kill()
        pair.second.kill()
        stored = len(pair.written.all())
        daemon = pair.begin(pair.alive, kubeconfig=user.kubeconfig)
        said = daemon.wait_log("leader.failed", refused=True)["why"]
        assert "needs the verbs get, list, watch, create and patch" in said
        assert 'resource "leases" in API group "coordination.k8s.io"' in said
        wait_until(lambda: daemon.get("/readyz")[0] == 200, 20, "it to be ready")
        assert daemon.status()["leader"] is False
        assert len(pair.written.all()) == stored
        wait_until(lambda: daemon.logs("observer.failed"), 20, "the missing right to the observer Leases to be logged")
        user.allow(LEASE_RIGHTS)
        pair.wait_taken_over()
        (observers,) = daemon.logs("observer.failed")
        assert f"{LEASE}-observer-0 cannot be used" in observers["why"]
