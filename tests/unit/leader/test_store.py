"""The store of a Lease: the model world of the election's tests keeps the promises that ``LeaseStore`` makes.

The real store is in ``cluster.lease``, with its own tests.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mooring.leader.election import Claim, Lease
from mooring.leader.store import LeaseStore
from mooring.model.errors import ClusterError, Conflict
from support.lease_world import ELECTION, LeaseWorld, ModelDaemon, store_in

MINE = Lease("a", 15.0, 0)


@pytest.fixture
def daemon() -> ModelDaemon:
    return LeaseWorld().add("a")


@pytest.fixture
def store(daemon: ModelDaemon) -> LeaseStore:
    return store_in(daemon, ELECTION)


def test_what_was_stored_is_read(store: LeaseStore) -> None:
    """None before there is one; then the Lease of the claim, with a new version for each write."""
    assert store.read() is None
    first = store.put(Claim(None, MINE), 0.0)
    assert (replace(first, version=""), store.read()) == (MINE, first)
    second = store.put(Claim(first, MINE), 0.0)
    assert second.version not in {"", first.version}


@pytest.mark.parametrize("stale", [None, replace(MINE, version="0")], ids=["none expected", "another version"])
def test_a_claim_on_another_lease_is_a_conflict(store: LeaseStore, stale: Lease | None) -> None:
    """So of two daemons that decided on the same Lease only one writes; the other changes nothing."""
    held = store.put(Claim(None, MINE), 0.0)
    with pytest.raises(Conflict):
        store.put(Claim(stale, replace(MINE, holder="b")), 0.0)
    assert store.read() == held


def test_a_server_that_cannot_be_reached_raises(store: LeaseStore, daemon: ModelDaemon) -> None:
    """Reads and writes alike."""
    daemon.cut_off = True
    with pytest.raises(ClusterError):
        store.read()
    with pytest.raises(ClusterError):
        store.put(Claim(None, MINE), 0.0)
