"""Which words to ask a server in for the facts of its role: MySQL and MariaDB differ, and their versions do; no I/O.

MySQL 8.4 Reference Manual, "SHOW REPLICA STATUS", "The replication_group_members Table"; MariaDB Knowledge Base, "SHOW
REPLICA STATUS", "GRANT", "Galera Cluster Status Variables"; Percona Toolkit Documentation, "pt-heartbeat".
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from mooring.protocols.exchange import Answer
from mooring.protocols.mysql.wire import command

HISTORY_LIMIT = 16 * 1024
"""Characters of a list of GTIDs that are taken in; a longer one is no history at all, as a part could mislead."""

_KNOWN = (
    *("version", "read_only", "super_read_only", "offline_mode", "server_id", "server_uuid"),
    *("gtid_domain_id", "gtid_mode", "wsrep_on", "wsrep_provider", "group_replication_group_name"),
)
_HISTORY = {"gtid_mode": ("gtid_executed",), "gtid_domain_id": ("gtid_binlog_state", "gtid_slave_pos")}
"""Where a server keeps its history, by the variable that tells that it has one."""
_REPLICA_STATUS = (8, 0, 22)
_REPLICA_MONITOR = (10, 5, 9)


class Part(enum.Enum):
    """What the rows of one result are about."""

    SETTINGS = enum.auto()
    CHANNELS = enum.auto()
    HEARTBEATS = enum.auto()
    GALERA = enum.auto()
    MEMBERS = enum.auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """One of the statements of a question, and which columns of its result are read, in the words of ``modern``."""

    part: Part
    text: str
    columns: tuple[str, ...]
    privilege: str = ""
    """What a missing grant must be, as it stands between GRANT and TO."""


Places = tuple[tuple[str, int], ...]
"""The wanted columns of a result, and where each stands."""


@dataclass(frozen=True, slots=True)
class Described:
    """The packets that describe the columns of a result, whole and in order: the same with almost every answer."""

    columns: int
    packets: bytes
    places: Places


@dataclass(frozen=True)
class Question:
    """Several statements in one request."""

    statements: tuple[Statement, ...]
    described: dict[int, Described] = field(default_factory=dict, compare=False)
    """How each result was described last, to any of the servers that are asked this."""

    @cached_property
    def request(self) -> bytes:
        return command("; ".join(statement.text for statement in self.statements))

    @cached_property
    def wanted(self) -> tuple[tuple[str, ...], ...]:
        return tuple(statement.columns for statement in self.statements)


@dataclass(frozen=True, slots=True)
class Flavour:
    """What determines the question: equal servers are asked in the same words."""

    mariadb: bool
    version: tuple[int, ...]
    settings: tuple[str, ...]
    galera: bool
    group: bool
    """Group Replication is set up, whether it runs or not."""


@dataclass(eq=False, slots=True)
class Server:
    """What a login has learned of the server, and what was said last over its session, by the heartbeat's table: most
    answers are the same as the one before, byte for byte.
    """

    flavour: Flavour
    said: dict[str | None, tuple[bytes, Answer]] = field(default_factory=dict)


LEARN = f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({', '.join(map(repr, _KNOWN))})"
"""Asked at each login. It needs no grant, and knows no variable that could be missing; but it takes a server a hundred
times longer than to read a variable, so that it is not for every question."""


def flavour_of(variables: Mapping[str, str]) -> Flavour:
    """By the answer to ``LEARN``, and not by the greeting's version, which administrators and proxies make up."""
    mariadb = "gtid_domain_id" in variables
    identity = "server_id" if mariadb or "server_uuid" not in variables else "server_uuid"
    settings = [name for name in ("read_only", "super_read_only", "offline_mode", identity) if name in variables]
    galera = variables.get("wsrep_on") == "ON" and variables.get("wsrep_provider", "none") not in ("", "none")
    settings += ["wsrep_reject_queries"] * galera
    histories = (names for known, names in _HISTORY.items() if known in variables)
    numbers = re.match(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", variables.get("version", ""))
    return Flavour(
        mariadb=mariadb,
        version=tuple(int(number or 0) for number in numbers.groups()) if numbers else (),
        settings=(*settings, *next(histories, ())),
        galera=galera,
        group=bool(variables.get("group_replication_group_name")),
    )


@lru_cache(maxsize=256)
def question_for(flavour: Flavour, heartbeat: str | None) -> Question:
    """``heartbeat``: the table, as ``database.table``."""
    asked = [_settings(flavour), _channels(flavour)]
    if heartbeat is not None:
        asked.append(_heartbeats(heartbeat))
    if flavour.galera:
        asked.append(_GALERA)
    if flavour.group:
        asked.append(_MEMBERS)
    return Question(tuple(asked))


def _settings(flavour: Flavour) -> Statement:
    histories = {name for names in _HISTORY.values() for name in names}
    chosen = [
        f"LEFT(@@global.{name}, {HISTORY_LIMIT + 1}) AS {name}" if name in histories else f"@@global.{name} AS {name}"
        for name in flavour.settings
    ]
    text = f"SELECT {', '.join([*chosen, 'CURRENT_USER() AS account'])}"
    return Statement(Part.SETTINGS, text, (*flavour.settings, "account"))


_COLUMNS = (
    *("Source_Host", "Source_Port", "Replica_IO_Running", "Replica_SQL_Running", "Seconds_Behind_Source"),
    *("Last_IO_Error", "Last_SQL_Error", "Source_Server_Id"),
)


def _channels(flavour: Flavour) -> Statement:
    monitor = flavour.mariadb and flavour.version >= _REPLICA_MONITOR
    privilege = f"{'REPLICA MONITOR' if monitor else 'REPLICATION CLIENT'} ON *.*"
    if flavour.mariadb:
        return Statement(Part.CHANNELS, "SHOW ALL SLAVES STATUS", _COLUMNS, privilege)
    text = "SHOW REPLICA STATUS" if flavour.version >= _REPLICA_STATUS else "SHOW SLAVE STATUS"
    return Statement(Part.CHANNELS, text, (*_COLUMNS, "Source_UUID", "Channel_Name"), privilege)


def modern(column: str) -> str:
    """The newer of two words for the same column."""
    return column.replace("Master", "Source").replace("Slave", "Replica")


def _heartbeats(table: str) -> Statement:
    """A row for each server that writes them, its time as text with a T between date and time."""
    quoted = ".".join(f"`{part}`" for part in table.split("."))
    behind = "TIMESTAMPDIFF(MICROSECOND, ts, UTC_TIMESTAMP(6))"
    text = f"SELECT server_id, {behind} AS behind FROM {quoted} LIMIT 256"  # noqa: S608 -- the file's own words, a name by its pattern
    return Statement(Part.HEARTBEATS, text, ("server_id", "behind"), f"SELECT ON {quoted}")


def _of(*names: str) -> str:
    return f"SHOW GLOBAL STATUS WHERE Variable_name IN ({', '.join(map(repr, names))})"


_GALERA = Statement(
    Part.GALERA,
    _of("wsrep_ready", "wsrep_cluster_status", "wsrep_local_state", "wsrep_local_state_comment"),
    ("Variable_name", "Value"),
)
_MEMBERS = Statement(
    Part.MEMBERS,
    "SELECT MEMBER_ID = @@global.server_uuid AS own, MEMBER_STATE, MEMBER_ROLE, "
    "@@global.group_replication_single_primary_mode AS single FROM performance_schema.replication_group_members",
    ("own", "MEMBER_STATE", "MEMBER_ROLE", "single"),
    "SELECT ON performance_schema.replication_group_members",
)
