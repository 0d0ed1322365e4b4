"""The values that a protocol and the engine that holds its sessions exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mooring.model.probes import Observation

if TYPE_CHECKING:
    import socket
    from collections.abc import Hashable

    from mooring.protocols.transport.secret import Secret

CAP = 64 * 1024
"""Bytes that one answer may have at most; most answers have less than a dozen."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question over a held session. The message of ``observation`` is raw, its latency None."""

    observation: Observation
    rest: bytes = b""
    """The bytes behind this answer: they answer the next question. Where no other question is under way, the session
    cannot be used again: it would answer each question with the answer to the one before."""
    keep: bool = True
    """False: the session cannot be used again, and ``rest`` is empty."""
    lost: bool = False
    """The server ended this session by a message: evidence like a FIN, and no verdict on the host yet."""


class HeldQuestion(Protocol):
    """One question under way over a held session; no I/O. Never raises, whatever the bytes."""

    @property
    def request(self) -> bytes:
        """The bytes to send, in one go."""

    def feed(self, data: bytes) -> Answer | None:
        """Takes the bytes that arrived, cut anywhere; None: the answer is not whole. Never called after an answer.

        Holds at most ``CAP`` bytes; an answer that is not whole within them is ``protocol``.
        """


@dataclass(frozen=True, slots=True)
class Session:
    """A connection that is logged in: non-blocking, with nothing unread in any buffer of a library."""

    sock: socket.socket
    """An ``ssl.SSLSocket`` where the target asks for TLS."""
    farewell: bytes
    """Bytes to send before closing, if that takes no time."""
    secret: Secret
    """The password, which no message may show."""
    server: Hashable = None
    """What the login has learned of the server and the next question depends on; only the protocol reads it."""
    connection_id: int = 0
    """The server's id of this connection; 0: not known."""


@dataclass(frozen=True, slots=True)
class Loan:
    """A session that was lent: the borrower owns it until he gives it back."""

    session: Session | None
    error: str = ""
    """Why there is none, cleaned; empty where there may be one a moment later."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A connection whose login or question passed its deadline. It stays open until the server answers or closes."""

    sock: socket.socket
    """Non-blocking."""
    farewell: bytes
    """Bytes to send before closing, once the server has answered; empty before the login."""
    secret: Secret
    logged_in: bool
    """The login has worked: what has no answer is a question."""
    connection_id: int = 0
    """The server's id of this connection; 0: not known."""
    shakes_hands: bool = False
    """The server owes only the answer to our first TLS message; after that it waits for us."""


@dataclass(frozen=True, slots=True)
class LoginResult:
    """How a login over a given socket ended. ``observation`` is as of ``probe``: cleaned, with its latency."""

    observation: Observation
    session: Session | None
    """The connection, where the login worked and more questions may follow; None: it is closed or unfinished."""
    greeted: bool
    """The server has sent something."""
    secret: Secret
    unfinished: Unfinished | None = None
    """The connection, where the deadline has passed and the server has not answered."""
    logged_in: bool = False
    """The login has worked; the server refused at most a question."""
    opened: socket.socket | None = None
    """The connection of a protocol without a login, non-blocking: ``on_end`` closes it."""
