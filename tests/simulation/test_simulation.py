"""Whole daemons in simulated worlds: whatever happens, no law is broken, and a sound world is published as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORLDS, BATCH = int(os.environ.get("MOORING_WORLDS", "300")), 20
FIRST = int(os.environ.get("MOORING_FIRST_WORLD", "1"))
WITH_NAMES = 18
WORLDS_OF_A_KIND = 20
ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow]


def simulate(*what: object) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the simulation replaces ``threading``, ``time`` and more in Mooring's modules."""
    env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'tools'}"}
    args = [sys.executable, "-m", "simulation.run", *map(str, what)]
    return subprocess.run(args, env=env, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("first", range(FIRST, FIRST + WORLDS, BATCH))
def test_no_law_is_broken_in_any_world(first: int) -> None:
    """Ten virtual minutes each: daemons, databases, the network, the API server and people do what they can."""
    done = simulate("worlds", first, BATCH)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)  # noqa: T201 -- how many writes were judged


def test_a_seed_is_a_world() -> None:
    """The same seed gives the same log, byte for byte: a world that broke a law can be looked at again."""
    first, again = simulate("digest", WITH_NAMES), simulate("digest", WITH_NAMES)
    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert first.stdout == again.stdout != simulate("digest", 8).stdout


@pytest.mark.parametrize(
    ("bug", "first"),
    [
        ("unlisted", 1),
        ("not-ready-after-one-failure", 1),
        ("does-not-take-over", 1),
        ("writes-without-a-lease", 1),
        ("labels-of-others-go", 1),
        ("passwords-are-not-hidden", 30),
    ],
)
def test_a_planted_bug_is_found(bug: str, first: int) -> None:
    """Six of the bugs of ``make planted``: the judges of the worlds do find what they look for.

    Which world shows a bug changes with the daemon: any of sixty may. ``first`` only spares time.
    """
    done = simulate("planted", bug, 60, first)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("bug", "kind"),
    [
        ("a-missing-service-stops-the-others", 4),
        ("one-address-in-a-write", 4),
        ("leads-on-though-outvoted", 6),
        ("demotions-have-no-limit", 11),
        ("slices-have-no-precondition", 13),
        ("fights-another-mooring-without-rest", 16),
        ("one-missing-answer-is-enough", 18),
    ],
)
def test_each_kind_of_world_finds_what_no_other_shows(bug: str, kind: int) -> None:
    """Neighbours, votes, limits of demotions, own slices, two installations, names.

    Which world of a kind shows a bug changes with the daemon: any of the first ones may.
    """
    done = simulate("planted", bug, WORLDS_OF_A_KIND, kind, BATCH)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_law_is_told_as_a_story() -> None:
    """What a person gets to read: who is in the world, the few steps that are needed, and what went wrong."""
    done = simulate("story", "not-ready-after-one-failure", 3)
    assert done.returncode == 1, done.stderr
    told = done.stdout.splitlines()
    assert told[0].startswith("World 3. ")
    assert sum(line.startswith("at ") for line in told) <= 4, "the story is not short"
    assert "I2 at " in done.stdout
