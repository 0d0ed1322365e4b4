"""``--listen``: /livez, /readyz and /status, by the standard library's threaded server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mooring.errors import ConfigError
from mooring.observe.status import Document

REQUEST_SECONDS = 5.0
Answer = tuple[HTTPStatus, str, str]
"""Status, content type, text."""


class Server:
    """Serves until ``stop``; every page is made anew in the request's own thread.

    ``alive`` returns None, or the sentence that says what stands still; ``ready`` likewise.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        alive: Callable[[], str | None],
        ready: Callable[[], str | None],
        status: Callable[[], Document],
    ) -> None:
        pages = {
            "/livez": lambda: _health(alive()),
            "/readyz": lambda: _health(ready()),
            "/status": lambda: (HTTPStatus.OK, "application/json", json.dumps(status(), indent=2) + "\n"),
        }
        try:
            self._server = _server(address)(address, _handler(pages))
        except OSError as error:
            host, port = address
            raise ConfigError(f"--listen (MOORING_LISTEN): cannot listen on {host}:{port}: {error.strerror}") from error

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="http", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _server(address: tuple[str, int]) -> type[ThreadingHTTPServer]:
    class Threaded(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET

    return Threaded


def _health(why_not: str | None) -> Answer:
    if why_not is None:
        return HTTPStatus.OK, "text/plain; charset=utf-8", "ok\n"
    return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", f"{why_not}\n"


def _handler(pages: Mapping[str, Callable[[], Answer]]) -> type[BaseHTTPRequestHandler]:
    def missing() -> Answer:
        known = " ".join(pages)
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", f"no such page; there are: {known}\n"

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS
        server_version = "mooring"
        sys_version = ""

        def do_GET(self) -> None:
            status, kind, text = pages.get(self.path.partition("?")[0], missing)()
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 -- the standard library finds methods by this name

        def log_message(self, *args: object) -> None:
            """Requests are not logged: a probe of a kubelet every few seconds is no news."""

    return Handler
