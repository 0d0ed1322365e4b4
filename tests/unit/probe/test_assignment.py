"""Who gets the targets of the health store, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.health_stores import store_of
from lab.values import spec, target
from lab.waiting import wait_until
from mooring.model.clocks import Clocks
from mooring.probe.assignment import Assignment
from mooring.probe.credential_files import Credentials
from mooring.probe.engine import Engine
from mooring.probe.schedule import Schedule
from support.engine_harness import SECONDS

A, B = "10.20.0.11", "10.20.0.12"


class Told:
    """An engine and a schedule that note what they are told, in one list: the real ones would begin to probe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[str, object]] = []
        monkeypatch.setattr(Engine, "assign", lambda _, timings: self.told.append(("engine", set(timings))))
        monkeypatch.setattr(Engine, "renew", lambda _, files: self.told.append(("renew", files)))
        monkeypatch.setattr(Schedule, "assign", lambda _, periods: self.told.append(("schedule", dict(periods))))
        engine = Engine(lambda _: None, lambda _: None, Clocks())
        schedule = Schedule(engine.ask, lambda _: None, Clocks())
        self.assignment = Assignment(store_of(spec(A), spec(B)), engine, schedule, self._track)

    def _track(self) -> None:
        self.told.append(("track", None))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def test_all_of_them_get_the_targets(told: Told) -> None:
    """The counters first, so that the first probe of a new host is counted."""
    told.assignment.assign()
    assert told.told == [
        ("track", None),
        ("engine", {target(B)}),
        ("schedule", {target(B): 2.0}),
    ]


def test_who_asks_does_not_wait(told: Told) -> None:
    """The assignment follows in a thread of its own, also for what was asked before that began."""
    told.assignment.ask()
    assert told.told == []
    told.assignment.start()
    try:
        wait_until(lambda: len(told.told) == 3, SECONDS, "the assignment")
    finally:
        told.assignment.stop()


def test_only_a_changed_file_is_a_reason_to_log_in_anew(
    told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine gets the names of those that changed."""
    changed = [frozenset[str](), frozenset({str(tmp_path / "password")})]
    monkeypatch.setattr(Credentials, "changed", lambda _: changed.pop(0))
    told.assignment.renew()
    assert told.told == []
    told.assignment.renew()
    assert told.told == [("renew", frozenset({str(tmp_path / "password")}))]
