"""A cluster to look at: reads are real, a write is shown and remembered, never stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from mooring.cluster.protocol import Cluster
from mooring.decide.plan import Refusal
from mooring.model import Change, Serving, Stored
from mooring.picture import US, SliceChange, Step, StoredSlice
from mooring.spec import ServiceKey, ServiceSpec


class DryCluster:
    """A ``Cluster`` over another; ``show`` gets each change once instead of the store."""

    def __init__(self, cluster: Cluster, show: Callable[[Step], None]) -> None:
        self._cluster = cluster
        self._show = show
        self._shown: dict[ServiceKey, tuple[Stored | None, Stored]] = {}
        self._slices: dict[ServiceKey, tuple[tuple[StoredSlice, ...], tuple[StoredSlice, ...]]] = {}

    def start(self, wake: Callable[[Iterable[ServiceKey]], None]) -> None:
        self._cluster.start(wake)

    def follow(self, namespaces: Collection[str]) -> None:
        self._cluster.follow(namespaces)

    def stop(self) -> None:
        self._cluster.stop()

    def wait(self, seconds: float) -> bool:
        return self._cluster.wait(seconds)

    def serving(self, spec: ServiceSpec) -> Serving | Refusal:
        return self._cluster.serving(spec)

    def read(self, key: ServiceKey) -> Stored | None:
        """What would be stored by now; what really is, once somebody else changed it."""
        stored = self._cluster.read(key)
        before, after = self._shown.get(key, (None, None))
        return after if after is not None and stored == before else stored

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        """As ``read``."""
        stored = self._cluster.slices(key)
        before, after = self._slices.get(key, ((), ()))
        return after if key in self._slices and stored == before else stored

    def apply_slice(self, change: SliceChange) -> StoredSlice | None:
        self._show(change)
        version = change.before.version if change.before else ""
        after = StoredSlice(version, US, change.after) if change.after else None
        others = tuple(one for one in self.slices(change.key) if one != change.before)
        self._slices[change.key] = (self._cluster.slices(change.key), (*others, after) if after else others)
        return after

    def apply(self, change: Change) -> Stored:
        self._show(change)
        version = change.before.version if change.before else ""
        after = Stored(
            key=change.key,
            version=version,
            managed=True,
            subsets=change.subsets,
            unmirrored=change.unmirrored,
            unmirrored_by=US if change.unmirrored else "",
        )
        self._shown[change.key] = (self._cluster.read(change.key), after)
        return after
