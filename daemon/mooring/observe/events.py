"""Kubernetes Events, so that `kubectl describe service` tells what Mooring did and could not do."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mooring.cluster.client import Api
from mooring.errors import ClusterError
from mooring.events import AddressRemoved, Event, KeptLast, NotPublished, Repaired
from mooring.model import ServiceKey

BOUND = 100
"""Events that wait for the API server; what comes beyond that is only in the log."""
Words = tuple[ServiceKey, str, str]
"""Service, reason, message."""


class Recorder:
    """A listener; posts in a thread of its own, and an API server that takes no Events changes nothing else."""

    def __init__(self, api: Api, identity: str, wall: Callable[[], float]) -> None:
        self._api = api
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
            place = f"/api/v1/namespaces/{words[0].namespace}"
            try:
                service = self._api.get(f"{place}/services/{words[0].name}")
                self._api.post(f"{place}/events", self._body(at, words, service["metadata"]["uid"]))
            except (ClusterError, KeyError, TypeError):
                # The log has said it already. An account that may not create Events is no fault, nor is a proxy that
                # answers with something that is no Service.
                continue

    def _body(self, at: float, words: Words, uid: str) -> Mapping[str, Any]:
        """An Event (API reference, core/v1); `kubectl describe` finds it by the Service's uid."""
        key, reason, message = words
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{key.name}.", "namespace": key.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Service",
                "namespace": key.namespace,
                "name": key.name,
                "uid": uid,
            },
            "type": "Warning",
            "reason": reason,
            "message": message[:1024],
            "source": {"component": "mooring", "host": self._identity},
            "firstTimestamp": moment,
            "lastTimestamp": moment,
            "count": 1,
        }


def _words(event: Event) -> Words | None:
    match event:
        case AddressRemoved():
            by = f", put there by {event.manager}" if event.manager else ""
            return event.service, "AddressRemoved", f"removed {event.address}, which no host in the file has{by}"
        case Repaired():
            return event.service, "Repaired", f"put right what {event.manager or 'somebody'} had changed"
        case NotPublished():
            return event.service, "Refused" if event.refused else "NotPublished", event.why
        case KeptLast():
            kept = ", ".join(event.addresses)
            return event.service, "KeptLast", f"no host is fit; the last ready ones stay published: {kept}"
        case _:
            return None
