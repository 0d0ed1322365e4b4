"""The one table of reasons: why an outcome is what it is, and what that does to a verdict."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


class Effect(enum.Enum):
    """What an outcome does to a verdict."""

    SUCCESS = "counts toward ready"
    FAILURE = "counts toward not ready"
    DECIDES = "not ready at the first word"
    UNKNOWN = "changes nothing"


class Reason(enum.StrEnum):
    """Why an outcome is what it is; the words of the contract."""

    OK = "ok"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    PROTOCOL = "protocol"
    TLS = "tls"
    LOADING = "loading"
    OFFLINE = "offline"
    LAGGING = "lagging"
    NOT_REPLICATING = "not-replicating"
    NOT_SYNCED = "not-synced"
    SATURATED = "saturated"
    WRONG_ROLE = "wrong-role"
    READ_ONLY = "read-only"
    SECOND_WRITER = "second-writer"
    AUTH = "auth"
    QUOTA = "quota"
    BLOCKED = "blocked"
    LOCAL = "local"
    DNS = "dns"
    BLIND = "blind"
    COMMON_CAUSE = "common-cause"
    OUTVOTED = "outvoted"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason does to a verdict, and its sentence for people; ``silent``: nothing at all came back."""

    effect: Effect
    sentence: str
    silent: bool = False


MEANINGS: Mapping[Reason, Meaning] = MappingProxyType(
    {
        Reason.OK: Meaning(Effect.SUCCESS, "answers and can serve"),
        Reason.REFUSED: Meaning(Effect.FAILURE, "nothing listens on the port"),
        Reason.RESET: Meaning(Effect.FAILURE, "closed the connection"),
        Reason.TIMEOUT: Meaning(Effect.FAILURE, "no whole answer within the deadline", silent=True),
        Reason.UNREACHABLE: Meaning(Effect.FAILURE, "the network reports no way to the host", silent=True),
        Reason.PROTOCOL: Meaning(Effect.FAILURE, "answers, but not as this protocol should"),
        Reason.TLS: Meaning(Effect.FAILURE, "offers no TLS session that we can trust"),
        Reason.LOADING: Meaning(Effect.FAILURE, "is still starting up or loading its data"),
        Reason.OFFLINE: Meaning(Effect.FAILURE, "says itself that it is out of service"),
        Reason.LAGGING: Meaning(Effect.FAILURE, "its replication lags too far"),
        Reason.NOT_REPLICATING: Meaning(Effect.FAILURE, "its replication has stopped"),
        Reason.NOT_SYNCED: Meaning(Effect.FAILURE, "is not in sync with its cluster"),
        Reason.SATURATED: Meaning(Effect.FAILURE, "has no connection left to give"),
        Reason.WRONG_ROLE: Meaning(Effect.DECIDES, "has another role than the Service asks for"),
        Reason.READ_ONLY: Meaning(Effect.DECIDES, "takes no writes"),
        Reason.SECOND_WRITER: Meaning(Effect.DECIDES, "claims to be primary beside another"),
        Reason.AUTH: Meaning(Effect.UNKNOWN, "refuses our login; its state cannot be known"),
        Reason.QUOTA: Meaning(Effect.UNKNOWN, "refuses our account, which has reached a limit of its own"),
        Reason.BLOCKED: Meaning(Effect.UNKNOWN, "has blocked our address"),
        Reason.LOCAL: Meaning(Effect.UNKNOWN, "the probe could not be made on our side"),
        Reason.DNS: Meaning(Effect.UNKNOWN, "its name has no address"),
        Reason.BLIND: Meaning(Effect.UNKNOWN, "every host fell silent at once: we are cut off ourselves"),
        Reason.COMMON_CAUSE: Meaning(Effect.UNKNOWN, "fails for a cause that all hosts give at once: more likely ours"),
        Reason.OUTVOTED: Meaning(Effect.UNKNOWN, "is silent to us, but most observers see it"),
    }
)
