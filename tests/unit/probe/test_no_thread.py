"""A process that may have no thread more: what needs one is unknown, and nothing ends."""

from __future__ import annotations

import threading

import pytest

from lab.waiting import wait_until
from mooring.model.reasons import Reason
from mooring.probe.lookup import Lookup
from mooring.probe.resolve import Names
from support.engine_harness import SECONDS, of, turns
from support.fake_redis import puppets

NAME = "db3.example.com"
_START = threading.Thread.start


def _no_more(thread: threading.Thread) -> None:
    """Raises what Python raises at pids.max; a fake, for the servers of the test need threads too."""
    if thread.name in ("login", "lookup", "names"):
        raise RuntimeError("can't start new thread")
    _START(thread)


def test_a_login_without_a_thread_is_unknown_and_the_next_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host that cannot be asked is ``local``; once there are threads again, its next turn is good."""
    with puppets(2, "127.0.5.{}") as (one, two), turns(first := of(one), second := of(two)) as engine:
        monkeypatch.setattr(threading.Thread, "start", _no_more)
        engine.engine.ask([first])
        report = engine.next(first, 0)
        monkeypatch.undo()
        assert report.observation.reason is Reason.LOCAL
        assert "no thread is free" in report.observation.message
        assert [later.observation.reason for later in engine.turn(first, second)] == [Reason.OK, Reason.OK]
        wait_until(lambda: one.sessions == 1, SECONDS, "one session, none left over")


def test_a_lookup_without_a_thread_is_made_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next turn tries again; what was held stays."""

    async def look(_: str) -> Lookup:
        return Lookup(("10.20.0.11",), 0.0)

    names = Names([NAME], lambda: None, look)
    monkeypatch.setattr(threading.Thread, "start", _no_more)
    names.refresh()
    names.refresh()
    assert names.addresses()[NAME] == ()
    monkeypatch.undo()
    names.refresh()
    wait_until(lambda: names.addresses()[NAME], 10, "the lookup")


def test_a_lookup_without_a_descriptor_is_made_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does that end anything."""
    failed = threading.Event()

    async def look(_: str) -> Lookup:
        if not failed.is_set():
            failed.set()
            raise OSError(24, "Too many open files")
        return Lookup(("10.20.0.11",), 0.0)

    names = Names([NAME], lambda: None, look)

    def held() -> bool:
        names.refresh()
        return bool(names.addresses()[NAME])

    wait_until(held, 10, "the lookup")
