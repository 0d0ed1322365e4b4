"""What every test of the engine may count on."""

from __future__ import annotations

import pytest

from support.engine_harness import SECONDS


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server of a test answers late on a busy machine."""
    monkeypatch.setattr("mooring.probe.lookup.LIFETIME_SECONDS", SECONDS)
