"""Repairs without a war."""

from __future__ import annotations

from mooring.decide.repair import Repairs, repaired, rests_until


def after(*times: float, manager: str = "kubectl-edit") -> Repairs:
    repairs = Repairs()
    for at in times:
        repairs = repaired(repairs, manager, at)
    return repairs


def test_three_repairs_in_a_minute_are_allowed() -> None:
    """Somebody's slip, or three of them, is put right at once."""
    for made in ((), (0.0,), (0.0, 1.0)):
        assert rests_until(after(*made), "kubectl-edit", 2.0) is None


def test_the_fourth_waits_for_the_minute_to_end() -> None:
    """Then the object is left alone until the first of the three is a minute old."""
    repairs = after(0.0, 10.0, 20.0)
    assert rests_until(repairs, "kubectl-edit", 30.0) == 60.0
    assert rests_until(repairs, "kubectl-edit", 60.0) is None


def test_each_manager_is_counted_alone() -> None:
    """Two people who each slip twice are no war."""
    repairs = repaired(repaired(after(0.0, 1.0), "helm", 2.0), "helm", 3.0)
    assert rests_until(repairs, "kubectl-edit", 4.0) is None
    assert rests_until(repairs, "helm", 4.0) is None


def test_what_is_old_is_forgotten() -> None:
    """A daemon of many months holds no long list."""
    assert len(after(*range(0, 6000, 10)).made) <= 7
