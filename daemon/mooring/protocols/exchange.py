"""What a protocol and the engine that holds its sessions say to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mooring.model import Observation

if TYPE_CHECKING:
    import socket
    from collections.abc import Hashable

    from mooring.protocols.secret import Secret

CAP = 64 * 1024
"""Bytes that one answer may have at most; the usual one has less than a dozen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question over a held session. The message of ``observation`` is raw, its latency None."""

    observation: Observation
    rest: bytes = b""
    """What came behind this answer: it belongs to the next question. Where none was sent, nobody asked for it, and the
    session cannot be used again: it would answer each question with the answer to the one before."""
    keep: bool = True
    """False: the session cannot be used again; nothing of it is left in ``rest``."""
    lost: bool = False
    """The server itself ended this session: evidence like a FIN, which says nothing yet of the host."""


class Exchange(Protocol):
    """One question under way over a held session; no I/O. Never raises, whatever the bytes."""

    @property
    def request(self) -> bytes:
        """What to send, in one go."""

    def feed(self, data: bytes) -> Answer | None:
        """Takes what arrived, cut anywhere; None: the answer goes on. Not to be called again after an answer.

        At most ``CAP`` bytes are held; an answer that is not whole within them is ``protocol``.
        """


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in connection: non-blocking, nothing unread in any buffer of a library."""

    sock: socket.socket
    """An ``ssl.SSLSocket`` where the target asks for TLS."""
    farewell: bytes
    """To be sent before closing, if that can be done at once."""
    secret: Secret
    """What no message of this session may show."""
    server: Hashable = None
    """What the login has learned of the server, as far as a question must be put accordingly; the protocol's own."""


@dataclass(frozen=True, slots=True)
class Entered:
    """How a login over a given socket ended: what ``probe`` would have seen, cleaned, with its latency."""

    observation: Observation
    session: Session | None
    """None unless the login worked and the connection is fit for more questions; then the socket is closed."""
    greeted: bool
    """The peer had sent something."""
    secret: Secret
