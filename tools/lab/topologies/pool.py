"""An application with a connection pool that writes all the time, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.network import inside
from lab.topologies.topology import APPLICATION, PASSWORD
from lab.waiting import wait_until

_PROGRAM = Path(__file__).with_name("pooled.py")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write: when it ended (``time.monotonic``), its number, the server as ``address:port``, and its error.

    ``server`` is None where no session came to be, ``error`` is None where the server took it.
    """

    at: float
    number: int
    server: str | None
    error: str | None


class Pool:
    """``with Pool("mysql", address, port) as pool``: ``size`` sessions, each writing every ``every`` seconds.

    MySQL: rows of ``app.written``; Redis: members of the set ``written``.
    """

    def __init__(
        self,
        protocol: str,
        address: str,
        port: int,
        *,
        user: str = APPLICATION,
        password: str = PASSWORD,
        size: int = 4,
        every: float = 0.05,
        netns: str | None = None,
    ) -> None:
        login = [address, str(port), user, password]
        self._command = [sys.executable, str(_PROGRAM), protocol, *login, str(size), str(every)]
        self._netns = netns
        self._attempts: list[Attempt] = []

    def __enter__(self) -> Self:
        with inside(self._netns):
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
        self._reader = threading.Thread(target=self._read, name="pool", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join()
        with self._process:  # closes both pipes, and reaps it
            pass

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._attempts.append(Attempt(*json.loads(line)))

    def attempts(self, *, after: float = 0) -> Sequence[Attempt]:
        """All that ended after this moment, the oldest first."""
        return [one for one in tuple(self._attempts) if one.at > after]

    def written(self, *, after: float = 0) -> Sequence[Attempt]:
        """Those that a server took."""
        return [one for one in self.attempts(after=after) if one.error is None]

    def errors(self, *, after: float = 0) -> Sequence[Attempt]:
        return [one for one in self.attempts(after=after) if one.error is not None]

    def wait_written(self, server: str, count: int = 10, *, after: float | None = None, timeout: float = 20) -> float:
        """Waits for so many writes that this server took after a moment, by default now; returns when the first was.

        Raises:
            TimeoutError: the message has the last attempts.
        """
        since = time.monotonic() if after is None else after

        def taken() -> Sequence[Attempt]:
            return [one for one in self.written(after=since) if one.server == server]

        try:
            wait_until(lambda: len(taken()) >= count, timeout, f"{count} writes at {server}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the last attempts: {self.attempts()[-5:]}") from None
        return taken()[0].at
