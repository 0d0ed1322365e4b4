"""A random walk of faults: reproducible, and it leaves nothing broken behind."""

from __future__ import annotations

import pytest

from support.random_faults import BLACKOUT, walk

FAULTS = {f"db{number}": ("kill", "freeze", "drop") for number in range(1, 6)}
SEEDS = range(20)


def test_the_seed_decides_everything() -> None:
    """Equal seeds walk the same way, others another."""
    assert walk(7, FAULTS, 60) == walk(7, FAULTS, 60)
    assert walk(7, FAULTS, 60) != walk(8, FAULTS, 60)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_is_taken_back_before_the_next(seed: int) -> None:
    """At each host a fault ends before another begins, and all are over within the time."""
    broken: dict[str, str] = {}
    for step in walk(seed, FAULTS, 60):
        assert 0 < step.at < 60
        if step.over:
            assert broken.pop(step.host) == step.fault
        else:
            assert step.host not in broken
            broken[step.host] = step.fault
    assert broken == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_even_a_short_walk_has_everything(seed: int) -> None:
    """Every fault that can happen, and a blackout, happen within 15 seconds."""
    happened = {step.fault for step in walk(seed, FAULTS, 15) if not step.over}
    assert happened == {"kill", "freeze", "drop", BLACKOUT}
