"""An HTTP server with pages of a test: it stands in for a daemon, also for one that answers nonsense."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass
class Pages:
    """By their paths; a path without a page is 404."""

    port: int
    pages: dict[str, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(self, path: str, document: object) -> None:
        """Serves the document as JSON there."""
        self.pages[path] = json.dumps(document).encode()


@contextmanager
def serving() -> Iterator[Pages]:
    """Serves on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in served.pages else 404)
            self.end_headers()
            self.wfile.write(served.pages.get(self.path, b""))

        def log_message(self, *args: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Pages(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
