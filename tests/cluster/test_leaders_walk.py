"""Random faults at two daemons over one Lease: frozen, cut off from the databases, their logs unread."""

from __future__ import annotations

import itertools
import os
import random
import time

import pytest

from kube.full_cluster import Cluster
from lab.waiting import wait_until
from support.two_leaders import CUT, FREEZE, Leaders, Span, ready_late, said, steps_of, windows

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

SEED = int(os.environ.get("MOORING_WALK_SEED", random.randrange(1 << 32)))
SECONDS = 42.0
LATEST = 60.0
"""For what takes some ten seconds on an idle machine."""
LED_SECONDS = 16.0
"""For a leader that is able: it takes a death for certain in one second, and writes that at once."""
HANDED_SECONDS = 32.0
"""For a daemon that is able and does not lead: a frozen one's Lease ends after 2 s, a blind one hands over in ten."""


@pytest.fixture
def stage(cluster: Cluster, namespace: str) -> Leaders:
    return Leaders(cluster, namespace)


def _troubles(stage: Leaders, who: str) -> list[Span]:
    return [span for span in stage.spans if span.who == who and span.fault in {FREEZE, CUT}]


def _tenures(stage: Leaders, until: float) -> list[tuple[str, float, float]]:
    """Who led, from, to: by the versions of the Lease, so a frozen leader leads until another does."""
    found = [(version.seen, stage.tenures().holder(version.revision)) for version in stage.held.of(stage.lease)]
    ends = [seen for seen, _ in found[1:]] + [until]
    return [(stage.names[who], seen, end) for (seen, who), end in zip(found, ends, strict=True) if who]


def _judge(stage: Leaders) -> None:
    versions = [version for version in stage.versions() if version.text]
    written = [(said(version)[2], version) for version in versions]
    assert stage.tenures().stale(written) == [], "somebody wrote who did not lead"
    for version in versions:
        ready, not_ready, _ = said(version)
        assert not {*ready} & {*not_ready}
    whole = next(place for place, version in enumerate(versions) if len(said(version)[0]) == len(stage.hosts))
    for name, version in itertools.product(("db3", "db4"), versions[whole:]):
        assert stage.address(name) in said(version)[0], f"{name} was never hurt, and was out"
    for death in (span for span in stage.spans if span.who == "db1"):
        _judge_death(stage, death)


def _judge_death(stage: Leaders, death: Span) -> None:
    address, versions = stage.address(death.who), stage.versions()
    for who in stage.daemons:
        able = windows([(death.start, death.end)], _troubles(stage, who))
        assert ready_late(versions, address, able, HANDED_SECONDS) == [], f"{who} was able for long"
    for who, led, until in _tenures(stage, death.end):
        able = windows([(max(led, death.start), min(until, death.end))], _troubles(stage, who))
        assert ready_late(versions, address, able, LED_SECONDS) == [], f"{who} led"


def test_no_law_is_broken_by_leaders_that_freeze_and_turn_blind(stage: Leaders) -> None:
    """Whoever leads, freezes, sees nothing or has a full log: one writes at a time, and what is stored is true."""
    print(f"MOORING_WALK_SEED={SEED}")  # noqa: T201 -- shown when the test fails, to walk the same way again
    with stage:
        addresses = [stage.address(name) for name in stage.hosts]
        wait_until(lambda: stage.stored() == addresses, LATEST, "all to be ready")
        begun = time.monotonic()
        for step in steps_of(SEED, SECONDS):
            time.sleep(max(0.0, begun + step.at - time.monotonic()))
            stage.act(step)
        wait_until(lambda: stage.stored() == addresses, LATEST, "all to be ready again")
        stage.servers["db1"].kill()
        wait_until(lambda: stage.stored() == addresses[1:], LATEST, "the last death to be stored")
        _judge(stage)
        assert len(stage.tenures().leaders) > 1, "the walk moved no Lease"
        assert any(daemon.was_full for daemon in stage.daemons.values()), "no log was full"
        for daemon in stage.daemons.values():
            assert daemon.stop() == 0
    assert stage.written.missed == stage.held.missed == 0
