"""What the tests of clusters share."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from mooring.cluster import cache, client, deadline, login, service_network

SECONDS = 60.0
"""What an answer may take on a busy machine."""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for seconds uses up the time of no call and of no login."""
    monkeypatch.setattr(client, "CALL_SECONDS", SECONDS)
    monkeypatch.setattr(cache, "CALL_SECONDS", SECONDS)
    monkeypatch.setattr(login, "LOGIN_SECONDS", SECONDS)
    monkeypatch.setattr(service_network, "SECONDS", SECONDS)


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """For deadlines so many seconds pass at once, and those that are over end a moment later."""
    passed = [0.0]
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + sum(passed)))

    def passes(seconds: float) -> None:
        passed.append(seconds)
        with deadline._overseer._changed:
            deadline._overseer._changed.notify()

    return passes
