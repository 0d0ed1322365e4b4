"""The daemon killed and started again over a real API server: no version of the object is stored for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kube.api import Api
from kube.redis_services import BOTH, FIRST, ONE, TWO, Stage, last, probed, published, redis_servers, wait_published
from kube.versions import Versions
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_api, pytest.mark.needs_servers]


@pytest.fixture
def redis() -> Iterator[list[Redis]]:
    with redis_servers(2) as servers:
        yield servers


def test_killed_while_a_host_is_down_flips_nothing(api: Api, stage: Stage, redis: list[Redis]) -> None:
    """Killed with -9 and started anew while a host is down, it stores nothing, and then goes on from there."""
    text = stage.file({"db": redis})
    with stage.daemon(text) as daemon:
        daemon.wait_ready(stage.key(), [ONE, TWO])
        with Versions(api, stage.namespace) as history:
            redis[1].kill()
            wait_published(history, stage.key(), [BOTH, FIRST])
            for _ in range(2):
                daemon.kill()
                after = len(daemon.output)
                daemon.start()
                daemon.wait_log("probe", after=after)
                probed(daemon, rounds=5)
            assert published(history, stage.key()) == [BOTH, FIRST]
            redis[1].start()
            wait_published(history, stage.key(), [BOTH, FIRST, BOTH])
            assert daemon.wait_log("host.ready", address=TWO, before="not-ready")["streak"] == 2
    assert history.missed == 0


def test_changes_while_the_daemon_was_away(api: Api, stage: Stage, redis: list[Redis]) -> None:
    """What is stored is where the thresholds begin, not the truth: who died meanwhile leaves at its third failure."""
    text = stage.file({"db": redis})
    with stage.daemon(text) as daemon, Versions(api, stage.namespace) as history:
        wait_until(lambda: last(history, stage.key()) == BOTH, 30, "both hosts to be ready")
        seen = len(published(history, stage.key()))
        daemon.kill()
        redis[1].kill()
        after = len(daemon.output)
        daemon.start()
        left = daemon.wait_log("host.not_ready", after=after)
        assert (left["address"], left["reason"], left["streak"], left["before"]) == (TWO, "refused", 3, "ready")
        wait_published(history, stage.key(), [*published(history, stage.key())[:seen], FIRST])
