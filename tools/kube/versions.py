"""Every version of every object of a kind that was ever stored, read from etcd behind the API server's back.

So nothing is missed while the API server is frozen, dead, or busy; after a fault of etcd reading goes on where it was.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import threading
import time
from typing import Any, Self

from kube.api import Api
from lab.history import Version
from lab.waiting import wait_until

ENDPOINTS = "/registry/services/endpoints/"
SLICES = "/registry/endpointslices/"
LEASES = "/registry/leases/"
_SILENCE = 0.3  # seconds after which the thread looks whether it shall end


def ready_in_slice(version: Version) -> list[str]:
    """The addresses that a version of an EndpointSlice calls ready; none where it is deleted."""
    entries = json.loads(version.text or "{}").get("endpoints") or []
    return [address for one in entries if one["conditions"]["ready"] for address in one["addresses"]]


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


class Versions:
    """``with Versions(api, namespace) as history``: all that is stored there from now on, and what is there now.

    It has the methods of ``lab.history.History``, so that the same oracle reads both.
    """

    missed = 0

    def __init__(self, api: Api, namespace: str, kind: str = ENDPOINTS) -> None:
        self._api = api
        self._kind = kind
        self._prefix = f"{kind}{namespace}/"
        self._versions: list[Version] = []
        self._now: dict[str, int] = {}
        """The revision of each object that is there, as far as it was read."""
        self._next = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def _range(self) -> dict[str, str]:
        return {"key": _encoded(self._prefix), "range_end": _encoded(self._prefix[:-1] + "0")}  # "0" follows "/"

    def __enter__(self) -> Self:
        found = self._read()
        for stored in found.get("kvs", []):
            self._keep(stored, deleted=False)
        self._next = int(found["header"]["revision"]) + 1
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends after all that is stored until now is recorded, if etcd serves."""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            found = self._read()
            wait_until(lambda: self._has(found), 10, "the record to have what is stored")
        self._ending.set()
        self._thread.join()

    def _read(self) -> dict[str, Any]:
        """What is stored now, and at which revision. Raises OSError, ValueError: etcd does not serve."""
        found: dict[str, Any] = json.loads(self._api.ask_etcd("POST", "/v3/kv/range", json.dumps(self._range())))
        if "header" not in found:
            raise ValueError(f"etcd says {found}")
        return found

    def _has(self, found: dict[str, Any]) -> bool:
        """Whether the record goes on to that moment at least: each change of an object and each deletion is in it."""
        stored = {one["key"]: int(one["mod_revision"]) for one in found.get("kvs", [])}
        known, moment = dict(self._now), int(found["header"]["revision"])
        return all(known.get(key, self._next - 1) >= revision for key, revision in stored.items()) and all(
            key in stored or revision > moment for key, revision in known.items()
        )

    def of(self, service: str) -> list[Version]:
        """The versions of ``NAMESPACE/NAME`` until now, the oldest first."""
        return [version for version in self.all() if version.service == service]

    def all(self) -> list[Version]:
        return list(self._versions)

    def _run(self) -> None:
        last = False
        while not last:
            last = self._ending.wait(0.02)
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                self._follow()

    def _follow(self) -> None:
        """Reads one watch until it breaks, or is silent for a while."""
        question = {"create_request": {**self._range(), "start_revision": str(self._next)}}
        with contextlib.closing(self._api.etcd_connection(_SILENCE)) as connection:
            connection.request("POST", "/v3/watch", json.dumps(question))
            for line in connection.getresponse():
                self._take(json.loads(line).get("result") or {})  # an error of etcd's ends the stream

    def _take(self, result: dict[str, Any]) -> None:
        if "compact_revision" in result:
            self.missed += 1
            self._next = int(result["compact_revision"])
        for event in result.get("events", []):
            self._keep(event["kv"], deleted=event.get("type") == "DELETE")
            self._next = int(event["kv"]["mod_revision"]) + 1

    def _keep(self, stored: dict[str, str], *, deleted: bool) -> None:
        service = base64.b64decode(stored["key"]).decode().removeprefix(self._kind)
        text = None if deleted else base64.b64decode(stored["value"]).decode()
        revision = int(stored["mod_revision"])
        self._versions.append(Version(service, time.monotonic(), text, revision))
        if deleted:
            self._now.pop(stored["key"], None)
        else:
            self._now[stored["key"]] = revision
