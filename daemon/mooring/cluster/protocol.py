"""One cluster behind one protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from mooring.decide.plan import Refusal
from mooring.model import Change, Serving, Stored
from mooring.picture import SliceChange, StoredSlice
from mooring.spec import ServiceKey, ServiceSpec


class Cluster(Protocol):
    """Where Endpoints and EndpointSlices live. Every call is bounded in time."""

    def start(self, wake: Callable[[Iterable[ServiceKey]], None]) -> None:
        """Begins to follow the objects, where the cluster can tell of changes; ``wake`` gets what changed."""

    def follow(self, namespaces: Collection[str]) -> None:
        """From now on the objects of these namespaces are followed, and of no others."""

    def stop(self) -> None:
        """Follows them no more."""

    def wait(self, seconds: float) -> bool:
        """Whether the objects can be read, once they can or after about so many seconds."""

    def serving(self, spec: ServiceSpec) -> Serving | Refusal:
        """The ports and families to publish, or why this Service cannot be served until somebody changes something.

        Raises:
            Unavailable: the cluster does not answer.
        """

    def read(self, key: ServiceKey) -> Stored | None:
        """The stored object, None where there is none.

        Raises:
            Unavailable: the cluster does not answer, or what it holds cannot be read now.
            Rejected: what is stored is not an object that Mooring could write.
        """

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        """The EndpointSlices of a Service, whoever keeps them. Raises as ``read``."""

    def apply_slice(self, change: SliceChange) -> StoredSlice | None:
        """As ``apply``, of one slice; None where it was deleted."""

    def apply(self, change: Change) -> Stored:
        """Stores the change if the object still is ``change.before``; what others put on the object stays.

        Raises:
            Conflict: the object is another by now.
            Unavailable: it is not known whether the write was stored.
            Rejected: the cluster said no.
        """
