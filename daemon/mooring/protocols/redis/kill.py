"""Ends the sessions of named users on Redis and Valkey.

Redis commands, "CLIENT KILL": the answer is the number of sessions that the server ended. It spares the session that
asks; type ``normal`` spares replicas and subscribers. The ACL needs ``+client|kill``.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.framed import NONE_KNOWN
from mooring.protocols.redis.options import Asking
from mooring.protocols.redis.resp import Command, Refused, Reply, request
from mooring.protocols.redis.wire import ReplyParser, refusal
from mooring.protocols.results import KillResult
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.line import BoundedSocket
from mooring.protocols.transport.talk import ask


def kill(line: BoundedSocket, options: Asking, users: tuple[str, ...], result: KillResult) -> None:
    """Sends one command for each user; the refusal of one stops no other.

    Raises:
        Failure: the connection cannot be used any more.
    """
    for user in users:
        question = KillUser(user)
        answer = ask(line, ReplyParser(question))
        if answer.rest or not answer.keep:
            raise Failure(Reason.PROTOCOL, answer.observation.message or "sends more than the answer")
        result.count += question.count
        if answer.observation.reason is not Reason.OK:
            result.note_error(_with_advice(answer.observation.message, options))


class KillUser:
    """CLIENT KILL of one user; ``count``: the sessions that the server ended."""

    usual = NONE_KNOWN

    def __init__(self, user: str) -> None:
        words = ("CLIENT", "KILL", "USER", user, "TYPE", "normal")
        self.commands: Sequence[Command] = (Command(words, b":", _is_count),)
        self.request = request(self.commands)
        self.count = 0

    def seen(self, replies: Sequence[Reply]) -> Observation:
        (reply,) = replies
        if isinstance(reply, Refused):
            return refusal(reply)
        self.count = int(reply) if isinstance(reply, bytes) else 0
        return Observation(Reason.OK)

    def learned(self, _replies: Sequence[Reply]) -> Hashable:
        return None


def _is_count(reply: Reply) -> bool:
    return isinstance(reply, bytes) and reply.isdigit()


def _with_advice(error: str, options: Asking) -> str:
    if not error.startswith("NOPERM"):
        return error
    return f"{error}; grant it by `ACL SETUSER {options.user or 'default'} +client|kill`"
