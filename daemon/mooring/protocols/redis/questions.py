"""The questions to a Redis or Valkey server, and what its replies mean; no I/O."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.verdicts import Outcome
from mooring.protocols.exchange import Answer
from mooring.protocols.redis.facts import facts
from mooring.protocols.redis.resp import Command, Refused, Reply, request
from mooring.protocols.redis.wire import NO_WRITES, refusal

PING = Command(("PING",), b"+", lambda reply: reply == b"PONG")
_INFO = Command(("INFO", "replication"), b"$", lambda reply: reply is not None)
_CLUSTER = Command(("CLUSTER", "INFO"), b"$", lambda reply: reply is not None)
_HELLO = Command(("HELLO", "2"), b"*", lambda reply: b"mode" in (reply or ()), nested=True)
_PRESENCE = (b"0", b"1")

CLUSTER = "cluster"
"""What a login that asks for no role learns of a node of a Redis Cluster."""
PERHAPS = "perhaps a cluster"
"""The same where the user may not even say HELLO, as before Redis 6.2."""
NO_CLUSTER = "no cluster"
"""What a login learns of a server that is no node of a Redis Cluster, or that refuses CLUSTER INFO or INFO cluster."""

_WILL_NOT_SAY = ("ERR", "NOPERM")
_FAILED = "cluster_state:fail"
_OK = Observation(Reason.OK)
_NOTHING: Mapping[bytes, Answer] = MappingProxyType({})
_USUAL = MappingProxyType({b"+PONG\r\n": Answer(_OK)})
_USUAL_WITH_KEY = MappingProxyType(
    {b"+PONG\r\n:%s\r\n" % count: Answer(Observation(Reason.OK, answer=count.decode())) for count in _PRESENCE}
)


class Ping:
    """PING, and then EXISTS where the file names a key; an error of PING is the outcome.

    To a node of a cluster also CLUSTER INFO: while the cluster has failed, its nodes refuse every key.
    """

    __slots__ = ("_keyed", "_server", "_user", "commands", "request", "usual")

    def __init__(self, key: str | None, user: str | None = None, server: Hashable = None) -> None:
        cluster = server in (CLUSTER, PERHAPS)
        exists = () if key is None else (Command(("EXISTS", key), b":", lambda reply: reply in _PRESENCE),)
        self.commands: Sequence[Command] = (PING, *exists, *((_CLUSTER,) if cluster else ()))
        self.request = request(self.commands)
        self.usual = _NOTHING if cluster else _USUAL if key is None else _USUAL_WITH_KEY
        self._keyed = key is not None
        self._user = user
        self._server = server

    def seen(self, replies: Sequence[Reply]) -> Observation:
        said = pong(replies[0])
        if said.reason is not Reason.OK:
            return said
        state = replies[-1] if self.commands[-1] is _CLUSTER else None
        if isinstance(state, bytes) and _FAILED.encode() in state:
            return Observation(Reason.OFFLINE, _FAILED)
        unseen = _unseen(state, self._user) if self._server == CLUSTER else ""
        return replace(self._keyed_seen(said, replies), caution=unseen)

    def _keyed_seen(self, said: Observation, replies: Sequence[Reply]) -> Observation:
        if not self._keyed:
            return said
        count = replies[1]
        if isinstance(count, Refused):
            return _barred(count)
        return Observation(Reason.OK, said.message, answer="1" if count == b"1" else "0")

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        return NO_CLUSTER if self.commands[-1] is _CLUSTER and _will_not_say(replies[-1]) else None


class Mode:
    """Whether the server is a node of a Redis Cluster, by HELLO: since Redis 6.2 every user may say it, and no server
    counts it as an error.
    """

    __slots__ = ()
    commands: Sequence[Command] = (_HELLO,)
    request = request(commands)
    usual = _NOTHING

    def seen(self, _replies: Sequence[Reply]) -> Observation:
        return _OK

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        words = replies[0]
        if isinstance(words, Refused):
            return PERHAPS if words.startswith("NOPERM") else None
        return CLUSTER if isinstance(words, tuple) and (b"mode", b"cluster") in pairwise(words) else None


MODE = Mode()


class Learn:
    """Whether the server is a node of a Redis Cluster: any other counts CLUSTER INFO as an error (``errorstats``)."""

    __slots__ = ()
    commands: Sequence[Command] = (PING, Command(("INFO", "cluster"), b"$", lambda reply: reply is not None))
    request = request(commands)
    usual = _NOTHING

    def seen(self, _replies: Sequence[Reply]) -> Observation:
        return _OK

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        info = replies[-1]
        alone = _will_not_say(info) if isinstance(info, Refused) else b"cluster_enabled:0" in _bytes(info)
        return NO_CLUSTER if alone else None


def _barred(error: str) -> Observation:
    """What the refusal of a command behind PING means: one that an administrator renamed or took away says nothing of
    the host.
    """
    gone = error.lower().startswith("err unknown")
    return Observation(Reason.AUTH, error) if gone else refusal(error)


def _will_not_say(reply: Reply) -> bool:
    return isinstance(reply, Refused) and reply.startswith(_WILL_NOT_SAY)


def _unseen(state: Reply, user: str | None) -> str:
    """The caution where the user may not ask whether the cluster has failed; empty: it may."""
    if not isinstance(state, Refused) or not state.startswith("NOPERM"):
        return ""
    return f"cannot see whether its cluster has failed; grant it by `ACL SETUSER {user or 'default'} +cluster|info`"


def _bytes(reply: Reply) -> bytes:
    return reply if isinstance(reply, bytes) else b""


LEARN = Learn()


class Roles:
    """As ``Ping``, and then INFO replication and CLUSTER INFO.

    A server that answers PING with LOADING, MASTERDOWN or MISCONF answers INFO, and but for LOADING also CLUSTER INFO.
    Where a login has learned that the server is no node of a cluster, or has seen CLUSTER INFO refused, its session
    leaves the command out.
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
            return replace(said, unread=_unread(str(info), self._user))
        cluster = more[0] if more and isinstance(more[0], bytes) else b""
        misconf = said.message if said.reason is Reason.OK else ""
        unseen = _unseen(more[0], self._user) if more else ""
        return replace(said, facts=facts(info, cluster, misconf), caution=unseen)

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        return NO_CLUSTER if self.commands[-1] is _CLUSTER and _will_not_say(replies[-1]) else None


@lru_cache(maxsize=1024)
def question(key: str | None, user: str | None, *, roles: bool, server: Hashable) -> Ping | Roles:
    if roles:
        return Roles(key, user, cluster=server != NO_CLUSTER)
    return Ping(key, user, server)


def pong(reply: Reply) -> Observation:
    """What a sound reply to PING means."""
    if not isinstance(reply, Refused):
        return _OK
    if reply.partition(" ")[0] == NO_WRITES:
        return Observation(Reason.OK, reply)
    return refusal(reply)


def _unread(error: str, user: str) -> Outcome:
    reason = _barred(error).reason
    grant = f"; grant it by `ACL SETUSER {user} +info`" if error.startswith("NOPERM") else ""
    return Outcome(reason, error + grant)
