"""Kubernetes Events, so that `kubectl describe` of a Service, and of our own pod, shows what Mooring reports."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mooring.cluster.client import Api
from mooring.cluster.status import Missing
from mooring.model.errors import ClusterError, Rejected
from mooring.model.events import Event, LeaderChanged
from mooring.model.moments import rfc3339
from mooring.model.spec import ServiceKey
from mooring.observe import log
from mooring.observe.event_words import NORMAL, Entry, entries
from mooring.observe.occurrences import Occurrence, Occurrences
from mooring.observe.outbox import Outbox

BOUND = 100
"""Events that wait for the API server; what comes beyond that is only in the log."""


@dataclass(frozen=True, slots=True)
class Involved:
    """What an Event is about; `kubectl describe` finds it by the uid."""

    kind: str
    namespace: str
    name: str
    uid: str
    version: str = "v1"


def pod(environ: Mapping[str, str]) -> Involved | None:
    """Our own pod, where the downward API names it in the environment."""
    namespace, name, uid = (environ.get(f"POD_{what}", "") for what in ("NAMESPACE", "NAME", "UID"))
    return Involved("Pod", namespace, name, uid) if namespace and name else None


class Recorder:
    """A listener that never waits; an API server that takes no Events changes nothing else.

    ``leads``: this Mooring leads without an election. With one, its own events say whether it does.
    """

    def __init__(
        self,
        api: Api,
        identity: str,
        wall: Callable[[], float],
        ourselves: Involved | None = None,
        *,
        leads: bool = True,
    ) -> None:
        self._api = api
        self._leads = leads
        self._occurrences = Occurrences()
        self._ourselves = ourselves
        self._identity = identity
        self._wall = wall
        self.outbox = Outbox("events", self._post, _report_dropped, BOUND)

    def write(self, event: Event) -> None:
        if isinstance(event, LeaderChanged):
            self._leads = event.leading
        for entry in entries(event):
            if self._leads or not entry.leader_only:
                self.outbox.put((self._wall(), entry))

    def _post(self, item: tuple[float, Entry]) -> None:
        at, entry = item
        one = self._occurrences.note((entry.service, entry.reason, entry.subject), at)
        # The log has the event already. An account that may not create Events is no fault, nor is a proxy that answers
        # with something that is no Service.
        with contextlib.suppress(ClusterError, KeyError, TypeError):
            if one is not None and (about := self._service(entry.service) if entry.service else self._deployment()):
                self._store(entry, one, about)

    def _store(self, entry: Entry, one: Occurrence, about: Involved) -> None:
        """Raises the count of the Event's object.

        Makes one where there is none any more, where it tells of an object that was made anew since, or where we may
        not change it.
        """
        path = f"/api/v1/namespaces/{about.namespace}/events"
        body = self._body(entry, one, about)
        if one.name and one.about == about.uid:
            change = {field: body[field] for field in ("count", "lastTimestamp", "message")}
            with contextlib.suppress(Missing, Rejected):
                self._api.merge(f"{path}/{one.name}", change)
                return
        stored = self._api.post(path, body)
        one.name, one.about = str(stored.get("metadata", {}).get("name") or ""), about.uid

    def _service(self, key: ServiceKey) -> Involved:
        found = self._api.get(f"/api/v1/namespaces/{key.namespace}/services/{key.name}")
        return Involved("Service", key.namespace, key.name, found["metadata"]["uid"])

    def _deployment(self) -> Involved | None:
        """Our pod's Deployment, where we may read pods and replicasets; else the pod itself, which needs no right."""
        us = self._ourselves
        if us is None:
            return None
        try:
            found = self._api.get(f"/api/v1/namespaces/{us.namespace}/pods/{us.name}")
            found = self._api.get(f"/apis/apps/v1/namespaces/{us.namespace}/replicasets/{_owner(found)['name']}")
            owner = _owner(found)
            return Involved(owner["kind"], us.namespace, owner["name"], owner["uid"], owner["apiVersion"])
        except (ClusterError, KeyError, TypeError, AttributeError, StopIteration):
            return us

    def _body(self, entry: Entry, one: Occurrence, about: Involved) -> Mapping[str, Any]:
        """An Event (API reference, core/v1)."""
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{about.name}.", "namespace": about.namespace},
            "involvedObject": {
                "apiVersion": about.version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": "Normal" if entry.reason in NORMAL else "Warning",
            "reason": entry.reason,
            "message": entry.message[:1024],
            "source": {"component": "mooring", "host": self._identity},
            "firstTimestamp": rfc3339(one.first_at),
            "lastTimestamp": rfc3339(one.last_at),
            "count": one.count,
        }


def _report_dropped(count: int) -> None:
    means = "the API server was slow; these Kubernetes Events are missing, and stand only in the log"
    log.say("warning", "events.dropped", {"count": count, "means": means})


def _owner(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reference to the object's controller. Raises StopIteration where it has none."""
    owners: list[Mapping[str, Any]] = found["metadata"].get("ownerReferences") or []
    return next(owner for owner in owners if owner.get("controller"))
