"""The question to a Redis Sentinel, and what its replies mean; no I/O.

Redis documentation, "High availability with Redis Sentinel", "Sentinel API".
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer
from mooring.protocols.redis.facts import canonical_place
from mooring.protocols.redis.questions import PING, pong
from mooring.protocols.redis.resp import Command, Refused, Reply, request
from mooring.protocols.redis.wire import refusal

_HOST = re.compile(rb"[!-~]{1,253}")
_PORT = re.compile(rb"[1-9][0-9]{0,4}")
_PARTS = 2
_LAST_PORT = 65535


class Primary:
    """PING, and the primary of this name: its answer is ``address:port``, or None where the Sentinel knows none.

    A Sentinel with ``announce-hostnames`` gives a host's name in place of its address.
    """

    __slots__ = ("_name", "commands", "request", "usual")

    def __init__(self, name: str) -> None:
        self._name = name
        self.commands: Sequence[Command] = (PING, Command(("SENTINEL", "get-master-addr-by-name", name), b"*", _sound))
        self.request = request(self.commands)
        self.usual: Mapping[bytes, Answer] = MappingProxyType({})

    def seen(self, replies: Sequence[Reply]) -> Observation:
        ping, primary = pong(replies[0]), replies[1]
        if ping.reason is not Reason.OK:
            return ping
        if isinstance(primary, Refused):
            return refusal(primary)
        if not isinstance(primary, tuple):
            return Observation(Reason.OK, f"knows no primary {self._name}")
        return Observation(Reason.OK, answer=canonical_place(primary[0].decode("ascii"), int(primary[1])))

    def learned(self, _replies: Sequence[Reply]) -> Hashable:
        return None


@lru_cache(maxsize=1024)
def question(name: str) -> Primary:
    return Primary(name)


def _sound(reply: Reply) -> bool:
    if not isinstance(reply, tuple):
        return reply is None
    if len(reply) != _PARTS or not _HOST.fullmatch(reply[0]) or not _PORT.fullmatch(reply[1]):
        return False
    return int(reply[1]) <= _LAST_PORT
