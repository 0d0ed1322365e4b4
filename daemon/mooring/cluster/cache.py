"""A watch cache: the objects of one kind in a namespace as the API server last told of them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from mooring.cluster.client import CALL_SECONDS, Api, Json, Query
from mooring.cluster.deadline import Call
from mooring.cluster.status import Expired
from mooring.errors import ClusterError, Rejected, Unavailable

BACKOFF_SECONDS = (0.2, 5.0)
LASTED_SECONDS = 1.0
"""A turn that was over earlier was of no use, however politely it ended: the next one waits."""
EMPTY: Json = MappingProxyType({})


def name_of(found: Json) -> str:
    return str(found["metadata"]["name"])


class Watch:
    """One kind of object in one namespace; ``on_change`` gets the group of each object that changed or went.

    Each object is a group of its own, called by its name, unless ``group`` says otherwise. Reads never wait; while
    the connection is lost they give what was seen last.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        on_change: Callable[[str], None],
        query: Query = (),
        group: Callable[[Json], str] = name_of,
    ) -> None:
        self._api = api
        self._path = path
        self._query = query
        self._on_change = on_change
        self._group = group
        self._lock = threading.Lock()
        self._objects: dict[str, Json] = {}
        self._groups: dict[str, dict[str, Json]] = {}
        self._learned: dict[str, Json | None] = {}
        """Since the last list was asked for: it may not have them yet."""
        self._call: Call | None = None
        self._stopped = threading.Event()
        self.listed = threading.Event()
        """Set once the first list has come."""
        self.answered = threading.Event()
        """Set once it has come or was refused."""
        self.error: ClusterError = Unavailable("the API server has not answered yet")

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if call := self._call:
            call.end()

    def get(self, name: str) -> Json | None:
        """The object as last seen, None where there is none.

        Raises:
            ClusterError: nothing was ever seen, and why.
        """
        if not self.listed.is_set():
            raise self.error
        with self._lock:
            return self._objects.get(name)

    def of(self, group: str) -> tuple[Json, ...]:
        """The objects of a group as last seen. Raises as ``get``."""
        if not self.listed.is_set():
            raise self.error
        with self._lock:
            return tuple(self._groups.get(group, {}).values())

    def learn(self, name: str, found: Json | None) -> None:
        """What somebody else has just learned of the object, by a write or a read of its own: counts if newer."""
        with self._lock:
            self._learned[name] = found
            self._keep(name, found)

    def _run(self) -> None:
        useless, version = 0, ""
        while not self._stopped.is_set():
            begun = time.monotonic()
            version = self._turn(version)
            useless = 0 if time.monotonic() - begun > LASTED_SECONDS else useless + 1
            if useless:
                first, last = BACKOFF_SECONDS
                pause = min(last, first * 2.0 ** min(useless - 1, 16))
                self._stopped.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- no secret

    def _turn(self, version: str) -> str:
        """Follows from there on until something ends it; returns where the next turn begins, empty for a new list."""
        try:
            return self._follow(version or self._list())
        except Expired:
            return ""
        except ClusterError as error:
            self.error = error
            if isinstance(error, Rejected):
                self.answered.set()
        except (KeyError, TypeError, AttributeError) as error:
            self.error = Unavailable(f"what answers for {self._path} is no API server: {type(error).__name__}: {error}")
        return ""

    def _list(self) -> str:
        """Replaces all that is held; tells of what differs."""
        with self._lock:
            self._learned = {}
        answer = self._api.get(self._path, self._query)
        version = str(answer["metadata"]["resourceVersion"])
        found = {item["metadata"]["name"]: item for item in answer.get("items") or () if version_of(item)}
        with self._lock:
            learned = {name: one for name, one in self._learned.items() if one and newer(version_of(one), version)}
            found |= learned
            names = found.keys() | self._objects.keys()
            changed = [name for name in names if version_of(found.get(name)) != version_of(self._objects.get(name))]
            groups = set[str]().union(*(self._put(name, found.get(name)) for name in changed))
            self._learned = {}
        self.listed.set()
        self.answered.set()
        for group in groups:
            self._on_change(group)
        return version

    def _follow(self, version: str) -> str:
        with Call(CALL_SECONDS) as self._call:
            if self._stopped.is_set():
                return version
            for event in self._api.watch(self._path, version, self._call, self._query):
                found = event["object"]
                version = str(found["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    self._take(found["metadata"]["name"], None if event["type"] == "DELETED" else found, version)
        return version

    def _take(self, name: str, found: Json | None, version: str) -> None:
        with self._lock:
            held = self._objects.get(name)
            if found is None and held is not None and newer(version_of(held), version):
                return
            changed = self._keep(name, found)
        for group in changed:
            self._on_change(group)

    def _keep(self, name: str, found: Json | None) -> set[str]:
        held = self._objects.get(name)
        if found is not None and held is not None and not newer(version_of(found), version_of(held)):
            return set()
        return self._put(name, found)

    def _put(self, name: str, found: Json | None) -> set[str]:
        """The groups that this changes."""
        held = self._objects.pop(name, None)
        changed = {self._group(one) for one in (held, found) if one is not None}
        if held is not None:
            del self._groups[self._group(held)][name]
        if found is not None:
            self._objects[name] = found
            self._groups.setdefault(self._group(found), {})[name] = found
        return changed


def version_of(found: Mapping[str, Any] | None) -> str:
    return str(found["metadata"]["resourceVersion"]) if found else ""


def newer(one: str, other: str) -> bool:
    """Resource versions of one kind are numbers that grow (Kubernetes 1.35 says so for good, KEP-5504)."""
    try:
        return int(one) > int(other)
    except ValueError:
        return one != other
