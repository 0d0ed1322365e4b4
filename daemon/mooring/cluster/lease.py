"""The Lease of leader election in a Kubernetes API server: followed by a watch, written with a precondition."""

from __future__ import annotations

import math
from collections.abc import Callable

from mooring.cluster.cache import Watch, version_of
from mooring.cluster.client import ABSENT, Api
from mooring.cluster.reading import Json
from mooring.cluster.slices import stored_object
from mooring.cluster.status import Missing
from mooring.leader.election import Claim, Lease
from mooring.leader.vantage import SLOTS
from mooring.model.errors import Conflict, Rejected, Unavailable

VERBS = "get, list, watch, create and patch"


HANDED_OVER = "mooring/handed-over"
"""The annotation of the election's Lease: who handed it to its holder."""
OBSERVES = "mooring/observes"
"""The annotation of an observer Lease: what its holder sees."""


def observer_stores(api: Api, namespace: str, name: str) -> tuple[KubeLeaseStore, ...]:
    """The observer Leases beside the Lease of this name."""
    return tuple(KubeLeaseStore(api, namespace, f"{name}-observer-{at}", OBSERVES) for at in range(SLOTS))


class KubeLeaseStore:
    """A ``leader.store.LeaseStore``; ``note`` is the annotation that holds ``Lease.note``.

    Its account needs ``VERBS`` for ``leases.coordination.k8s.io``, which may name this one.
    """

    def __init__(self, api: Api, namespace: str, name: str, note: str = HANDED_OVER) -> None:
        self._api = api
        self._name = name
        self._note = note
        self._where = f"{namespace}/{name}"
        place = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{place}/{name}"
        self._wake: Callable[[], None] = lambda: None
        only = (("fieldSelector", f"metadata.name={name}"),)
        self._watch = Watch(api, place, lambda _names: self._wake(), self._parsed, query=only)

    def start(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._watch.start()

    def stop(self) -> None:
        self._watch.stop()

    def wait(self, seconds: float) -> bool:
        return self._watch.listed.wait(seconds)

    def read(self) -> Lease | None:
        try:
            found = self._watch.get(self._name)
        except (Missing, Rejected) as error:
            raise self._refused(error) from error
        return found

    def date(self) -> float | None:
        return self._api.date

    def put(self, claimed: Claim, until: float = math.inf) -> Lease:
        """Writes our fields only, so that labels and fields of others stay."""
        try:
            found = self._create(claimed.wanted, until) if claimed.before is None else self._update(claimed, until)
        except Conflict:
            self._read_again(until)
            raise
        except Missing as error:
            raise self._missing(claimed, error) from error
        except Rejected as error:
            raise self._refused(error) from error
        lease = self._parsed(stored_object(found, self._name))
        self._watch.learn(self._name, found)
        return lease

    def _create(self, wanted: Lease, until: float) -> Json:
        """By server-side apply, which a Role that names the Lease can allow."""
        metadata = {"name": self._name, "resourceVersion": ABSENT, **self._annotated(wanted.note)}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": _spec(wanted)}
        return self._api.apply(self._path, body, (("force", "true"),), until)

    def _update(self, claimed: Claim, until: float) -> Json:
        version = claimed.before.version if claimed.before else ABSENT
        changed = claimed.before is None or claimed.before.note != claimed.wanted.note
        metadata = {"resourceVersion": version, **self._annotated((claimed.wanted.note or None) if changed else "")}
        body = {"metadata": metadata, "spec": _spec(claimed.wanted)}
        return self._api.merge(self._path, body, until=until)

    def _annotated(self, note: str | None) -> Json:
        """The note as metadata: nothing for an empty one; None removes the annotation."""
        return {} if note == "" else {"annotations": {self._note: note}}

    def _read_again(self, until: float) -> None:
        """Puts what is stored now into the cache: the watch may be behind."""
        try:
            found = stored_object(self._api.get(self._path, until=until), self._name)
        except Missing:
            found = None
        self._watch.learn(self._name, found)

    def _missing(self, claimed: Claim, error: Missing) -> Conflict | Rejected:
        """The error of a 404: somebody deleted the Lease meanwhile, or its namespace does not exist."""
        if claimed.before is None:
            return self._refused(error)
        self._watch.learn(self._name, None)
        return Conflict(str(error))

    def _refused(self, error: Missing | Rejected) -> Rejected:
        return Rejected(f"the Lease {self._where} cannot be used; its account needs the verbs {VERBS}: {error}")

    def _parsed(self, found: Json) -> Lease:
        return parse_lease(found, self._note, self._where)


def parse_lease(found: Json, note: str, where: str) -> Lease:
    """A Lease (API reference, coordination/v1); absent and null fields are empty.

    ``note`` is the annotation of its note. Raises Unavailable, with ``where``: it is none.
    """
    try:
        spec = found.get("spec") or {}
        seconds = spec.get("leaseDurationSeconds")
        return Lease(
            holder=str(spec.get("holderIdentity") or ""),
            seconds=None if seconds is None else float(int(seconds)),
            transitions=int(spec.get("leaseTransitions") or 0),
            acquired=str(spec.get("acquireTime") or ""),
            renewed=str(spec.get("renewTime") or ""),
            version=version_of(found),
            note=str((found["metadata"].get("annotations") or {}).get(note) or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Unavailable(f"what answers for the Lease {where} is no API server: {error}") from error


def _spec(lease: Lease) -> Json:
    return {
        "holderIdentity": lease.holder,
        "leaseDurationSeconds": None if lease.seconds is None else int(lease.seconds),
        "acquireTime": lease.acquired or None,
        "renewTime": lease.renewed or None,
        "leaseTransitions": lease.transitions,
    }
