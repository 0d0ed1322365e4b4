"""What real Redis servers and Sentinels say of roles: the same by a fresh login and over a held session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from lab.process import start_all
from lab.servers import Redis
from lab.topologies.sentinel import NAME, Sentinel
from lab.topologies.topology import Loopback
from lab.waiting import wait_until
from mooring.model.facts import Channel, Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.redis.options import RedisOptions, SentinelOptions
from mooring.protocols.transport.text import cleaned
from support.held_session import ask as ask_held
from support.held_session import enter, leave

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "probe", "throw-away-of-a-test"
RIGHTS = f"user {USER} on >{PASSWORD} +ping +info +cluster|info"
AT_ONCE = "repl-diskless-sync-delay 0"


@pytest.fixture
def login(tmp_path: Path) -> dict[str, Any]:
    """The fields of the block by which the user logs in."""
    (tmp_path / "password").write_text(PASSWORD)
    return {"user": USER, "passwordFile": str(tmp_path / "password")}


def _seen(server: Redis, options: RedisOptions | SentinelOptions) -> Observation:
    """What a login sees, as soon as the session that it leaves sees the same: between the two, a host may change."""
    target = Target("redis", server.address, server.port, 5.0, options)
    (seen,) = wait_until(lambda: _twice(target), 30, "a login and its session to see the same")
    return seen


def _twice(target: Target) -> list[Observation]:
    login_result = enter(target)
    if login_result.session is None:
        return [login_result.observation]
    try:
        answer = ask_held(login_result.session, target)
    finally:
        leave(login_result.session)
    assert answer is not None
    assert (answer.keep, answer.rest) == (True, b"")
    same = _steady(cleaned(answer.observation, b"")) == _steady(login_result.observation)
    return [login_result.observation] if same else []


def _steady(seen: Observation) -> Observation:
    """Without what changes from one moment to the next."""
    links = tuple(replace(link, lag=None, problem="") for link in (seen.facts or Facts()).channels)
    return replace(seen, latency=None, facts=seen.facts and replace(seen.facts, channels=links, offset=None))


def _asked(server: Redis, **block: Any) -> Observation:
    return _seen(server, RedisOptions.model_validate({"role": "primary", **block}))


def _facts(server: Redis, **block: Any) -> Facts:
    seen = _asked(server, **block)
    assert (seen.reason, seen.unread) == (Reason.OK, None)
    assert seen.facts is not None
    return seen.facts


def _link(server: Redis) -> Channel:
    (link,) = _facts(server).channels
    return link


@contextlib.contextmanager
def _pair(*extra: str) -> Iterator[tuple[Redis, Redis]]:
    """A primary and its replica, started but not yet in sync; ``extra`` are lines of both."""
    primary = Redis(extra=[AT_ONCE, *extra])
    replica = Redis(extra=[AT_ONCE, f"replicaof {primary.address} {primary.port}", *extra])
    with contextlib.ExitStack() as undo:
        undo.callback(primary.close)
        undo.callback(replica.close)
        start_all(primary, replica)
        yield primary, replica


def test_a_primary_and_its_replica() -> None:
    """The one takes writes, the other names it, tells that the link is up, and how far both have come."""
    with _pair() as (primary, replica):
        wait_until(lambda: _link(replica).receiving, 30, "the link to be up")
        primary.command("SET", "key", "x" * 1000)
        wait_until(lambda: (_facts(replica).offset or 0) >= 1000, 30, "the write to arrive")
        follows = _facts(replica)
        own = _facts(primary)
    assert (own.role, own.read_only, own.channels, own.hindered, own.offline) == ("primary", "", (), "", "")
    assert (follows.role, follows.read_only) == ("replica", "role:slave")
    assert own.offset is not None
    assert follows.offset is not None
    assert 1000 < follows.offset <= own.offset
    assert follows.history == own.history
    link = follows.channels[0]
    assert link.lag is not None
    assert 0 <= link.lag <= 11
    assert link == Channel(f"{primary.address}:{primary.port}", lag=link.lag)


def test_a_replica_whose_primary_has_died() -> None:
    """The link is down, for so many seconds; its lag is not known, and what it had it still has."""
    with _pair("repl-ping-replica-period 3600") as (primary, replica):  # a ping would move the offset
        wait_until(lambda: _link(replica).receiving, 30, "the link to be up")
        before = _facts(replica)
        primary.kill()
        wait_until(lambda: not _link(replica).receiving, 30, "the link to be down")
        wait_until(lambda: _link(replica).problem not in ("", "down for 0 s"), 30, "a second to pass")
        link, after = _link(replica), _facts(replica)
    assert (link.trying, link.applying, link.stopped, link.lag) == (True, True, False, None)
    assert link.problem.startswith("down for ")
    assert (after.read_only, after.history, after.offset) == ("role:slave", before.history, before.offset)


def test_a_promoted_replica_is_a_primary_with_a_past() -> None:
    """REPLICAOF NO ONE: it begins a stream of its own, and still holds the former primary's."""
    with _pair() as (primary, replica):
        wait_until(lambda: _link(replica).receiving, 30, "the link to be up")
        before = _facts(primary).history or {}
        replica.command("REPLICAOF", "NO", "ONE")
        now = _facts(replica)
        assert (now.role, now.read_only, now.channels) == ("primary", "", ())
        assert set(now.history or {}) > before.keys()
        primary.command("REPLICAOF", replica.address, replica.port)
        wait_until(lambda: _link(primary).receiving, 30, "the former primary to follow")
        assert set(_facts(primary).history or {}) >= set(now.history or {}) - before.keys()


def test_a_replica_that_takes_its_first_copy() -> None:
    """It answers PING all the while, and has nothing yet."""
    with _pair("repl-diskless-sync yes") as (primary, replica):
        replica.command("REPLICAOF", "NO", "ONE")
        primary.command("EVAL", "for i = 1, 3000 do redis.call('SET', i, i) end", 0)
        primary.command("CONFIG", "SET", "rdb-key-save-delay", 10_000)
        replica.command("REPLICAOF", primary.address, primary.port)
        wait_until(lambda: _link(replica).syncing, 30, "the copy to begin")
        assert not _link(replica).receiving
        primary.command("CONFIG", "SET", "rdb-key-save-delay", 0)


def test_a_replica_that_serves_no_stale_data_tells_its_role_all_the_same() -> None:
    """PING says MASTERDOWN, so that readers leave; INFO tells whom it follows, so that a writer leaves at once."""
    with Redis(extra=["replica-serve-stale-data no"]) as server:
        server.command("REPLICAOF", "127.0.0.1", 1)
        seen = _asked(server)
        plain = _asked(server, role="any")
    assert (seen.reason, seen.message.partition(" ")[0]) == (Reason.NOT_REPLICATING, "MASTERDOWN")
    assert seen.facts is not None
    assert (seen.facts.read_only, seen.facts.channels[0].source) == ("role:slave", "127.0.0.1:1")
    assert (plain.reason, plain.facts) == (Reason.NOT_REPLICATING, None)


@pytest.mark.fault(
    "host",
    "Redis cannot save, and refuses writes",
    "Only a Service that asks for a primary minds; the host's own words are shown.",
    within="F x P",
)
def test_a_primary_that_cannot_save_takes_no_writes() -> None:
    """MISCONF: it serves readers, so only who asks for a primary minds; its own words tell why."""
    with Redis(extra=["save 900 1", "stop-writes-on-bgsave-error yes"]) as server:
        server.directory.chmod(0o555)
        try:
            server.command("BGSAVE")
            wait_until(lambda: _asked(server, role="any").message, 30, "Redis to notice")
            plain, told = _asked(server, role="any"), _facts(server)
            with pytest.raises(redis.ResponseError, match="MISCONF"):
                server.command("SET", "key", 1)
        finally:
            server.directory.chmod(0o755)
        assert (plain.reason, plain.message[:8], told.hindered[:8]) == (Reason.OK, "MISCONF ", "MISCONF ")
        assert told.role == "primary"
        server.command("SAVE")
        assert (_asked(server, role="any").message, _facts(server).hindered) == ("", "")


@pytest.mark.fault(
    "host",
    "Redis lacks the replica that it must have",
    "It takes no writes, which is shown, until one is near.",
    within="F x P",
)
def test_a_primary_without_the_replica_that_it_must_have() -> None:
    """NOREPLICAS to every write, until one is near."""
    with Redis(extra=["min-replicas-to-write 1", AT_ONCE]) as primary, Redis() as replica:
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            primary.command("SET", "key", 1)
        assert "min_slaves_good_slaves:0" in _facts(primary).hindered
        replica.command("REPLICAOF", primary.address, primary.port)
        wait_until(lambda: not _facts(primary).hindered, 30, "the replica to be near")
        primary.command("SET", "key", 1)


def test_a_node_of_a_cluster_tells_of_its_state() -> None:
    """Before its slots are there, it refuses every key; the user needs no more rights than the documented ones."""
    with Redis(extra=["cluster-enabled yes", "cluster-require-full-coverage yes"]) as server:
        assert _facts(server).offline == "cluster_state:fail"
        with pytest.raises(redis.RedisError, match=r"CLUSTERDOWN|Hash slot not served"):
            server.command("GET", "key")
        server.command("CLUSTER", "ADDSLOTS", *range(16384))
        wait_until(lambda: not _facts(server).offline, 30, "the cluster to be whole")
        assert _facts(server).role == "primary"


def test_the_documented_rights_are_enough(login: dict[str, Any]) -> None:
    """+ping +info +cluster|info: on a server alone, and on a node of a cluster."""
    with Redis(extra=[RIGHTS]) as alone, Redis(extra=[RIGHTS, "cluster-enabled yes"]) as node:
        assert (_facts(alone, **login).role, _facts(alone, **login).offline) == ("primary", "")
        assert _facts(node, **login).offline == "cluster_state:fail"


@pytest.mark.parametrize("missing", ["+info", "+cluster|info", "+ping"])
def test_a_missing_right_is_told(missing: str, login: dict[str, Any]) -> None:
    """Without INFO the role is unknown, with the remedy; without CLUSTER INFO only the cluster; without PING all is."""
    with Redis(extra=[RIGHTS.replace(f" {missing}", "")]) as server:
        seen = _asked(server, **login)
        if missing == "+info":
            assert (seen.reason, seen.facts) == (Reason.OK, None)
            assert seen.unread is not None
            assert seen.unread.reason is Reason.AUTH
            assert seen.unread.message.startswith("NOPERM ")
            remedy = seen.unread.message.partition("`")[2].removesuffix("`")
            server.command(*remedy.split())
            assert _facts(server, **login).role == "primary"
        elif missing == "+ping":
            assert (seen.reason, seen.message.partition(" ")[0]) == (Reason.AUTH, "NOPERM")
        else:
            assert _facts(server, **login).role == "primary"


def test_a_server_without_a_cluster_is_never_asked_of_its_state() -> None:
    """Each such question is an error in its statistics. A login learns by INFO whether it is a node of one."""
    with Redis() as server:
        target = Target("redis", server.address, server.port, 5.0, RedisOptions.model_validate({"role": "replica"}))
        session = enter(target).session
        assert session is not None
        for _ in range(20):
            assert ask_held(session, target)
        leave(session)
        told = server.command("INFO", "commandstats")
        assert "cmdstat_cluster|info" not in told
        assert told["cmdstat_info"]["calls"] == 22, "what it is, and 21 questions"


def test_a_sentinel_names_the_primary(login: dict[str, Any]) -> None:
    """By its address and port; a name that it does not know is no error; the documented rights are enough."""
    rights = f"user {USER} on >{PASSWORD} +ping +sentinel|get-master-addr-by-name"
    with Redis() as primary:
        lines = (rights, f"sentinel monitor {NAME} {primary.address} {primary.port} 1")
        with Sentinel(Loopback(), lines) as sentinel:
            named = _seen(sentinel, SentinelOptions.model_validate({"name": NAME, **login}))
            other = _seen(sentinel, SentinelOptions.model_validate({"name": "other", **login}))
            host = _asked(sentinel)
    assert (named.reason, named.answer) == (Reason.OK, f"{primary.address}:{primary.port}")
    assert (other.reason, other.answer, other.message) == (Reason.OK, None, "knows no primary other")
    assert (host.reason, host.facts) == (Reason.OK, None)


def test_a_sentinel_may_call_hosts_by_name() -> None:
    """As it was told to: what it announces is the answer."""
    with Redis() as primary:
        names = ("sentinel resolve-hostnames yes", "sentinel announce-hostnames yes")
        with Sentinel(Loopback(), (*names, f"sentinel monitor {NAME} localhost {primary.port} 1")) as sentinel:
            seen = _seen(sentinel, SentinelOptions(name=NAME))
    assert (seen.reason, seen.answer) == (Reason.OK, f"localhost:{primary.port}")


def test_what_is_no_sentinel_names_nobody() -> None:
    """A database in the list of Sentinels is told as one, and counts as no vote."""
    with Redis() as server:
        seen = _seen(server, SentinelOptions(name=NAME))
    assert (seen.reason, seen.answer) == (Reason.PROTOCOL, None)
    assert seen.message.startswith("ERR unknown command 'SENTINEL'")
