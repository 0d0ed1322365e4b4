"""Servers that belong together, started together and ended for certain."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from lab.process import Server

PROBER, APPLICATION, REPLICATOR = "mooring", "app", "replica"
"""The accounts: the daemon's, which may see and change nothing but the replication's state; the application's, which
may write its own tables and is stopped by read_only; the replicas'."""
PASSWORD = "throw-away-of-a-test"
"""Everybody's."""

S = TypeVar("S", bound=Server)


class Place(Protocol):
    """Where one server runs; a ``lab.network.Host`` is one."""

    @property
    def address(self) -> str: ...

    @property
    def netns(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Loopback:
    """On this machine's own loopback: every server gets free ports."""

    address: str = "127.0.0.1"
    netns: str | None = None


THREE: Sequence[Place] = (Loopback(), Loopback(), Loopback())


class Topology(abc.ABC, Generic[S]):
    """``with Kind(places) as topology``: one server a place, in this order, doing together what the kind says."""

    def __init__(self, places: Sequence[Place] = THREE) -> None:
        self._places = tuple(places)
        self._undo = contextlib.ExitStack()
        self._servers: tuple[S, ...] = ()

    @abc.abstractmethod
    def _make(self, place: Place, number: int) -> S:
        """One server, not yet started; ``number`` counts from 1."""

    @abc.abstractmethod
    def _form(self) -> None:
        """Starts the servers and binds them together; returns when all of it works."""

    @property
    def servers(self) -> tuple[S, ...]:
        return self._servers

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self._undo.close)
            for number, place in enumerate(self._places, 1):
                server = self._make(place, number)
                self._undo.callback(server.close)
                self._servers += (server,)
            self._form()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()
