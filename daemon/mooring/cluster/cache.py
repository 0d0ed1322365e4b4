"""A watch cache: the objects of one kind in a namespace as the API server last reported them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Generic

from mooring.cluster.client import CALL_SECONDS, Api, Query
from mooring.cluster.deadline import Deadline, start_thread
from mooring.cluster.held import Held, Value
from mooring.cluster.reading import Json
from mooring.cluster.status import Expired
from mooring.model.backoff import doubled, jittered
from mooring.model.errors import ClusterError, Rejected, Unavailable

BACKOFF_SECONDS = (0.2, 5.0)
LASTED_SECONDS = 1.0
"""A turn that ended sooner was of no use, also where it ended without an error: the next one waits."""
PAGE = 100
"""How many objects one page of a list has, so that a big namespace is never in memory as a whole."""
MOST_PAGES = 5000
NONSENSE = (KeyError, TypeError, AttributeError, ValueError, RecursionError)
"""What the code raises where an answer is JSON, but no object of Kubernetes."""


def name_of(found: Json) -> str:
    name = found["metadata"]["name"]
    if not (isinstance(name, str) and name):
        raise ValueError("an object without a name")
    return name


class Watch(Generic[Value]):
    """One kind of object in one namespace; ``on_change`` gets the groups of the objects that changed or went.

    Each object is a group of its own, called by its name, unless ``group`` says otherwise. Reads never wait; while
    the connection is lost they return what was seen last. ``parse`` makes the value that a read returns.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        on_change: Callable[[Collection[str]], None],
        parse: Callable[[Json], Value],
        *,
        query: Query = (),
        group: Callable[[Json], str] = name_of,
    ) -> None:
        self._api = api
        self._path = path
        self._query = query
        self._on_change = on_change
        self._parse = parse
        self._group = group
        self._lock = threading.Lock()
        self._objects: dict[str, Held[Value]] = {}
        self._groups: dict[str, dict[str, Held[Value]]] = {}
        self._learned: dict[str, Held[Value] | None] = {}
        """What ``learn`` got since the last list was asked for, which may not have it yet."""
        self._gone: dict[str, str] = {}
        """The last version of what ``learn`` found gone: events of it may still be under way, up to its deletion."""
        self._call: Deadline | None = None
        self._stopped = threading.Event()
        self.listed = threading.Event()
        """Set once the first list has come."""
        self.answered = threading.Event()
        """Set once the first list has come or was refused."""
        self.connected = False
        """The watch is up: what is held is what the API server said a moment ago."""
        self.error: ClusterError = Unavailable("the API server has not answered yet")

    def start(self) -> None:
        """Where the process may have no thread more, tries again each second."""
        start_thread(self._run, "watch", self._stopped, self._note_refusal)

    def _note_refusal(self) -> None:
        self.error = Unavailable("nothing is watched there yet: this process may have no thread more")

    def stop(self) -> None:
        self._stopped.set()
        if call := self._call:
            call.end()

    def get(self, name: str) -> Value | None:
        """The object as last seen, None where there is none.

        Raises:
            ClusterError: nothing was ever seen, and why; or the object cannot be read.
        """
        if not self.listed.is_set():
            raise self.error.with_traceback(None)
        with self._lock:
            held = self._objects.get(name)
        return None if held is None else self._value(held)

    def of(self, group: str) -> tuple[Value, ...]:
        """The objects of a group as last seen. Raises as ``get``."""
        if not self.listed.is_set():
            raise self.error.with_traceback(None)
        with self._lock:
            every = tuple(self._groups.get(group, {}).values())
        return tuple(self._value(held) for held in every)

    def learn(self, name: str, found: Json | None) -> Value | None:
        """Takes in what a write or a read beside the watch has shown of the object, if that is newer.

        Returns the object as ``get`` does. Raises Rejected, Unavailable: it cannot be read, and is not kept.
        """
        held = None if found is None else self._hold(found)
        value = None if held is None else self._value(held)
        with self._lock:
            self._learned[name] = held
            if held is None and (known := self._objects.get(name)):
                self._gone[name] = known.version
            self._keep(name, held)
        return value

    def _value(self, held: Held[Value]) -> Value:
        try:
            return held.value(self._parse)
        except NONSENSE as error:
            raise self._nonsense(error) from error

    def _hold(self, found: Json) -> Held[Value]:
        try:
            return Held(found, version_of(found), self._group(found))
        except NONSENSE as error:
            raise self._nonsense(error) from error

    def _nonsense(self, error: Exception) -> Unavailable:
        return Unavailable(f"what answers for {self._path} is no API server: {type(error).__name__}: {error}"[:512])

    def _run(self) -> None:
        useless, version = 0, ""
        while not self._stopped.is_set():
            begun = time.monotonic()
            version = self._turn(version)
            useless = 0 if time.monotonic() - begun > LASTED_SECONDS else useless + 1
            if useless:
                first, last = BACKOFF_SECONDS
                self._stopped.wait(jittered(doubled(first, last, useless)))

    def _turn(self, version: str) -> str:
        """Follows from this version on until the watch ends; returns where to go on, empty for a new list."""
        try:
            return self._follow(version or self._list())
        except Expired:
            return ""
        except ClusterError as error:
            self.error = error
            if isinstance(error, Rejected):
                self.answered.set()
        except NONSENSE as error:
            self.error = self._nonsense(error)
        self.connected = False
        return ""

    def _list(self) -> str:
        """Replaces all that is held; reports the groups that differ."""
        with self._lock:
            self._learned = {}
        version, found = "", dict[str, Held[Value]]()
        for version, page in self._pages():  # noqa: B007 -- all pages bear the version of the list
            found |= {name_of(item): self._hold(item) for item in page}
        with self._lock:
            learned = {name: one for name, one in self._learned.items() if one and newer(one.version, version)}
            found |= learned
            names = found.keys() | self._objects.keys()
            changed = [name for name in names if _version(found.get(name)) != _version(self._objects.get(name))]
            groups = set[str]().union(*(self._put(name, found.get(name)) for name in changed))
            self._learned, self._gone = {}, {}
        self.connected = True
        self.listed.set()
        self.answered.set()
        self._on_change(groups)
        return version

    def _pages(self) -> Iterator[tuple[str, list[Json]]]:
        """The pages of the list, each with its version (API concepts, "Retrieving large results sets in chunks")."""
        more: Query = ()
        for _ in range(MOST_PAGES):
            answer = self._api.get(self._path, (*self._query, ("limit", str(PAGE)), *more))
            metadata, items = answer["metadata"], answer["items"] or []
            if not (isinstance(items, list) and isinstance(metadata["resourceVersion"], str)):
                raise TypeError("the answer is no list")
            yield metadata["resourceVersion"], items
            if not (token := metadata.get("continue")):
                return
            more = (("continue", str(token)),)
        raise ValueError(f"more than {MOST_PAGES} pages of a list")

    def _follow(self, version: str) -> str:
        with Deadline(CALL_SECONDS) as self._call:
            if self._stopped.is_set():
                return version
            for event in self._api.watch(self._path, version, self._call, self._query):
                found = event["object"]
                version = str(found["metadata"]["resourceVersion"])
                if event["type"] != "BOOKMARK":
                    self._take(found["metadata"]["name"], None if event["type"] == "DELETED" else found, version)
        return version

    def _take(self, name: str, found: Json | None, version: str) -> None:
        one = None if found is None else self._hold(found)
        with self._lock:
            held = self._objects.get(name)
            if one is not None and name in self._gone and not newer(version, self._gone[name]):
                return
            self._gone.pop(name, None)
            if one is None and held is not None and newer(held.version, version):
                return
            changed = self._keep(name, one)
        if changed:
            self._on_change(changed)

    def _keep(self, name: str, found: Held[Value] | None) -> set[str]:
        held = self._objects.get(name)
        if found is not None and held is not None and not newer(found.version, held.version):
            return set()
        return self._put(name, found)

    def _put(self, name: str, found: Held[Value] | None) -> set[str]:
        """Stores or removes one object; returns the groups that this changes."""
        held = self._objects.pop(name, None)
        if held is not None:
            group = self._groups[held.group]
            del group[name]
            if not group:
                del self._groups[held.group]
        if found is not None:
            self._objects[name] = found
            self._groups.setdefault(found.group, {})[name] = found
        return {one.group for one in (held, found) if one is not None}


def version_of(found: Mapping[str, Any] | None) -> str:
    """The resourceVersion of a stored object; empty without an object. Raises ValueError: it has none."""
    if not found:
        return ""
    version = found["metadata"]["resourceVersion"]
    if not (isinstance(version, str) and version):
        raise ValueError("an object without a resourceVersion")
    return version


def _version(held: Held[Any] | None) -> str:
    return held.version if held else ""


def newer(one: str, other: str) -> bool:
    """Resource versions of one kind are numbers that grow (Kubernetes 1.35 says so for good, KEP-5504)."""
    try:
        return int(one) > int(other)
    except ValueError:
        return one != other
