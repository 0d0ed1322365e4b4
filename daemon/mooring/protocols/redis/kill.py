"""Ends the sessions of named users on Redis and Valkey.

Redis commands, "CLIENT KILL": the answer is how many were ended, never our own; of type ``normal`` are neither replicas
nor subscribers. The right to it is ``+client|kill``.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from mooring.protocols.failure import Failure
from mooring.protocols.line import Line
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.toll import Toll
from mooring.reasons import Reason

_END = b"\r\n"
_READ_SIZE = 4096


def kill(line: Line, options: Hashable, users: tuple[str, ...], toll: Toll) -> None:
    """One command a user; what one is refused hinders no other.

    Raises:
        Failure: the connection is of no use any more.
    """
    for user in users:
        line.sendall(command(user))
        reply = _reply(line)
        if reply[:1] == b":" and reply[1:].isdigit():
            toll.count += int(reply[1:])
        elif reply[:1] == b"-":
            toll.hinder(_told(reply[1:].decode("utf-8", "replace"), cast("RedisOptions", options)))
        else:
            raise Failure(Reason.PROTOCOL, f"answers CLIENT KILL with {reply!r:.100}")


def command(user: str) -> bytes:
    words = [b"CLIENT", b"KILL", b"USER", user.encode(), b"TYPE", b"normal"]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _told(refusal: str, options: RedisOptions) -> str:
    if not refusal.startswith("NOPERM"):
        return refusal
    return f"{refusal}; grant it by `ACL SETUSER {options.user or 'default'} +client|kill`"


def _reply(line: Line) -> bytes:
    """One line. Nothing else was asked, so nothing may follow."""
    said = b""
    while _END not in said:
        said += line.recv(_READ_SIZE)
    reply, _, rest = said.partition(_END)
    if rest:
        raise Failure(Reason.PROTOCOL, "says more than it was asked")
    return reply
