"""A server's end of a session, played by a function: each request gets the answer that the function gives."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

LIMIT = 30.0
"""Seconds after which it gives up by itself."""
Reply = Callable[[bytes], bytes]
"""What to send for what came; empty: it hangs up."""


@contextlib.contextmanager
def talking(reply: Reply) -> Iterator[socket.socket]:
    """Our end, non-blocking as a held session's; the other one is served until the block ends."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(LIMIT)
    ours.setblocking(False)
    server = threading.Thread(target=_serve, args=(theirs, reply), daemon=True)
    server.start()
    try:
        yield ours
    finally:
        ours.close()
        server.join(LIMIT)


def _serve(sock: socket.socket, reply: Reply) -> None:
    with sock, contextlib.suppress(OSError):
        while (data := sock.recv(65536)) and (answer := reply(data)):
            sock.sendall(answer)
