"""One cluster behind one protocol."""

from __future__ import annotations

from typing import Protocol

from mooring.model import Change, ServiceKey, Stored


class Cluster(Protocol):
    """Where Endpoints live. Every call is bounded in time."""

    def read(self, key: ServiceKey) -> Stored | None:
        """The stored object, None where there is none.

        Raises:
            Unavailable: the cluster does not answer, or what it holds cannot be read now.
            Rejected: this Service cannot be served until somebody changes something.
        """

    def apply(self, change: Change) -> Stored:
        """Stores the change if the object still is ``change.before``; what others put on the object stays.

        Raises:
            Conflict: the object is another by now.
            Unavailable: it is not known whether the write was stored.
            Rejected: the cluster said no.
        """
