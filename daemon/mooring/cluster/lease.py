"""The Lease of leader election in a Kubernetes API server: followed by a watch, written with a precondition."""

from __future__ import annotations

from collections.abc import Callable

from mooring.cluster.cache import Watch, version_of
from mooring.cluster.client import ABSENT, Api, Json
from mooring.cluster.status import Missing
from mooring.decide.election import Claim, Lease
from mooring.errors import Conflict, Rejected, Unavailable

VERBS = "get, list, watch, create and patch"


class LeaseStore:
    """A ``lead.Store``. Its account needs ``VERBS`` for ``leases.coordination.k8s.io``, which may name this one."""

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api = api
        self._name = name
        self._where = f"{namespace}/{name}"
        place = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{place}/{name}"
        self._wake: Callable[[], None] = lambda: None
        only = (("fieldSelector", f"metadata.name={name}"),)
        self._watch = Watch(api, place, lambda _name: self._wake(), only)

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
        return None if found is None else self._parsed(found)

    def put(self, claimed: Claim) -> Lease:
        """Merges what is ours to say, so that labels and fields of others stay."""
        try:
            found = self._create(claimed.wanted) if claimed.before is None else self._update(claimed)
        except Conflict:
            self._look()
            raise
        except Missing as error:
            raise self._missing(claimed, error) from error
        except Rejected as error:
            raise self._refused(error) from error
        lease = self._parsed(found)
        self._watch.learn(self._name, found)
        return lease

    def _create(self, wanted: Lease) -> Json:
        """By server-side apply, which a Role that names the Lease can allow."""
        metadata = {"name": self._name, "resourceVersion": ABSENT}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": _spec(wanted)}
        return self._api.apply(self._path, body, (("force", "true"),))

    def _update(self, claimed: Claim) -> Json:
        version = claimed.before.version if claimed.before else ABSENT
        return self._api.merge(self._path, {"metadata": {"resourceVersion": version}, "spec": _spec(claimed.wanted)})

    def _look(self) -> None:
        """What is there now: the watch may be behind."""
        try:
            found = self._api.get(self._path)
        except Missing:
            found = None
        self._watch.learn(self._name, found)

    def _missing(self, claimed: Claim, error: Missing) -> Conflict | Rejected:
        """The Lease was deleted under us, or its namespace is not there."""
        if claimed.before is None:
            return self._refused(error)
        self._watch.learn(self._name, None)
        return Conflict(str(error))

    def _refused(self, error: Missing | Rejected) -> Rejected:
        return Rejected(f"the Lease {self._where} cannot be used; its account needs the verbs {VERBS}: {error}")

    def _parsed(self, found: Json) -> Lease:
        """A Lease (API reference, coordination/v1); absent and null fields are empty."""
        try:
            spec = found.get("spec") or {}
            seconds = spec.get("leaseDurationSeconds")
            return Lease(
                holder=str(spec.get("holderIdentity") or ""),
                seconds=None if seconds is None else float(seconds),
                transitions=int(spec.get("leaseTransitions") or 0),
                acquired=str(spec.get("acquireTime") or ""),
                renewed=str(spec.get("renewTime") or ""),
                version=version_of(found),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(f"what answers for the Lease {self._where} is no API server: {error}") from error


def _spec(lease: Lease) -> Json:
    return {
        "holderIdentity": lease.holder,
        "leaseDurationSeconds": None if lease.seconds is None else int(lease.seconds),
        "acquireTime": lease.acquired or None,
        "renewTime": lease.renewed or None,
        "leaseTransitions": lease.transitions,
    }
