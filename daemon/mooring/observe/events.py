"""Kubernetes Events, so that `kubectl describe` of a Service, and of our own pod, tells what Mooring could not do."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mooring.cluster.client import Api
from mooring.errors import ClusterError
from mooring.events import (
    AddressRemoved,
    ConfigRefused,
    DrainUnknown,
    Event,
    HazardFound,
    KeptLast,
    NotPublished,
    Repaired,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
)
from mooring.spec import ServiceKey

BOUND = 100
"""Events that wait for the API server; what comes beyond that is only in the log."""
Words = tuple[ServiceKey | None, str, str]
"""Service (None: it is about ourselves), reason, message."""


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
    """A listener; posts in a thread of its own, and an API server that takes no Events changes nothing else."""

    def __init__(self, api: Api, identity: str, wall: Callable[[], float], ourselves: Involved | None = None) -> None:
        self._api = api
        self._ourselves = ourselves
        self._identity = identity
        self._wall = wall
        self._waiting: queue.Queue[tuple[float, Words]] = queue.Queue(BOUND)
        threading.Thread(target=self._post, name="events", daemon=True).start()

    def write(self, event: Event) -> None:
        """Never waits."""
        words = _words(event)
        if words is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put_nowait((self._wall(), words))

    def _post(self) -> None:
        while True:
            at, words = self._waiting.get()
            try:
                if about := self._service(words[0]) if words[0] else self._deployment():
                    self._api.post(f"/api/v1/namespaces/{about.namespace}/events", self._body(at, words, about))
            except (ClusterError, KeyError, TypeError):
                # The log has said it already. An account that may not create Events is no fault, nor is a proxy that
                # answers with something that is no Service.
                continue

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

    def _body(self, at: float, words: Words, about: Involved) -> Mapping[str, Any]:
        """An Event (API reference, core/v1)."""
        _, reason, message = words
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
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
            "type": "Warning",
            "reason": reason,
            "message": message[:1024],
            "source": {"component": "mooring", "host": self._identity},
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
        }


def _owner(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The reference to the object's controller. Raises StopIteration where it has none."""
    owners: list[Mapping[str, Any]] = found["metadata"].get("ownerReferences") or []
    return next(owner for owner in owners if owner.get("controller"))


def _words(event: Event) -> Words | None:
    match event:
        case ConfigRefused():
            said = "\n".join(("the changed file is not taken up, the one before stays in force", *event.problems))
            return None, "ConfigRefused", said
        case ServiceReleased():
            return event.service, "Released", "the file lists it no more; its Endpoints stay, and nobody keeps them"
        case SplitBrain():
            return event.service, "SplitBrain", f"several hosts say that they are the primary: {', '.join(event.hosts)}"
        case SessionsKilled():
            return event.member.service, *_words_of_sessions(event)
        case DrainUnknown():
            return event.service, "DrainUnknown", f"the annotation mooring/drain names no host by {event.entry!r}"
        case _:
            return _words_of_writes(event)


def _words_of_sessions(event: SessionsKilled) -> tuple[str, str]:
    done = f"ended {event.count} sessions of {', '.join(event.users)} on {event.member.host}, which was demoted"
    return ("SessionsNotKilled", f"{done}: {event.error}") if event.error else ("SessionsKilled", done)


def _words_of_writes(event: Event) -> Words | None:
    match event:
        case AddressRemoved():
            by = f", put there by {event.manager}" if event.manager else ""
            return event.service, "AddressRemoved", f"removed {event.address}, which no host in the file has{by}"
        case Repaired():
            return event.service, "Repaired", f"put right what {event.manager or 'somebody'} had changed"
        case NotPublished():
            return event.service, "Refused" if event.refused else "NotPublished", event.why
        case HazardFound():
            return event.service, event.kind, event.why
        case KeptLast():
            kept = ", ".join(event.addresses)
            return event.service, "KeptLast", f"no host is fit; the last ready ones stay published: {kept}"
        case _:
            return None
