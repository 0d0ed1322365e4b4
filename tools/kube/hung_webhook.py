"""Hosts that end when a test says so, and an admission webhook that takes connections and never answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Self

from kube.api import Api
from lab.free_ports import free_port
from lab.waiting import wait_until

HERE = "127.0.0.1"


class Door:
    """A port that takes connections and keeps them until it is shut: the end of a server, as its hosts see it."""

    taken = 0
    """So many connections until now."""

    def __init__(self) -> None:
        self.port = free_port(HERE)
        self.open()

    def open(self) -> None:
        self._door = socket.create_server((HERE, self.port), backlog=512)
        self._held: list[socket.socket] = []
        threading.Thread(target=self._take, args=(self._door,), daemon=True).start()

    def _take(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._held.append(door.accept()[0])
                self.taken += 1

    def shut(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        for line in self._held:
            line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()


def _asked(api: Api, namespace: str, webhook: Door) -> bool:
    """Whether a write that would change nothing comes to the webhook."""
    before, body = webhook.taken, {"metadata": {"name": "asks"}}
    with contextlib.suppress(TimeoutError):
        api.rest.ask("POST", f"/api/v1/namespaces/{namespace}/endpoints?dryRun=All", body, timeout=1)
    return webhook.taken > before


@contextlib.contextmanager
def hanging(api: Api, namespace: str, webhook: Door) -> Iterator[None]:
    """Each write of Endpoints in the namespace waits for an answer that never comes."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["endpoints"]}
    hook = {
        "name": "hangs.example.com",
        "clientConfig": {"url": f"https://{HERE}:{webhook.port}/"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 30,
        "failurePolicy": "Fail",
    }
    api.rest.create(path, {"metadata": {"name": "hangs"}, "webhooks": [hook]})
    try:
        wait_until(lambda: _asked(api, namespace, webhook), 20, "the API server to ask the webhook", every=0.1)
        yield
    finally:
        api.rest.delete(f"{path}/hangs")
