"""What every kind of cluster can do: a real one, a folder, a dry run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from mooring.model.objects import EndpointsWrite, PublishTarget, Refusal, SliceWrite, StoredEndpoints, StoredSlice
from mooring.model.spec import ServiceKey, ServiceSpec


class Cluster(Protocol):
    """Where Endpoints and EndpointSlices live. Every call is bounded in time."""

    def start(self, wake: Callable[[Iterable[ServiceKey]], None]) -> None:
        """Begins to follow the objects; ``wake`` gets the Services whose objects changed."""

    def follow(self, namespaces: Collection[str]) -> None:
        """From now on the objects of these namespaces are followed, and of no others."""

    def stop(self) -> None:
        """Stops following the objects."""

    def wait(self, seconds: float) -> bool:
        """Waits until the objects can be read, at most so many seconds; returns whether they can."""

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        """The ports and families to publish, or why Mooring refuses this Service until somebody changes something.

        Raises:
            Unavailable: the cluster does not answer.
        """

    def read(self, key: ServiceKey) -> StoredEndpoints | None:
        """The stored object, None where there is none.

        Raises:
            Unavailable: the cluster does not answer, or what it holds cannot be read now.
            Rejected: what is stored is not an object that Mooring could write.
        """

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        """The EndpointSlices of a Service, whoever keeps them. Raises as ``read``."""

    def is_fresh(self, key: ServiceKey) -> bool:
        """Whether ``slices`` returns what the cluster said a moment ago, and not what it said before an outage."""

    def apply_slice(self, change: SliceWrite, until: float) -> StoredSlice | None:
        """As ``apply``, of one slice; None where it was deleted."""

    def apply(self, change: EndpointsWrite, until: float) -> StoredEndpoints:
        """Stores the change if the object still is ``change.before``; what others put on the object stays.

        Nothing is sent after ``until``, a moment in monotonic seconds.

        Raises:
            Conflict: the object is another by now.
            Unavailable: it is not known whether the write was stored.
            Rejected: the cluster said no.
        """
