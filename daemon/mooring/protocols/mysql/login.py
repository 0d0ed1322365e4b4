"""A login to MySQL or MariaDB and one question, by PyMySQL."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pymysql.constants import COMMAND
from pymysql.err import MySQLError

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.targets import Target
from mooring.protocols.exchange import LoginResult
from mooring.protocols.mysql import wire
from mooring.protocols.mysql.asking import SHOWS_OFFLINE, exchange, facts
from mooring.protocols.mysql.distrust import Distrust
from mooring.protocols.mysql.kill import end_own, kill
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.mysql.public_key import CAUTION, ON_REQUEST, REFUSE, PublicKey
from mooring.protocols.mysql.question import BOUNDED
from mooring.protocols.mysql.rights import how_to_make, rights_of
from mooring.protocols.mysql.session import Session, split_error
from mooring.protocols.options import TlsOptions
from mooring.protocols.protocol import Client
from mooring.protocols.transport.attempt import ProbeRun, attempt, enter
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.secret import Secret
from mooring.protocols.transport.tls import Tls

DISTRUST = Distrust()
"""What all probes of this process know."""

_NO_SETTING = frozenset({1064, 1193, 1227, 1231})
"""A statement that the server does not know, a variable that it does not have, or that the account may not set."""

_QUIT = struct.pack("<iB", 1, COMMAND.COM_QUIT)
"""The packet of COM_QUIT. Without it, the server counts an aborted client."""


def probe(target: Target[MysqlOptions]) -> Observation:
    """Logs in, asks, checks the answer, logs out. Never raises; ends within the target's timeout.

    After the greeting Mooring always brings the login to its end, so that the server counts no broken connection: after
    too many of these it blocks Mooring's address (error 1129, ``max_connect_errors``).
    """
    return attempt(target, _login)


def login(target: Target[MysqlOptions], sock: socket.socket, started: float) -> LoginResult:
    """As ``probe``, over a connected socket; without the logout where the session can be held."""
    return enter(target, sock, started, _login)


def login_and_end(
    target: Target[MysqlOptions], sock: socket.socket, started: float, connections: tuple[int, ...]
) -> LoginResult:
    """As ``login``; before its question it ends these connections of Mooring's own, whose questions nobody awaits."""
    return enter(target, sock, started, lambda running: _login(running, connections))


def _login(running: ProbeRun[MysqlOptions], abandoned: tuple[int, ...] = ()) -> Observation:
    options = running.target.options
    session = _session(running, options)
    if doubt := _doubt(running, session.tls):
        return _look(running, session.tls, doubt)
    line = running.dial()
    try:
        _connect(session, line, _place(running, session.tls))
        line.farewell, running.logged_in = _QUIT, True
        for connection_id in abandoned:
            end_own(line, connection_id)
        if not options.asks_facts() and (options.query is not None or running.given is not None):
            _bound(session)  # a session that is held may be asked the query of another Service
        seen = facts(running, line) if options.asks_facts() else _ask(running, session)
    except MySQLError as error:
        seen = _refusal(session, error, options)
    if line.farewell and session.open and not line.unread:
        running.hold()
    return replace(seen, caution=CAUTION) if session.by_cache and seen.reason is Reason.OK else seen


def _connect(session: Session, line: BoundedSocket, place: Hashable) -> None:
    try:
        session.connect(cast("Any", line))
    except Failure as failure:
        DISTRUST.note(place, failure, time.monotonic())
        raise


def _place(running: ProbeRun[MysqlOptions], tls: Tls | None) -> Hashable:
    return running.target.address, running.target.port, tls


def _doubt(running: ProbeRun[MysqlOptions], tls: Tls | None) -> Failure | None:
    """How the handshake would end, as it did before; None: nothing is known against it."""
    return DISTRUST.failure(_place(running, tls), time.monotonic()) if tls is not None and tls.verified else None


def _look(running: ProbeRun[MysqlOptions], tls: Tls | None, doubt: Failure) -> Observation:
    """Looks which certificate the server has now, as nobody, so that it counts no broken connection.

    Raises:
        Failure: the ``doubt``, where the server greets; or why there was nothing to see.
    """
    anyhow = running.tls(TlsOptions(mode="required"))
    session, line = Session(None, Secret(), anyhow), running.dial()
    try:
        session.connect(cast("Any", line))
        line.farewell = _QUIT  # an account for everybody
    except MySQLError as error:
        if not session.greeted:
            return _refusal(session, error, running.target.options)
    DISTRUST.look(_place(running, tls), line.certificate)
    raise doubt


def _refusal(session: Session, error: MySQLError, options: MysqlOptions) -> Observation:
    code, text = split_error(error)
    seen = wire.refusal(code, text, greeted=session.greeted)
    rights = rights_of(session.server_version) if session.greeted and options.asks_facts() else None
    more = how_to_make(code, text, options.user or "", rights)
    return replace(seen, message=seen.message + more) if more else seen


def _session(running: ProbeRun[MysqlOptions], options: MysqlOptions) -> Session:
    try:
        secret, tls = running.unlock(options.password_file), running.tls(options.tls)
        key = _public_key(running, options)
        return Session(
            options.user, secret, tls, key, several=options.asks_facts(), on_greeting=running.note_connection_id
        )
    except Failure:
        if running.given is not None:  # connected already: to close without a login would count as a broken connection
            with suppress(Exception):
                Session(None, Secret(), None).connect(cast("Any", running.dial()))
        raise


def _public_key(running: ProbeRun[MysqlOptions], options: MysqlOptions) -> PublicKey:
    if options.public_key_file is None:
        return ON_REQUEST if options.server_public_key == "request" else REFUSE
    key = running.file(options.public_key_file)
    try:
        load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Failure(Reason.LOCAL, f"{options.public_key_file}: holds no public key in PEM") from error
    return PublicKey(key)


def _bound(session: Session) -> None:
    """Bounds what the query of the file may take on the server, if that has the settings."""
    try:
        session.query(BOUNDED)
    except MySQLError as error:
        if split_error(error)[0] not in _NO_SETTING:
            raise


def _ask(running: ProbeRun[MysqlOptions], session: Session) -> Observation:
    query = running.target.options.query
    with session.cursor() as cursor:
        cursor.execute(query or wire.QUESTION)
        rows = None if cursor.description is None else cursor.fetchall()
    if query is not None:
        return wire.answer(rows)
    running.server = SHOWS_OFFLINE if wire.shows_offline(rows) else None
    return wire.alive(rows)


CLIENT = Client(probe, login, exchange, kill, login_and_end, late_word=wire.late_word)
