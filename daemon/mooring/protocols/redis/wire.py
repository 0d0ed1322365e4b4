"""What the words of Redis and Valkey mean; no I/O.

Replies: Redis serialization protocol specification, "RESP simple errors": the first word of an error is its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mooring.model import Observation
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
