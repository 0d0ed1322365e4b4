"""Asking a MySQL server for the facts of its role, over a held session and by a login each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lab.servers import Mariadb
from lab.topologies.topology import PROBER
from lab.waiting import wait_until
from mooring.model.facts import Facts
from mooring.model.probes import Observation
from support import held_session
from support.probe_once import target_of

SECONDS = 20.0


class Asked:
    """One server, asked over a session that was held before, and by a login for each question."""

    def __init__(self, server: Mariadb, password: str, user: str = PROBER, **block: Any) -> None:
        asks = {"user": user, "passwordFile": password, "role": "primary", **block}
        self._target = target_of("mysql", server.address, server.port, timeout=20.0, **asks)
        self._session = held_session.held(self._target)

    def seen(self) -> Observation:
        """Over the session."""
        answer = held_session.ask(self._session, self._target)
        assert answer
        assert (answer.keep, answer.rest) == (True, b"")
        return answer.observation

    def login_result(self) -> Observation:
        """By a login."""
        login_result = held_session.enter(self._target)
        assert login_result.session, login_result
        held_session.leave(login_result.session)
        return replace(login_result.observation, latency=None)

    def facts(self) -> Facts:
        facts = self.seen().facts
        assert facts
        return facts

    def becomes(self, what: str, holds: Callable[[Facts], bool]) -> Facts:
        """Waits until the session says so, and sees that a login says the same."""
        wait_until(lambda: holds(self.facts()), SECONDS, what)
        facts = self.login_result().facts
        assert facts
        assert holds(facts)
        return facts

    def close(self) -> None:
        held_session.leave(self._session)


@contextmanager
def asked(server: Mariadb, password: str, **block: Any) -> Iterator[Asked]:
    made = Asked(server, password, **block)
    try:
        yield made
    finally:
        made.close()
