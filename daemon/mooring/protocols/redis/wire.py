"""What the words of Redis and Valkey mean, and the talk over a session; no I/O.

Replies: Redis serialization protocol specification, "RESP simple errors": the first word of an error is its kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from mooring.model import Observation
from mooring.protocols.exchange import CAP, Answer
from mooring.protocols.redis.resp import END, Command, Refused, Reply, Unsound, take
from mooring.reasons import Reason

KINDS: Mapping[str, Reason] = MappingProxyType(
    {
        "LOADING": Reason.LOADING,
        "MASTERDOWN": Reason.NOT_REPLICATING,
        "BUSY": Reason.OFFLINE,
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

NO_WRITES = "MISCONF"
"""The kind of the error by which a server that cannot save refuses writes, and PING as a warning: it serves readers."""

_AT_THE_DOOR = ("ERR max number of clients", "DENIED")
"""Said in place of an answer to the first command, before the server hangs up."""

_NO_LAST_WORD = (b"-NOAUTH", b"-NOPERM", b"-LOADING", b"-MASTERDOWN", b"-MISCONF")
"""Answers to a PING before any AUTH, behind which the login may learn more."""


def refusal(error: str) -> Observation:
    """What an error reply means; ``error`` without its leading ``-``. An unknown one is ``protocol``."""
    for beginning, reason in SENTENCES.items():
        if error.startswith(beginning):
            return Observation(reason, error)
    return Observation(KINDS.get(error.partition(" ")[0], Reason.PROTOCOL), error)


def knocked(reply: bytes) -> Observation | None:
    """What the first line says, in answer to a PING before any AUTH; None: the login may go on."""
    if reply == b"+PONG" or reply.startswith(_NO_LAST_WORD):
        return None
    if reply.startswith(b"-"):
        return refusal(reply[1:].decode("utf-8", "replace"))
    return _unsound("PING", reply)


class Question(Protocol):
    """Commands that are sent together, and what their replies mean."""

    @property
    def commands(self) -> Sequence[Command]:
        """The first is PING."""

    @property
    def request(self) -> bytes: ...

    @property
    def usual(self) -> Mapping[bytes, Answer]:
        """Answers that are known by all of their bytes."""

    def seen(self, replies: Sequence[Reply]) -> Observation:
        """``replies`` are sound, one for each command."""

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        """What the next question to this server must know."""


class Talk:
    """A question under way, as an ``Exchange``."""

    __slots__ = ("_held", "_question", "_replies", "_seen_to", "_start", "request")

    def __init__(self, question: Question) -> None:
        self.request = question.request
        self._question = question
        self._held = bytearray()
        self._start = self._seen_to = 0
        self._replies: list[Reply] = []

    @property
    def learned(self) -> Hashable:
        """To be asked for when there is an answer; None: nothing."""
        whole = len(self._replies) == len(self._question.commands)
        return self._question.learned(self._replies) if whole else None

    def feed(self, data: bytes) -> Answer | None:
        if not self._held:
            usual = self._question.usual.get(data)
            if usual is not None:
                return usual
        room = CAP - len(self._held)
        self._held += data[:room]
        for command in self._question.commands[len(self._replies) :]:
            try:
                whole = self._take(command)
            except Unsound as unsound:
                return Answer(_unsound(" ".join(command.words[:1]), unsound.args[0]), keep=False)
            if not whole:
                return None if len(self._held) < CAP else _beyond()
            if isinstance(self._replies[0], Refused) and self._replies[0].startswith(_AT_THE_DOOR):
                return Answer(refusal(self._replies[0]), keep=False)
        return Answer(self._question.seen(self._replies), bytes(self._held[self._start :]) + data[room:])

    def _take(self, command: Command) -> bool:
        """Takes one more reply off, if it is whole."""
        end = self._held.find(END, self._seen_to)
        if end < 0:
            self._seen_to = max(self._start, len(self._held) - 1)
            return False
        taken = take(self._held, self._start, end, command)
        if taken is not None:
            self._replies.append(taken[0])
            self._start = self._seen_to = taken[1]
        return taken is not None


def _unsound(command: str, line: bytes) -> Observation:
    return Observation(Reason.PROTOCOL, f"answers {command} with {line!r:.100}")


def _beyond() -> Answer:
    return Answer(Observation(Reason.PROTOCOL, f"sends more than {CAP} bytes"), keep=False)
