"""Random faults at twenty real hosts under a watching oracle, and the proof that the oracle sees bugs."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.history import History
from lab.mooring import Daemon
from support import mutants
from support.oracle_feed import Watch
from support.random_faults import walk
from support.twenty_hosts import PERIOD, TIMEOUT, Field

pytestmark = [pytest.mark.needs_servers, pytest.mark.needs_root]

SEED = int(os.environ.get("MOORING_WALK_SEED", random.randrange(1 << 32)))
SECONDS = 60.0
PLANTED_SEED, PLANTED_SECONDS = 7, 25.0
MARGIN_SECONDS = 3.0
"""For a publication, and for ARP to find a host again whose link was down."""
MOST_SESSIONS = 2
"""Of one daemon at one host: the held one, and one login or question that is under way."""
MEMORY_KILOBYTES = 100_000
"""Half as much again as a daemon of 20 hosts has been seen with."""
OWN_DESCRIPTORS = 24
"""Of the daemon itself: standard streams, the log's pipe, epoll and wake-ups, HTTP, and a few logins under way."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with Field(tmp_path_factory.mktemp("field")) as field:
        yield field


@pytest.fixture
def field(grown: Field) -> Field:
    grown.heal()
    return grown


def _converge(field: Field, daemon: Daemon) -> None:
    """Every host is published as ready as soon as its successes have been counted."""
    for rules in field.rules():
        seconds = rules.success * PERIOD + PERIOD + TIMEOUT + MARGIN_SECONDS
        daemon.wait_ready(rules.service, list(rules.listed), timeout=seconds)


def test_no_law_is_broken_in_a_random_walk(field: Field, tmp_path: Path) -> None:
    """Whatever dies, hangs, is cut off or comes back, in whatever order: a host is published as what it proved."""
    print(f"MOORING_WALK_SEED={SEED}")  # noqa: T201 -- shown when the test fails, to walk the same way again
    with History(tmp_path) as history, field.daemon(tmp_path) as daemon, Watch(field, daemon, history) as watch:
        daemon.wait_log("endpoints.written")
        steps = walk(SEED, field.faults, SECONDS)
        for number, _ in enumerate(watch.follow(steps)):
            assert number % 20 or watch.oracle().violations() == []  # as the planted bugs are looked for
        field.heal()
        _converge(field, daemon)
        time.sleep(1.0)
        oracle = watch.oracle(0.5)
        assert daemon.stop() == 0
    assert history.missed == 0
    assert oracle.violations() == []
    assert len(history.all()) > len(steps) / 5, "the walk moved next to nothing"
    assert watch.threads <= len(field.servers) + 15
    assert watch.descriptors <= len(field.servers) + OWN_DESCRIPTORS
    assert watch.kilobytes <= MEMORY_KILOBYTES
    assert watch.sessions <= MOST_SESSIONS, watch.crowded


@pytest.mark.parametrize("bug", mutants.BUGS)
def test_the_oracle_sees_a_planted_bug(field: Field, tmp_path: Path, bug: str) -> None:
    """A daemon with one rule broken does not get through the same walk: the oracle names the law."""
    law = mutants.BUGS[bug][1]
    program = (sys.executable, "-P", mutants.__file__, bug)
    with (
        History(tmp_path) as history,
        field.daemon(tmp_path, program) as daemon,
        Watch(field, daemon, history) as watch,
    ):
        daemon.wait_log("endpoints.written")
        found: set[str] = set()
        for _ in watch.follow(walk(PLANTED_SEED, field.faults, PLANTED_SECONDS)):
            found |= {violation.law for violation in watch.oracle().violations()}
            if law in found:
                break
    assert law in found
