"""The API as plain HTTPS and JSON, so that tests see what is stored without the client that the daemon uses."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.network import inside


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any  # parsed JSON, or text

    def ok(self) -> Any:
        """The body of a success.

        Raises:
            RuntimeError: it is none; the message has what the server said.
        """
        if self.status >= http.HTTPStatus.BAD_REQUEST:
            said = self.body.get("message") if isinstance(self.body, dict) else self.body
            raise RuntimeError(f"{self.status}: {said}")
        return self.body


class Rest:
    """Asks one API server. Each request has a connection of its own, inside ``netns``: a fault may fell a kept one."""

    def __init__(self, address: str, port: int, authority: Path, token: str, netns: str | None = None) -> None:
        self._address = address
        self._port = port
        self._authority = authority
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._token = token
        self._netns = netns

    def as_user(self, token: str) -> Rest:
        """The same server, asked by somebody else."""
        return Rest(self._address, self._port, self._authority, token, self._netns)

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(self._address, self._port, context=self._tls, timeout=timeout)
        with inside(self._netns):
            connection.connect()
        return connection

    @contextlib.contextmanager
    def _connection(self, timeout: float) -> Iterator[http.client.HTTPSConnection]:
        connection = self._connect(timeout)
        try:
            yield connection
        finally:
            connection.close()

    def ask(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json", timeout: float = 30
    ) -> Answer:
        """One request. Raises OSError where nobody answers in time."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind, "Accept": "application/json"}
        with self._connection(timeout) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        parsed = json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text
        return Answer(answer.status, dict(answer.headers), parsed)

    def get(self, path: str) -> Any:
        """The object at a path; None where there is none."""
        answer = self.ask("GET", path)
        return None if answer.status == http.HTTPStatus.NOT_FOUND else answer.ok()

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.ask("POST", path, body).ok()

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """A merge patch."""
        return self.ask("PATCH", path, body, kind="application/merge-patch+json").ok()

    def delete(self, path: str) -> None:
        """Also where it is gone already."""
        answer = self.ask("DELETE", path)
        if answer.status != http.HTTPStatus.NOT_FOUND:
            answer.ok()

    @contextlib.contextmanager
    def unfinished(self, path: str) -> Iterator[None]:
        """A request to create something that is begun and, inside, never ended."""
        with self._connection(timeout=10) as connection:
            connection.putrequest("POST", path)
            connection.putheader("Authorization", f"Bearer {self._token}")
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", "2")
            connection.endheaders()
            yield

    def watch(self, path: str, *, since: str = "", timeout: float = 10) -> Iterator[dict[str, Any]]:
        """The events of a watch until the server ends it. Raises OSError when it is silent for ``timeout`` seconds."""
        joint = "&" if "?" in path else "?"
        with self._connection(timeout) as connection:
            connection.request(
                "GET",
                f"{path}{joint}watch=1&resourceVersion={since}",
                headers={"Authorization": f"Bearer {self._token}"},
            )
            answer = connection.getresponse()
            for line in answer:
                yield json.loads(line)
