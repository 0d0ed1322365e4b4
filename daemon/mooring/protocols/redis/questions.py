"""What is asked of a Redis or Valkey server, and what its replies mean; no I/O."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from mooring.model import Observation, Outcome
from mooring.protocols.exchange import Answer
from mooring.protocols.redis.facts import facts
from mooring.protocols.redis.resp import Command, Refused, Reply, request
from mooring.protocols.redis.wire import NO_WRITES, refusal
from mooring.reasons import Reason

PING = Command(("PING",), b"+", lambda reply: reply == b"PONG")
_INFO = Command(("INFO", "replication"), b"$", lambda reply: reply is not None)
_CLUSTER = Command(("CLUSTER", "INFO"), b"$", lambda reply: reply is not None)
_PRESENCE = (b"0", b"1")

NO_CLUSTER = "no cluster"
"""What is learned of a server that is no node of a Redis Cluster, or does not tell us."""

_OK = Observation(Reason.OK)
_NOTHING: Mapping[bytes, Answer] = MappingProxyType({})
_USUAL = MappingProxyType({b"+PONG\r\n": Answer(_OK)})
_USUAL_WITH_KEY = MappingProxyType(
    {b"+PONG\r\n:%s\r\n" % count: Answer(Observation(Reason.OK, answer=count.decode())) for count in _PRESENCE}
)


class Ping:
    """PING, and EXISTS behind it where a key is named; PING decides first."""

    __slots__ = ("_keyed", "commands", "request", "usual")

    def __init__(self, key: str | None) -> None:
        exists = () if key is None else (Command(("EXISTS", key), b":", lambda reply: reply in _PRESENCE),)
        self.commands: Sequence[Command] = (PING, *exists)
        self.request = request(self.commands)
        self.usual = _USUAL if key is None else _USUAL_WITH_KEY
        self._keyed = key is not None

    def seen(self, replies: Sequence[Reply]) -> Observation:
        said = pong(replies[0])
        if said.reason is not Reason.OK or not self._keyed:
            return said
        count = replies[1]
        if isinstance(count, Refused):
            return refusal(count)
        return Observation(Reason.OK, said.message, answer="1" if count == b"1" else "0")

    def learned(self, _replies: Sequence[Reply]) -> Hashable:
        return None


class Roles:
    """As ``Ping``, and INFO replication and CLUSTER INFO behind it.

    Both are answered also where PING says LOADING, MASTERDOWN or MISCONF (INFO always, CLUSTER INFO but for LOADING).
    CLUSTER INFO is an error on a server that is no node of a cluster, and counted there in ``errorstats``: it is left
    out over a session whose login has seen that.
    """

    __slots__ = ("_ping", "_user", "commands", "request", "usual")

    def __init__(self, key: str | None, user: str | None, *, cluster: bool) -> None:
        self._ping = Ping(key)
        self._user = user or "default"
        self.commands: Sequence[Command] = (*self._ping.commands, _INFO, *((_CLUSTER,) if cluster else ()))
        self.request = request(self.commands)
        self.usual = _NOTHING

    def seen(self, replies: Sequence[Reply]) -> Observation:
        said = self._ping.seen(replies)
        info, *more = replies[len(self._ping.commands) :]
        if not isinstance(info, bytes):
            return Observation(said.reason, said.message, said.answer, unread=_unread(str(info), self._user))
        cluster = more[0] if more and isinstance(more[0], bytes) else b""
        misconf = said.message if said.reason is Reason.OK else ""
        return Observation(said.reason, said.message, said.answer, facts=facts(info, cluster, misconf))

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        refused = isinstance(replies[-1], Refused) and replies[-1].startswith(("ERR", "NOPERM"))
        return NO_CLUSTER if refused and self.commands[-1] is _CLUSTER else None


@lru_cache(maxsize=1024)
def question(key: str | None, user: str | None, *, roles: bool, server: Hashable) -> Ping | Roles:
    return Roles(key, user, cluster=server != NO_CLUSTER) if roles else Ping(key)


def pong(reply: Reply) -> Observation:
    """What a sound reply to PING means."""
    if not isinstance(reply, Refused):
        return _OK
    if reply.partition(" ")[0] == NO_WRITES:
        return Observation(Reason.OK, reply)
    return refusal(reply)


def _unread(error: str, user: str) -> Outcome:
    reason = refusal(error).reason
    grant = f"; grant it by `ACL SETUSER {user} +info`" if error.startswith("NOPERM") else ""
    return Outcome(reason, error + grant)
