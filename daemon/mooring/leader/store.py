"""The store of one Lease, as candidates and observers use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mooring.leader.election import Claim, Lease


class LeaseStore(Protocol):
    """Stores one Lease; ``cluster.lease`` implements it. Every call has a deadline."""

    def start(self, wake: Callable[[], None]) -> None:
        """Begins to watch the Lease; calls ``wake`` at each change."""

    def stop(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """Waits at most so many seconds for the first read; returns whether it has happened."""

    def read(self) -> Lease | None:
        """The Lease as last read; None: there is none. Raises ClusterError."""

    def put(self, claimed: Claim, until: float) -> Lease:
        """Stores a claim; sends nothing after ``until``, in monotonic seconds.

        Raises Conflict (the stored Lease is not ``claimed.before``), Unavailable or Rejected.
        """

    def date(self) -> float | None:
        """The date in the last answer of the API server to this process, in Unix seconds; None: there was none."""
