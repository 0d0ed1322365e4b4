"""Sessions that are ended on a Redis that is the primary no more, by its own word."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.servers import Redis
from support.session_counts import PASSWORD, USER, Watched, listed, started, watched, written

pytestmark = pytest.mark.needs_servers

KEY = "default/rw"
APP, OTHER = "app", "reports"
ROLES = "+ping +info +cluster|info"
RIGHT = "+client|kill"
SECONDS = 30.0
"""What a step may take at most on a busy machine."""


@contextlib.contextmanager
def _pair(directory: Path, rights: str, *args: str) -> Iterator[Watched]:
    """``db`` is the one host of the Service, of which the daemon may what ``rights`` says; ``next`` follows it."""
    user = f"user {USER} on >{PASSWORD} {rights}"
    accounts = {APP: PASSWORD, OTHER: PASSWORD}
    with started(db=Redis(accounts=accounts, extra=(user,)), next=Redis(accounts=accounts)) as servers:
        service = listed("rw", {"db": servers["db"]}, written(directory), block={"role": "primary"})
        service |= {"onDemote": "killSessions", "killUsers": [APP, "nobody"]}
        with watched(directory, servers, service, args=args, loginSeconds=60.0) as stage:
            yield stage


@contextlib.contextmanager
def _session(server: Redis, user: str) -> Iterator[redis.Redis]:
    """As an application holds one: a client that does not connect again."""
    with redis.Redis(
        host=server.address,
        port=server.port,
        username=user,
        password=PASSWORD,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        single_connection_client=True,
    ) as client:
        client.ping()
        yield client


def _stands(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _follow(stage: Watched, other: Redis | None) -> Mapping[str, Any]:
    """The host becomes a replica of the other, or again nobody's; what was said of sessions then."""
    after, primary = stage.now(), (other.address, other.port) if other else ("NO", "ONE")
    stage.redis("db").command("REPLICAOF", *primary)
    stage.daemon.wait_ready(KEY, [] if other else ["10.20.0.1"], timeout=SECONDS)
    return stage.daemon.wait_log("sessions.killed", after=after, timeout=SECONDS) if other else {}


def test_the_named_users_are_cut_off_and_nobody_else(tmp_path: Path) -> None:
    """Plain sessions only: a subscriber hears on, a replica follows on; a user that does not exist is told."""
    with _pair(tmp_path, f"{ROLES} {RIGHT}") as stage, contextlib.ExitStack() as sessions:
        db, heir = stage.redis("db"), stage.redis("next")
        apps = [sessions.enter_context(_session(db, APP)) for _ in range(3)]
        other = sessions.enter_context(_session(db, OTHER))
        subscriber = sessions.enter_context(apps[0].pubsub())  # type: ignore[no-untyped-call]  # redis-py leaves it so
        subscriber.subscribe("news")
        ours = stage.sessions("db")
        line = _follow(stage, heir)
        assert (line["level"], line["users"], line["count"]) == ("warning", [APP, "nobody"], 3)
        assert line["error"] == "ERR No such user 'nobody'"
        assert [_stands(app) for app in apps] == [False] * 3
        assert _stands(other)
        assert ours <= stage.sessions("db"), "the session that is held was used, and is held on"
        assert subscriber.get_message(timeout=SECONDS)
        db.command("PUBLISH", "news", "still here")
        assert subscriber.get_message(timeout=SECONDS)


def test_a_full_host_is_reached_and_a_missing_right_is_told(tmp_path: Path) -> None:
    """With the command that gives it, which holds for the next demotion."""
    with _pair(tmp_path, ROLES) as stage, _session(stage.redis("db"), APP) as app:
        db, heir = stage.redis("db"), stage.redis("next")
        line = _follow(stage, heir)
        command = f"ACL SETUSER {USER} {RIGHT}"
        assert (line["level"], line["count"]) == ("warning", 0)
        assert line["error"].endswith(f"; grant it by `{command}`")
        assert _stands(app)
        assert db.command(*command.split()) == "OK"
        _follow(stage, None)
        with _administrator(db) as command_it:
            command_it("CONFIG", "SET", "maxclients", 1)
            assert not db.serves(), "nobody can log in any more"
            after = stage.now()
            command_it("REPLICAOF", heir.address, heir.port)
            line = stage.daemon.wait_log("sessions.killed", after=after, timeout=SECONDS)
            assert (line["count"], line["error"]) == (1, "ERR No such user 'nobody'")
            command_it("CONFIG", "SET", "maxclients", 1000)
        assert not _stands(app)


def test_a_dry_run_ends_no_session(tmp_path: Path) -> None:
    """It shows the write that would take the host out, and does nothing that would follow it."""
    with _pair(tmp_path, f"{ROLES} {RIGHT}", "--dry-run") as stage, _session(stage.redis("db"), APP) as app:
        after = stage.now()
        stage.redis("db").command("REPLICAOF", stage.redis("next").address, stage.redis("next").port)
        stage.daemon.wait_log("endpoints.written", after=after, timeout=SECONDS, not_ready=["10.20.0.1"])
        stage.wait_probes("db", 15, stage.now())  # three seconds at the least
        assert _stands(app)
        assert stage.daemon.logs("sessions.killed", after=after) == []


@contextlib.contextmanager
def _administrator(server: Redis) -> Iterator[Callable[..., Any]]:
    """Sends commands over the control socket, connected before nobody can any more."""
    with redis.Redis(unix_socket_path=str(server.control), single_connection_client=True) as client:
        yield client.execute_command
