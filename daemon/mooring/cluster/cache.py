"""A watch cache: the Services and Endpoints of a namespace as the API server last told of them."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from mooring.cluster.client import CALL_SECONDS, Api, Expired, Json
from mooring.cluster.deadline import Call
from mooring.errors import ClusterError, Unavailable

BACKOFF_SECONDS = (0.2, 5.0)
EMPTY: Json = MappingProxyType({})


class Watch:
    """One kind of object in one namespace; ``on_change`` gets the name of each object that changed or went.

    Reads never wait. ``synced`` is set while the cache follows the server: after a list, until the connection is lost.
    """

    def __init__(self, api: Api, path: str, on_change: Callable[[str], None]) -> None:
        self._api = api
        self._path = path
        self._on_change = on_change
        self._lock = threading.Lock()
        self._objects: dict[str, Json] = {}
        self._stopped = threading.Event()
        self.listed = threading.Event()
        """Set once the first list has come."""
        self.error: ClusterError = Unavailable("the API server has not answered yet")

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def get(self, name: str) -> Json | None:
        """The object as last seen, None where there is none.

        Raises:
            ClusterError: nothing was ever seen, and why.
        """
        if not self.listed.is_set():
            raise self.error
        with self._lock:
            return self._objects.get(name)

    def learn(self, name: str, found: Json | None) -> None:
        """What somebody else has just learned of the object, by a write or a read of its own: counts if newer."""
        with self._lock:
            self._keep(name, found)

    def _run(self) -> None:
        failures, version = 0, ""
        while not self._stopped.is_set():
            try:
                version = self._follow(version or self._list())
                failures = 0
            except Expired:
                version = ""
            except ClusterError as error:
                self.error = error
                version = ""
                first, last = BACKOFF_SECONDS
                pause = min(last, first * 2.0**failures) * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret
                self._stopped.wait(pause)
                failures += 1

    def _list(self) -> str:
        """Replaces all that is held; tells of what differs."""
        answer = self._api.get(self._path)
        found = {item["metadata"]["name"]: item for item in answer.get("items") or ()}
        with self._lock:
            names = found.keys() | self._objects.keys()
            changed = [name for name in names if version_of(found.get(name)) != version_of(self._objects.get(name))]
            self._objects = found
        self.listed.set()
        for name in changed:
            self._on_change(name)
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> str:
        with Call(CALL_SECONDS) as call:
            for event in self._api.watch(self._path, version, call):
                found = event["object"]
                version = str(found["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    self._take(found["metadata"]["name"], None if event["type"] == "DELETED" else found, version)
        return version

    def _take(self, name: str, found: Json | None, version: str) -> None:
        with self._lock:
            held = self._objects.get(name)
            if found is None:
                changed = held is not None and not newer(version_of(held), version)
                if changed:
                    del self._objects[name]
            else:
                changed = self._keep(name, found)
        if changed:
            self._on_change(name)

    def _keep(self, name: str, found: Json | None) -> bool:
        if found is None:
            return self._objects.pop(name, None) is not None
        held = self._objects.get(name)
        if held is not None and not newer(version_of(found), version_of(held)):
            return False
        self._objects[name] = found
        return True


def version_of(found: Mapping[str, Any] | None) -> str:
    return str(found["metadata"]["resourceVersion"]) if found else ""


def newer(one: str, other: str) -> bool:
    """Resource versions of one kind are numbers that grow (Kubernetes 1.35 says so for good, KEP-5504)."""
    try:
        return int(one) > int(other)
    except ValueError:
        return one != other
