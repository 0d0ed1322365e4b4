"""What the words of Redis and Valkey mean, and the talk over a held session; no I/O.

Replies: Redis serialization protocol specification, "RESP simple errors": the first word of an error is its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from mooring.model import Observation
from mooring.protocols.exchange import CAP, Answer
from mooring.reasons import Reason

KINDS: Mapping[str, Reason] = MappingProxyType(
    {
        "LOADING": Reason.LOADING,
        "MASTERDOWN": Reason.NOT_REPLICATING,
        "BUSY": Reason.OFFLINE,
        "MISCONF": Reason.OFFLINE,
        "CLUSTERDOWN": Reason.OFFLINE,
        "NOAUTH": Reason.AUTH,
        "WRONGPASS": Reason.AUTH,
        "NOPERM": Reason.AUTH,
        "DENIED": Reason.AUTH,
    }
)
"""What the first word of an error says of the host."""

SENTENCES: Mapping[str, Reason] = MappingProxyType(
    {
        "ERR max number of clients": Reason.SATURATED,
        "ERR invalid password": Reason.AUTH,  # before Redis 6
        "ERR Client sent AUTH, but no password is set": Reason.AUTH,  # before Redis 6
        "ERR AUTH <password> called without any password configured": Reason.AUTH,
    }
)
"""Errors of the kind ERR that say more by how they begin."""


def refusal(error: str) -> Observation:
    """What an error reply means; ``error`` without its leading ``-``. An unknown one is ``protocol``."""
    for beginning, reason in SENTENCES.items():
        if error.startswith(beginning):
            return Observation(reason, error)
    return Observation(KINDS.get(error.partition(" ")[0], Reason.PROTOCOL), error)


def alive(reply: object) -> Observation:
    """What the reply to PING means."""
    if reply != b"PONG":
        return Observation(Reason.PROTOCOL, f"answers PING with {reply!r:.100}")
    return Observation(Reason.OK)


def exists(reply: object) -> Observation:
    """What the reply to EXISTS of one key means: the answer is "0" or "1"."""
    if type(reply) is not int or reply not in (0, 1):
        return Observation(Reason.PROTOCOL, f"answers EXISTS with {reply!r:.100}")
    return Observation(Reason.OK, answer=str(reply))


def knocked(reply: bytes) -> Observation | None:
    """What the first line says, in answer to a PING before any AUTH; None: the login may go on."""
    if reply == b"+PONG" or reply.startswith((b"-NOAUTH", b"-NOPERM")):
        return None
    return _said("PING", reply, _PONG)


_END = b"\r\n"
_PONG = {b"+PONG": Observation(Reason.OK)}
_EXISTS = {b":%d" % count: exists(count) for count in (0, 1)}
_USUAL = {reply + _END: Answer(seen) for reply, seen in _PONG.items()}
_USUAL_WITH_KEY = {b"+PONG\r\n" + reply + _END: Answer(seen) for reply, seen in _EXISTS.items()}


class Ping:
    """PING, and EXISTS behind it where a key is named; PING decides first."""

    __slots__ = ("_held", "_key", "_lines", "_seen_to", "_start", "request")

    def __init__(self, key: str | None) -> None:
        self.request = _commands(key)
        self._key = key
        self._held = bytearray()
        self._start = self._seen_to = 0
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Answer | None:
        if not self._held:
            usual = (_USUAL if self._key is None else _USUAL_WITH_KEY).get(data)
            if usual is not None:
                return usual
        room = CAP - len(self._held)
        self._held += data[:room]
        while len(self._lines) < (1 if self._key is None else 2):
            if not self._cut():
                return None if len(self._held) < CAP else _beyond()
        return self._answer(bytes(self._held[self._start :]) + data[room:])

    def _cut(self) -> bool:
        """Takes one more line off, if it is whole."""
        end = self._held.find(_END, self._seen_to)
        if end < 0:
            self._seen_to = max(self._start, len(self._held) - 1)
            return False
        self._lines.append(bytes(self._held[self._start : end]))
        self._start = self._seen_to = end + len(_END)
        return True

    def _answer(self, rest: bytes) -> Answer:
        seen = _said("PING", self._lines[0], _PONG)
        sound = self._lines[0].startswith(b"-") or self._lines[0] in _PONG
        for line in self._lines[1:]:
            seen = _said("EXISTS", line, _EXISTS) if seen.reason is Reason.OK else seen
            sound = sound and (line.startswith(b"-") or line in _EXISTS)
        return Answer(seen, rest) if sound else Answer(seen, keep=False)


@lru_cache(maxsize=1024)
def _commands(key: str | None) -> bytes:
    ping = b"*1\r\n$4\r\nPING\r\n"
    if key is None:
        return ping
    name = key.encode("utf-8", "replace")
    return ping + b"*2\r\n$6\r\nEXISTS\r\n$%d\r\n%s\r\n" % (len(name), name)


def _said(question: str, line: bytes, sound: Mapping[bytes, Observation]) -> Observation:
    if line.startswith(b"-"):
        return refusal(line[1:].decode("utf-8", "replace"))
    return sound.get(line) or Observation(Reason.PROTOCOL, f"answers {question} with {line!r:.100}")


def _beyond() -> Answer:
    return Answer(Observation(Reason.PROTOCOL, f"sends more than {CAP} bytes"), keep=False)
