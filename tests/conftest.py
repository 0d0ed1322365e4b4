"""What every test of this repository may count on."""

from __future__ import annotations

import pytest
from hypothesis import settings

pytest_plugins = ("support.gates", "support.spread", "support.servers_table", "cluster.fixtures")

settings.register_profile("mooring", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("mooring")


@pytest.fixture(autouse=True)
def _no_lateness(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine holds probes of the test's own process up: what that means is for the tests that are about it."""
    monkeypatch.setattr("mooring.protocols.transport.failure.OURS_SECONDS", 60.0)
