"""A daemon without an election, and what it reports of itself."""

from __future__ import annotations

from mooring.leader.candidate import Candidate
from mooring.leader.election import LeaseTimings
from mooring.leader.health import Health
from mooring.model.clocks import Clocks


def test_without_a_lease_a_daemon_always_writes() -> None:
    """A folder has no Lease: the daemon writes from its first moment to its last, and nobody else is the holder."""
    emitted: list[object] = []
    candidate = Candidate(
        None,
        (),
        "me",
        emitted.append,
        lambda: emitted.append("leads"),
        clocks=Clocks(),
        timings=LeaseTimings(),
        health=Health,
    )
    candidate.start()
    assert candidate.leadership.may_write(0.0)
    assert (candidate.holder, candidate.shares_lease()) == ("", False)
    candidate.end()
    candidate.stop(0.1, give_back=True)
    assert candidate.leadership.may_write(1e9)
    assert emitted == []
