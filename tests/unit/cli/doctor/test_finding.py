"""What the doctor finds."""

from __future__ import annotations

from mooring.cli.doctor.finding import Finding, Level, Looked, has_problems

PROBLEM = Finding("a", "b", "c")
WARNING = Finding("a", "b", "c", Level.WARNING)


def test_a_group_with_warnings_alone_is_sound() -> None:
    """A certificate that expires next week stops no pod from starting."""
    assert not has_problems([WARNING])
    assert has_problems([WARNING, PROBLEM])
    assert Looked("file", (WARNING,)).sound
    assert not Looked("file", (WARNING, PROBLEM)).sound


def test_a_group_that_could_not_be_looked_at_for_a_silent_cluster_is_not_sound() -> None:
    """Nobody takes silence for health."""
    assert not Looked("services", skipped="no answer", code=3).sound
    assert Looked("services", skipped="the file is not valid").sound  # the group `file` says so
