"""Asking a MySQL server for the facts of its role, over a held session and by a login each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ground import holding
from ground.asking import target_of
from ground.servers import Mariadb
from ground.topologies.topology import PROBER
from ground.waiting import wait_until
from mooring.facts import Facts
from mooring.model import Observation

SECONDS = 20.0


class Asked:
    """One server, asked over a session that was held before, and by a login for each question."""

    def __init__(self, server: Mariadb, password: str, user: str = PROBER, **block: Any) -> None:
        asks = {"user": user, "passwordFile": password, "role": "primary", **block}
        self._target = target_of("mysql", server.address, server.port, timeout=5.0, **asks)
        self._session = holding.held(self._target)

    def seen(self) -> Observation:
        """Over the session."""
        answer = holding.ask(self._session, self._target)
        assert answer
        assert (answer.keep, answer.rest) == (True, b"")
        return answer.observation

    def entered(self) -> Observation:
        """By a login."""
        entered = holding.enter(self._target)
        assert entered.session, entered
        holding.leave(entered.session)
        return replace(entered.observation, latency=None)

    def facts(self) -> Facts:
        facts = self.seen().facts
        assert facts
        return facts

    def becomes(self, what: str, holds: Callable[[Facts], bool]) -> Facts:
        """Waits until the session says so, and sees that a login says the same."""
        wait_until(lambda: holds(self.facts()), SECONDS, what)
        facts = self.entered().facts
        assert facts
        assert holds(facts)
        return facts

    def close(self) -> None:
        holding.leave(self._session)


@contextmanager
def asked(server: Mariadb, password: str, **block: Any) -> Iterator[Asked]:
    made = Asked(server, password, **block)
    try:
        yield made
    finally:
        made.close()
