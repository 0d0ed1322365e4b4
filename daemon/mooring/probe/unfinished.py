"""Logins and questions that passed their deadline: their connections stay open until the server answers or closes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from mooring.probe.loop import ANSWER, Loop
from mooring.protocols.exchange import Unfinished
from mooring.protocols.transport.keepalive import set_keepalive
from mooring.protocols.transport.line import NOT_NOW

KEEPALIVE_PERIOD = 5.0
"""Seconds; keepalives that go unanswered end a connection after twice that."""
_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A connection whose end Mooring awaits ``since`` (monotonic seconds)."""

    unfinished: Unfinished
    since: float


class UnfinishedConnections:
    """Those of one account, the oldest first; for the loop's thread only.

    ``on_end`` gets each with the last bytes of the server; empty where it closed, or its kernel did not answer.
    """

    def __init__(self, loop: Loop, on_end: Callable[[Unfinished, bytes], None]) -> None:
        self._loop = loop
        self._on_end = on_end
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_since(self) -> float | None:
        return self._waiting[0].since if self._waiting else None

    @property
    def login_since(self) -> float | None:
        """Since when the oldest login is among them; None: none is."""
        return next((one.since for one in self._waiting if not one.unfinished.logged_in), None)

    @property
    def logging_in(self) -> bool:
        """A login is among them."""
        return self.login_since is not None

    @property
    def oldest_id(self) -> int:
        """Its id on the server; 0: not known, or a login that the server will end itself."""
        return _id_of(self._waiting[0])

    @property
    def asked(self) -> frozenset[int]:
        """The ids on the server of those that wait for the answer to a question."""
        return frozenset(map(_id_of, self._waiting))

    def add(self, unfinished: Unfinished, now: float) -> None:
        one = Waiting(unfinished, now)
        self._waiting.append(one)
        set_keepalive(unfinished.sock, KEEPALIVE_PERIOD)
        self._loop.watch(unfinished.sock, ANSWER, partial(self._on_event, one))
        self._loop.soon(partial(self._on_event, one, 0))  # a TLS library may hold bytes of which epoll knows nothing

    def close_oldest(self) -> None:
        self._close(self._waiting[0], b"")

    def close(self) -> None:
        while self._waiting:
            self.close_oldest()

    def _on_event(self, one: Waiting, events: int) -> None:
        shakes_hands = one.unfinished.shakes_hands
        if one not in self._waiting or (shakes_hands and not events):
            return
        try:
            said = one.unfinished.sock.recv(_PIECE)
        except NOT_NOW:
            if not shakes_hands:
                return
            said = b""  # it has answered TLS' first word
        except OSError:
            said = b""
        self._close(one, one.unfinished.farewell if said else b"")
        self._on_end(one.unfinished, said)

    def _close(self, one: Waiting, farewell: bytes) -> None:
        self._waiting.remove(one)
        self._loop.forget(one.unfinished.sock)
        if farewell:
            with suppress(OSError):
                one.unfinished.sock.send(farewell)
        one.unfinished.sock.close()


def _id_of(one: Waiting) -> int:
    return one.unfinished.connection_id if one.unfinished.logged_in else 0
