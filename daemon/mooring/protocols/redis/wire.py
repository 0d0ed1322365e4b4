"""What the errors of Redis and Valkey mean, and the reader of their replies; no I/O.

Replies: Redis serialization protocol specification, "RESP simple errors": the first word of an error is its kind.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer
from mooring.protocols.framed import Broken, FramedReader
from mooring.protocols.redis.resp import END, Command, Refused, Reply, Unsound, take

KINDS: Mapping[str, Reason] = MappingProxyType(
    {
        "LOADING": Reason.LOADING,
        "MASTERDOWN": Reason.NOT_REPLICATING,
        "BUSY": Reason.OFFLINE,
        "UNKILLABLE": Reason.OFFLINE,
        "CLUSTERDOWN": Reason.OFFLINE,
        "NOAUTH": Reason.AUTH,
        "WRONGPASS": Reason.AUTH,
        "NOPERM": Reason.AUTH,
        "DENIED": Reason.AUTH,
        "MOVED": Reason.LOCAL,  # another node of the cluster holds the key of the file
        "ASK": Reason.LOCAL,
        "CROSSSLOT": Reason.LOCAL,
        **dict.fromkeys(  # the server's own trouble
            ("MISCONF", "OOM", "READONLY", "NOREPLICAS", "TRYAGAIN", "NOTREADY", "IOERR", "EXECABORT", "UNBLOCKED"),
            Reason.PROTOCOL,
        ),
        # Sentinels:
        **dict.fromkeys(("IDONTKNOW", "INPROG", "NOQUORUM", "NOGOODSLAVE", "NOGOODPRIMARY"), Reason.PROTOCOL),
        "NOMASTERLINK": Reason.NOT_REPLICATING,
    }
)
"""What the first word of an error means: a fault of the host, or of Mooring's question."""

SENTENCES: Mapping[str, Reason] = MappingProxyType(
    {
        "ERR max number of clients": Reason.SATURATED,
        "ERR operation not permitted": Reason.AUTH,  # before Redis 2.8
        "ERR invalid password": Reason.AUTH,  # before Redis 6
        "ERR Client sent AUTH, but no password is set": Reason.AUTH,  # before Redis 6
        "ERR wrong number of arguments for 'auth' command": Reason.AUTH,  # a user's name, before Redis 6
        "ERR AUTH <password> called without any password configured": Reason.AUTH,
    }
)
"""Errors of the kind ERR whose first words have a meaning of their own."""

_CAUSE = re.compile(r"ERR [A-Za-z]+(?: [A-Za-z]+)?|[A-Z]{2,32}\b")

NO_WRITES = "MISCONF"
"""The kind of error by which a server that cannot save to disk refuses writes and warns at PING: it serves readers."""

_BEFORE_HANGUP = ("ERR max number of clients", "DENIED")
"""Errors that a server sends in place of the first reply before it hangs up."""

_LOGIN_GOES_ON = (b"-NOAUTH", b"-NOPERM", b"-LOADING", b"-MASTERDOWN", b"-MISCONF")
"""Errors of a PING before any AUTH that do not end the login: AUTH may still work."""


def refusal(error: str) -> Observation:
    """What an error reply means; ``error`` without its leading ``-``.

    One that no table knows is `protocol`, with its first words as the cause: the server runs, and may give the same
    error to Mooring at every host.
    """
    for beginning, reason in SENTENCES.items():
        if error.startswith(beginning):
            return Observation(reason, error)
    if (known := KINDS.get(error.partition(" ")[0])) is not None:
        return Observation(known, error)
    cause = _CAUSE.match(error)
    return Observation(Reason.PROTOCOL, error, cause=f"redis:{cause[0]}" if cause else "")


def first_reply(reply: bytes, *, authenticates: bool) -> Observation | None:
    """What the reply to the knock means: to PING, or to RESET where the login ``authenticates``.

    None: the login goes on. RESET is younger than the servers that know it not, and those refuse it in words of their
    own: AUTH and PING come next, and tell the rest.
    """
    if reply.startswith(b"-"):
        error = reply[1:].decode("utf-8", "replace")
        hangs_up = error.startswith(_BEFORE_HANGUP)
        goes_on = not hangs_up if authenticates else reply.startswith(_LOGIN_GOES_ON)
        return None if goes_on else refusal(error)
    if reply.startswith(b"+") if authenticates else reply == b"+PONG":
        return None
    return Observation(Reason.PROTOCOL, _unsound("RESET" if authenticates else "PING", reply))


class Question(Protocol):
    """Commands that Mooring sends together, and what their replies mean."""

    @property
    def commands(self) -> Sequence[Command]:
        """The first is PING."""

    @property
    def request(self) -> bytes: ...

    @property
    def usual(self) -> Mapping[bytes, Answer]:
        """Whole answers by their bytes; see ``FramedReader.known_answers``."""

    def seen(self, replies: Sequence[Reply]) -> Observation:
        """``replies`` are sound, one for each command."""

    def learned(self, replies: Sequence[Reply]) -> Hashable:
        """What the next question to this server depends on."""


class ReplyParser(FramedReader):
    """A question under way: takes one reply for each of its commands."""

    __slots__ = ("_question", "_replies", "_searched", "known_answers", "request")

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.request = question.request
        self.known_answers = question.usual
        self._question = question
        self._searched = 0
        self._replies: list[Reply] = []

    @property
    def learned(self) -> Hashable:
        """As ``Question.learned``, once there is an answer; None: nothing."""
        whole = len(self._replies) == len(self._question.commands)
        return self._question.learned(self._replies) if whole else None

    def _read(self) -> Answer | None:
        for command in self._question.commands[len(self._replies) :]:
            try:
                whole = self._take(command)
            except Unsound as unsound:
                raise Broken(_unsound(command.words[0], unsound.args[0])) from None
            if not whole:
                return None
            if isinstance(self._replies[0], Refused) and self._replies[0].startswith(_BEFORE_HANGUP):
                return Answer(refusal(self._replies[0]), keep=False)
        return Answer(self._question.seen(self._replies))

    def _take(self, command: Command) -> bool:
        """Takes one more reply from the bytes held, if it is whole."""
        end = self._held.find(END, self._searched)
        if end < 0:
            self._searched = max(self._at, len(self._held) - 1)
            return False
        taken = take(self._held, self._at, end, command)
        if taken is not None:
            self._replies.append(taken[0])
            self._at = self._searched = taken[1]
        return taken is not None


def _unsound(command: str, line: bytes) -> str:
    return f"answers {command} with {line!r:.100}"
