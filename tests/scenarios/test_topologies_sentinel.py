"""The ground under failovers: Redis' replication, flipped by hand or by real Sentinels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lab.topologies.sentinel import NAME, Node, RedisReplication, Sentinel, SentinelReplication
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_servers]


def down_for(sentinel: Sentinel) -> int:
    """Milliseconds for which the primary has been down in this one's eyes."""
    return int(sentinel.command("SENTINEL MASTER", NAME).get("s-down-time", 0))


@pytest.fixture
def three() -> Iterator[RedisReplication]:
    with RedisReplication() as made:
        yield made


@pytest.fixture
def watched() -> Iterator[SentinelReplication]:
    with SentinelReplication() as made:
        yield made


def told(server: Node, user: str, *words: str) -> str:
    """What a user's command is answered, errors too."""
    never = Retry(NoBackoff(), 0)
    with redis.Redis(server.address, server.port, username=user, password=PASSWORD, retry=never) as client:
        try:
            return str(client.execute_command(*words))
        except redis.RedisError as error:
            return str(error)


def roles(three: RedisReplication) -> list[str]:
    return [server.role() for server in three.servers]


def test_one_takes_writes_and_two_follow(three: RedisReplication) -> None:
    """Only the primary takes an application's writes, and the replicas have them soon."""
    assert roles(three) == ["master", "slave", "slave"]
    answers = [told(server, APPLICATION, "SET", "number", "1") for server in three.servers]
    assert answers == ["True", *["You can't write against a read only replica."] * 2]
    for replica in three.replicas:
        wait_until(partial(replica.command, "GET", "number"), 5, "the write to arrive")


def test_the_prober_may_read_the_role_and_no_more(three: RedisReplication) -> None:
    """The daemon's account may PING and read INFO; it sees no key."""
    first = three.primary
    assert told(first, PROBER, "PING") == "True"
    assert "role:master" in told(first, PROBER, "INFO", "replication").replace("': '", ":")
    assert "has no permissions to run the 'get' command" in told(first, PROBER, "GET", "number")


def test_a_switchover_and_back(three: RedisReplication) -> None:
    """After a flip by hand the others, the old primary too, follow the new one with its data; and so back."""
    first, second, _ = three.servers
    first.command("SET", "number", 1)
    three.switchover(second)
    three.wait_replicating()
    assert roles(three) == ["slave", "master", "slave"]
    second.command("SET", "number", 2)
    three.switchover(first)
    three.wait_replicating()
    assert (roles(three), first.command("GET", "number")) == (["master", "slave", "slave"], "2")


def test_a_crash_and_a_script(three: RedisReplication) -> None:
    """A promoted replica is followed by the other; the old primary comes back calling itself master."""
    first, second, third = three.servers
    assert three.kill() is first
    three.promote(second)
    three.wait_replicating(third)
    first.start()
    assert roles(three) == ["master", "master", "slave"]


def test_sentinels_fail_over_and_take_the_old_primary_in(watched: SentinelReplication) -> None:
    """A killed primary is replaced; back, it calls itself master until the Sentinels make it a replica."""
    first = watched.primary
    assert watched.kill() is first
    new = watched.wait_failover(first)
    assert (new is first, new.role()) == (False, "master")
    watched.wait_replicating()
    watched.revive(first)
    assert first.role() == "master"
    assert {sentinel.primary() for sentinel in watched.sentinels} == {(new.address, new.port)}
    watched.wait_reconfigured(first)
    assert sorted(roles(watched)) == ["master", "slave", "slave"]


def test_sentinels_fail_over_when_asked(watched: SentinelReplication) -> None:
    """SENTINEL FAILOVER makes another the primary while the old one lives, and that follows it then."""
    first = watched.primary
    new = watched.ask_failover()
    assert new is not first
    watched.wait_reconfigured(first)
    assert sorted(roles(watched)) == ["master", "slave", "slave"]


def test_a_minority_of_sentinels_changes_nothing(watched: SentinelReplication) -> None:
    """With two of three Sentinels dead nobody is promoted; with one of them back, somebody is."""
    back, dead, left = watched.sentinels
    dead.kill()
    back.kill()
    first = watched.kill()
    wait_until(lambda: down_for(left) >= 3000, 20, "one Sentinel to see it for longer than a failover takes")
    assert [replica.role() for replica in watched.replicas] == ["slave", "slave"]
    assert left.primary() == (first.address, first.port)
    back.start()
    assert watched.wait_failover(first).role() == "master"
