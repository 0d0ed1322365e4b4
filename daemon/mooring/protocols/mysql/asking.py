"""The questions to MySQL: the same right after a login and over a held session."""

from __future__ import annotations

from collections.abc import Hashable

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer, HeldQuestion
from mooring.protocols.mysql import wire
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.question import Server
from mooring.protocols.mysql.results import AskFacts, Learn
from mooring.protocols.transport.attempt import ProbeRun
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.talk import ask

SHOWS_OFFLINE = "shows offline_mode"
"""What a login learns of a server that lets Mooring in even while it turns applications away."""


def exchange(options: MysqlOptions, server: Hashable = None) -> HeldQuestion:
    """The question for facts in the server's own dialect, or the query of the file, or whether the server is alive."""
    if options.asks_facts() and isinstance(server, Server):
        return AskFacts(server, options.heartbeat.table if options.heartbeat else None)
    if options.query is not None:
        return wire.Query(options.query)
    return wire.Alive() if server == SHOWS_OFFLINE else wire.Ping()


def facts(running: ProbeRun[MysqlOptions], line: BoundedSocket) -> Observation:
    """Asks for the facts right after the login, as ``exchange`` does later: both give the same outcome."""
    if line.unread:
        raise Failure(Reason.PROTOCOL, "sends bytes that nobody asked for")
    learn = Learn()
    learned = _ask(line, learn, b"")
    if learn.server is None:
        return learned.observation
    running.server = learn.server
    return _ask(line, exchange(running.target.options, learn.server), learned.rest).observation


def _ask(line: BoundedSocket, asked: HeldQuestion, said: bytes) -> Answer:
    """``said``: bytes that came before the question. Mooring holds no session that sends too much, or has ended."""
    answer = ask(line, asked, said)
    if answer.rest or not answer.keep:
        line.farewell = b""
    return answer
