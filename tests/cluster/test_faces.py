"""What people look at, on a real API server: Event, `/status`, page and `mooring explain` tell the same story."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from cluster.commands import command
from kube.api import Api
from kube.redis_services import ONE, TWO, Stage, redis_servers
from kube.two_daemons import Pair
from lab.mooring import Daemon
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]

NAME = "db"
_ROW = re.compile(
    r'<tr class="(\w+)">\s*<th scope="row"><a href="[^"]*">([^<]*)</a>.*?<b>([^<]*)</b>.*?<td>([^<]*)</td>', re.DOTALL
)


class Faces:
    """The first host, as each face tells it."""

    def __init__(self, stage: Stage, daemon: Daemon) -> None:
        self._stage = stage
        self._daemon = daemon

    def status(self) -> dict[str, Any]:
        row, *_ = self._daemon.status()["services"][0]["hosts"]
        found: dict[str, Any] = row
        return found

    def page(self) -> str:
        return html.unescape(self._daemon.get("/")[1].decode())

    def rows(self) -> list[tuple[str, ...]]:
        """Of the page: colour, host, state and last outcome."""
        return _ROW.findall(self.page())

    def explained(self) -> str:
        done = command(
            self._stage.api,
            "explain",
            f"{self._stage.key(NAME)}/{ONE}",
            "--url",
            f"http://127.0.0.1:{self._daemon.port}",
        )
        assert done.returncode == 0, done.stderr
        return " ".join(done.stdout.split())

    def events(self, reason: str) -> list[dict[str, Any]]:
        found = self._stage.api.rest.get(self._stage.path("events"))["items"]
        return [one for one in found if one["reason"] == reason and one["involvedObject"]["name"] == NAME]

    def assert_agreed(self, verdict: str, reason: str, event: str) -> None:
        """All of them: the verdict, its reason, where Mooring asks, and when it was."""
        row = self.status()
        assert (row["verdict"], row["reason"], row["published"]) == (verdict, reason, verdict)
        since = datetime.fromisoformat(row["since"])
        colour = "ready" if verdict == "ready" else "out"
        wait_until(lambda: self.rows()[0][:3] == (colour, ONE, verdict), 10, "the page, which is kept for a second")
        assert reason in self.rows()[0][3]
        explained = self.explained()
        assert f"{since:%H:%M:%S} UTC" in explained
        assert f"{reason} at {row['probed']}" in explained
        told = self.events(event)[-1]
        assert told["message"].startswith(f"{ONE} ({row['probed']}) is ")
        assert (f"is out: {reason}" in told["message"]) is (verdict != "ready")
        at = datetime.fromisoformat(told["lastTimestamp"])
        assert abs((at - since).total_seconds()) <= 1.0, "an Event has whole seconds"


@pytest.fixture
def stage(api: Api, namespace: str) -> Stage:
    made = Stage(api, namespace)
    made.serve(NAME)
    return made


@pytest.fixture
def redis() -> Iterator[Redis]:
    with redis_servers(1) as [server]:
        yield server


@pytest.fixture
def daemon(stage: Stage, redis: Redis) -> Iterator[Daemon]:
    """Its only host is ready."""
    with stage.daemon(stage.file({NAME: [redis]})) as started:
        started.wait_ready(stage.key(NAME), [ONE])
        yield started


@pytest.mark.parametrize("reason", ["refused", "timeout"])
def test_the_only_database_falls_and_comes_back(stage: Stage, daemon: Daemon, redis: Redis, reason: str) -> None:
    """Each face has the same verdict, reason, place and second; that the Service is empty is an Event of its own."""
    faces = Faces(stage, daemon)
    (redis.kill if reason == "refused" else redis.freeze)()
    try:
        wait_until(lambda: faces.status()["published"] == "not-ready", 20, "the host to leave")
        wait_until(lambda: faces.events("ServiceEmpty"), 20, "the last Event")
        faces.assert_agreed("not-ready", reason, "HostNotReady")
    finally:
        (redis.start if reason == "refused" else redis.thaw)()
    wait_until(lambda: faces.status()["published"] == "ready", 20, "the host to come back")
    wait_until(lambda: faces.events("HostReady"), 20, "the Event")
    faces.assert_agreed("ready", "ok", "HostReady")


def test_all_databases_fall_silent_at_once(stage: Stage) -> None:
    """Two machines: Mooring is blind, nothing moves, and each face says so."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Redis(address=address)) for address in ("127.0.0.2", "127.0.0.3")]
        daemon = stack.enter_context(stage.daemon(stage.file({NAME: servers})))
        daemon.wait_ready(stage.key(NAME), [ONE, TWO])
        faces = Faces(stage, daemon)
        for server in servers:
            server.freeze()
        wait_until(lambda: daemon.status()["blind"], 20, "the status to say that Mooring is blind")
        wait_until(lambda: faces.status()["reason"] == "blind", 20, "the host to be unknown")
        row = faces.status()
        assert (row["verdict"], row["published"]) == ("ready", "ready")
        wait_until(lambda: "Blind: all ready hosts are silent at once" in faces.page(), 10, "the page to say so")
        assert "blind" in faces.explained()
        assert daemon.logs("blind.start")
        assert "mooring_blind 1.0" in daemon.get("/metrics")[1].decode()
        assert not faces.events("HostNotReady")


def test_a_refused_file(stage: Stage, daemon: Daemon) -> None:
    """Status, page, log and metrics say that the file before stays in force, and why."""
    before = daemon.status()["config"]["hash"]
    daemon.config.write_text("version: 1\nservices: 7\n")
    said = daemon.wait_log("config.refused")
    wait_until(lambda: daemon.status()["config"]["error"], 10, "the status to say so")
    config = daemon.status()["config"]
    assert config["hash"] == before
    assert ":2:11: " in config["error"]
    assert config["error"] in said["problems"]
    wait_until(lambda: config["error"] in Faces(stage, daemon).page(), 10, "the page to say so")
    assert "mooring_config_last_reload_successful 0.0" in daemon.get("/metrics")[1].decode()


def test_a_standby_says_that_it_is_one(api: Api, namespace: str) -> None:
    """Its page and its status name the leader; so does `mooring status` where it is asked."""
    with Pair(api, namespace) as pair:
        leader, standby = pair.first.status(), pair.second.status()
        assert (standby["leader"], standby["holder"]) == (False, leader["identity"])
        page = html.unescape(pair.second.get("/")[1].decode())
        assert f"Standby: {leader['identity']} leads and writes." in page
        assert "Standby" not in pair.first.get("/")[1].decode()
        done = command(api, "status", "--url", f"http://127.0.0.1:{pair.second.port}")
        assert f"Standby: {leader['identity']} leads and writes." in done.stdout + done.stderr
