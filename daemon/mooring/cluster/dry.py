"""A cluster for a dry run: reads are real, a write is shown and remembered, never stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable

from mooring.cluster.protocol import Cluster
from mooring.model.objects import (
    MANAGER,
    EndpointsWrite,
    PublishTarget,
    Refusal,
    SliceWrite,
    StoredEndpoints,
    StoredSlice,
    Write,
)
from mooring.model.spec import ServiceKey, ServiceSpec


class DryCluster:
    """A ``Cluster`` over another one; each change goes to ``show`` once, and not to the cluster."""

    def __init__(self, cluster: Cluster, show: Callable[[Write], None]) -> None:
        self._cluster = cluster
        self._show = show
        self._shown: dict[ServiceKey, tuple[StoredEndpoints | None, StoredEndpoints]] = {}
        self._slices: dict[ServiceKey, tuple[tuple[StoredSlice, ...], tuple[StoredSlice, ...]]] = {}

    def start(self, wake: Callable[[Iterable[ServiceKey]], None]) -> None:
        self._cluster.start(wake)

    def follow(self, namespaces: Collection[str]) -> None:
        self._cluster.follow(namespaces)

    def stop(self) -> None:
        self._cluster.stop()

    def wait(self, seconds: float) -> bool:
        return self._cluster.wait(seconds)

    def serving(self, spec: ServiceSpec) -> PublishTarget | Refusal:
        return self._cluster.serving(spec)

    def read(self, key: ServiceKey) -> StoredEndpoints | None:
        """What the writes so far would have stored; what is really stored, once somebody else changed it."""
        stored = self._cluster.read(key)
        before, after = self._shown.get(key, (None, None))
        return after if after is not None and stored == before else stored

    def slices(self, key: ServiceKey) -> tuple[StoredSlice, ...]:
        """As ``read``."""
        stored = self._cluster.slices(key)
        before, after = self._slices.get(key, ((), ()))
        return after if key in self._slices and stored == before else stored

    def is_fresh(self, key: ServiceKey) -> bool:
        return self._cluster.is_fresh(key)

    def apply_slice(self, change: SliceWrite, until: float = math.inf) -> StoredSlice | None:  # noqa: ARG002 -- nothing is sent
        self._show(change)
        version = change.before.version if change.before else ""
        after = StoredSlice(version, MANAGER, change.after) if change.after else None
        others = tuple(one for one in self.slices(change.key) if one != change.before)
        self._slices[change.key] = (self._cluster.slices(change.key), (*others, after) if after else others)
        return after

    def apply(self, change: EndpointsWrite, until: float = math.inf) -> StoredEndpoints:  # noqa: ARG002 -- nothing is sent
        self._show(change)
        version = change.before.version if change.before else ""
        after = StoredEndpoints(
            key=change.key,
            version=version,
            managed=True,
            subsets=change.subsets,
            skip_mirror=change.skip_mirror,
            skip_mirror_by=MANAGER if change.skip_mirror else "",
            memory=change.memory,
        )
        self._shown[change.key] = (self._cluster.read(change.key), after)
        return after
