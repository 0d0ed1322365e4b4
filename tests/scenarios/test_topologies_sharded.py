"""The ground under scenarios of a Redis cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from lab.topologies.sharded import ClusterNode, RedisCluster

pytestmark = pytest.mark.needs_servers


@pytest.fixture
def three() -> Iterator[RedisCluster]:
    with RedisCluster() as made:
        yield made


def answers(three: RedisCluster, key: str) -> list[str]:
    """What the running nodes say when asked for a key: an error's kind, or None as there is no such key."""
    return sorted(_answer(node, key) for node in three.servers if node.running)


def _answer(node: ClusterNode, key: str) -> str:
    try:
        return str(node.command("GET", key))
    except redis.ResponseError as error:
        return type(error).__name__


def test_three_share_the_keys(three: RedisCluster) -> None:
    """Each key is with one node, to which the others send their askers."""
    assert {node.cluster()["cluster_slots_assigned"] for node in three.servers} == {"16384"}
    assert answers(three, "somebody") == ["MovedError", "MovedError", "None"]


def test_a_part_that_is_gone_fails_the_others(three: RedisCluster) -> None:
    """With one node dead, the others say cluster_state:fail and refuse; with it back, they say ok."""
    dead = three.servers[0]
    dead.kill()
    three.wait_state("fail")
    assert answers(three, "somebody") == ["ClusterDownError"] * 2
    dead.start()
    three.wait_state("ok")
