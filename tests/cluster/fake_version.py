"""A real API server that calls itself another version: a Kubernetes of five years ago is not at hand."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import yaml

from kube.api import Api


class Guise:
    """``with Guise(api, minor="24") as guise``: what ``api`` on loopback says, but for its version.

    ``guise.kubeconfig`` leads there, as the administrator.
    """

    def __init__(self, api: Api, directory: Path, *, minor: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
        self._server.api = api  # type: ignore[attr-defined]  # where the library lets a handler find it
        self._server.version = json.dumps({"major": "1", "minor": minor}).encode()  # type: ignore[attr-defined]
        self._server.daemon_threads = True
        self._server.block_on_close = False  # watches last
        document = yaml.safe_load(api.kubeconfig.read_text())
        document["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self._server.server_port}"}
        self.kubeconfig = directory / "guise.kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(document))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="guise", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Door(BaseHTTPRequestHandler):
    server: Any

    def handle(self) -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):  # either side may end at any time
            super().handle()

    def do_GET(self) -> None:
        if self.path == "/version":
            self._say(http.HTTPStatus.OK, [self.server.version])
        else:
            self._pass_on()

    def do_PATCH(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        api = self.server.api
        trust = ssl.create_default_context(cafile=str(api.credentials.server.authority))
        with contextlib.closing(http.client.HTTPSConnection(api.address, api.port, context=trust)) as connection:
            kept = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
            token = {"Authorization": f"Bearer {api.credentials.admin_token}"}  # none is sent where there is no TLS
            connection.request(self.command, self.path, body, kept | token)
            answer = connection.getresponse()
            self._say(answer.status, iter(lambda: answer.read1(65536), b""))

    def _say(self, status: int, parts: Iterable[bytes]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()  # no length: until the connection ends
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Says nothing."""
