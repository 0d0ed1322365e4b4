"""How far a replica really was behind, moment by moment, held against when it was published."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from lab.history import Version
from lab.topologies.replication import Member
from support.background import Background

Sample = tuple[float, float | None]
"""When, by the monotonic clock, and how many seconds behind; None: it did not replicate."""


class Lagging(Background):
    """``with Lagging(replica) as watched``: asks the server itself, many times a second."""

    def __init__(self, replica: Member) -> None:
        super().__init__()
        self._replica = replica
        self._samples: list[Sample] = []

    def _run(self) -> None:
        with self._replica.session() as cursor:
            while not self._ending.wait(0.05):
                cursor.execute("SHOW ALL SLAVES STATUS")
                self._samples.append((time.monotonic(), cursor.fetchall()[0]["Seconds_Behind_Master"]))

    @property
    def worst(self) -> float:
        return max((lag for _, lag in self._samples if lag is not None), default=0.0)

    def overdue(self, versions: Sequence[Version], address: str, limit: float, allowed: float) -> list[Sample]:
        """The moments when it was published though it had been over its limit for longer than ``allowed`` seconds."""
        return list(overdue(self._samples, versions, address, limit, allowed))


def overdue(
    samples: Sequence[Sample], versions: Sequence[Version], address: str, limit: float, allowed: float
) -> Iterator[Sample]:
    since: float | None = None
    for at, lag in samples:
        if lag is not None and lag <= limit:
            since = None
            continue
        since = at if since is None else since
        stored = [version for version in versions if version.seen <= at]
        if at - since > allowed and stored and address in stored[-1].ready:
            yield at, lag
