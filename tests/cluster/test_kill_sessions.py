"""Two real daemons over one Lease and one real Redis: who ends the sessions of a demoted primary, and who does not."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kube.api import Api
from kube.daemon import ClusterDaemon
from kube.redis_services import ONE, PORT, Stage
from kube.two_daemons import LEASE, SHORT, TOOLS
from lab.configuration import at, file, service
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Redis
from lab.waiting import wait_until
from support.relay import Relay

pytestmark = pytest.mark.needs_api

APP, PASSWORD = "app", "throw-away-of-a-test"
SECONDS = 30.0
"""What a step may take at most on a busy machine."""


@dataclass(frozen=True)
class Scene:
    """``server`` is the primary of the Service ``db``, ``heir`` another; ``daemons``: the first one leads."""

    stage: Stage
    server: Redis
    heir: Redis
    daemons: Sequence[Daemon]

    def demote(self) -> None:
        self.server.command("REPLICAOF", self.heir.address, self.heir.port)
        for daemon in self.daemons:
            daemon.wait_log("host.not_ready", timeout=SECONDS, reason="wrong-role")

    def killed(self) -> list[int]:
        """How many lines each daemon has of that."""
        return [len(daemon.logs("sessions.killed")) for daemon in self.daemons]


@contextlib.contextmanager
def _scene(stage: Stage, kubeconfig: Path | None = None) -> Iterator[Scene]:
    """``kubeconfig`` is the first daemon's."""
    server, heir = Redis(accounts={APP: PASSWORD}), Redis()
    with contextlib.ExitStack() as undo:
        for one in (server, heir):
            undo.callback(one.close)
        start_all(server, heir)
        stage.serve("db")
        listed = service(
            "db", "redis", [at(ONE, server)], block={"role": "primary"}, namespace=stage.namespace, ports=[PORT]
        )
        text = file({**listed, "onDemote": "killSessions", "killUsers": [APP]})
        daemons = [undo.enter_context(_daemon(stage, text, kubeconfig))]
        daemons[0].wait_ready(stage.key(), [ONE], timeout=SECONDS)
        daemons.append(undo.enter_context(_daemon(stage, text)))
        daemons[1].wait_log("leader.seen", timeout=SECONDS)
        wait_until(lambda: daemons[1].get("/readyz")[0] == 200, SECONDS, "the standby to be ready")
        yield Scene(stage, server, heir, daemons)


def _daemon(stage: Stage, text: str, kubeconfig: Path | None = None) -> Daemon:
    args = ("--lease-namespace", stage.namespace, "--lease-name", LEASE)
    program = (sys.executable, "-m", "kube.candidate", SHORT)
    env = {"PYTHONPATH": str(TOOLS)}
    return ClusterDaemon(text, stage.api, kubeconfig=kubeconfig, args=args, env=env, program=program)


@contextlib.contextmanager
def _session(server: Redis) -> Iterator[redis.Redis]:
    """As an application holds one: a client that does not connect again."""
    with redis.Redis(
        host=server.address,
        port=server.port,
        username=APP,
        password=PASSWORD,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=True,
    ) as client:
        client.ping()
        yield client


def test_only_the_leader_ends_sessions_and_an_event_tells_of_it(api: Api, namespace: str) -> None:
    """Both see the demotion; one of them acts, once, and `kubectl describe service` shows it."""
    stage = Stage(api, namespace)
    with _scene(stage) as scene, _session(scene.server) as app:
        scene.demote()
        line = scene.daemons[0].wait_log("sessions.killed", timeout=SECONDS)
        assert (line["count"], line["level"]) == (1, "info")
        with pytest.raises(redis.ConnectionError):
            app.ping()
        told = wait_until(lambda: stage.events("SessionsEnded"), SECONDS, "the Event")
        assert told == [f"ended 1 sessions of {APP} on {ONE}, which was demoted"]
        assert scene.daemons[0].stop() == 0
        scene.daemons[1].wait_log("leader.acquired", timeout=SECONDS)
        with _session(scene.server) as later:
            wait_until(lambda: scene.daemons[1].status()["leader"], SECONDS, "the standby to lead")
            after = len(scene.daemons[1].output)
            scene.server.command("REPLICAOF", "NO", "ONE")
            scene.daemons[1].wait_log("host.ready", timeout=SECONDS, after=after)
            assert later.ping()
        assert scene.killed() == [1, 0]


def test_what_cannot_be_stored_ends_no_session(api: Api, namespace: str, tmp_path: Path) -> None:
    """The leader is cut off from the API server: traffic still comes to the host, as far as it knows. The other one,
    which leads then, takes the host out; that was no demotion that it saw as the leader.
    """
    with Relay(api.address, api.port) as relay:
        token = {"token": api.credentials.admin_token}
        url = f"https://127.0.0.1:{relay.port}"
        kubeconfig = api.credentials.kubeconfig(tmp_path / "kubeconfig", url, token)
        with _scene(Stage(api, namespace), kubeconfig) as scene, _session(scene.server) as app:
            relay.cut()
            scene.demote()
            scene.daemons[0].wait_log("leader.lost", timeout=SECONDS)
            scene.daemons[1].wait_log("endpoints.written", timeout=SECONDS)
            assert scene.daemons[1].ready(scene.stage.key()) == []
            after = len(scene.daemons[1].output)
            scene.server.command("REPLICAOF", "NO", "ONE")
            scene.daemons[1].wait_log("host.ready", timeout=SECONDS, after=after)
            assert app.ping()
            assert scene.killed() == [0, 0]
