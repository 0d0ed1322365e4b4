"""The question for the facts of a role, in the dialect of each server and version; no I/O.

MySQL 8.4 Reference Manual, "SHOW REPLICA STATUS", "The replication_group_members Table"; MariaDB Knowledge Base, "SHOW
REPLICA STATUS", "GRANT", "Galera Cluster Status Variables"; Percona Toolkit Documentation, "pt-heartbeat".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from mooring.protocols.exchange import Answer
from mooring.protocols.mysql.rights import Rights, release_of
from mooring.protocols.mysql.wire import command

HISTORY_LIMIT = 16 * 1024
"""Characters of a list of GTIDs that Mooring reads; it ignores a longer list, as a part of it could mislead."""

_KNOWN = (
    *("version", "read_only", "super_read_only", "offline_mode", "server_id", "server_uuid"),
    *("innodb_read_only", "innodb_force_recovery", "transaction_read_only", "tx_read_only"),
    *("gtid_domain_id", "gtid_mode", "wsrep_on", "wsrep_provider", "group_replication_group_name"),
)
_SWITCHES = (
    *("read_only", "super_read_only", "offline_mode", "innodb_read_only", "innodb_force_recovery"),
    *("transaction_read_only", "tx_read_only"),
)
"""Settings by which a server turns writes or everybody away."""
_HISTORY = {"gtid_mode": ("gtid_executed",), "gtid_domain_id": ("gtid_binlog_state", "gtid_slave_pos")}
"""The variables that hold a server's history, by the variable that shows that it has one."""
_REPLICA_STATUS = (8, 0, 22)


class Part(enum.Enum):
    """What the rows of one result are about."""

    SETTINGS = enum.auto()
    CHANNELS = enum.auto()
    HEARTBEATS = enum.auto()
    GALERA = enum.auto()
    MEMBERS = enum.auto()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a question, and the columns of its result that are read, by their names of ``modern``."""

    part: Part
    text: str
    columns: tuple[str, ...]
    privilege: str = ""
    """The privilege that it needs, as it stands between GRANT and TO."""


Places = tuple[tuple[str, int], ...]
"""The needed columns of a result, each with its index."""


@dataclass(frozen=True, slots=True)
class Described:
    """The packets that describe the columns of a result, in order: almost every answer has the same."""

    columns: int
    packets: bytes
    places: Places


@dataclass(frozen=True)
class Question:
    """Several statements in one request."""

    statements: tuple[Statement, ...]
    described: dict[int, Described] = field(default_factory=dict, compare=False)
    """The descriptions of each result in the last answer of any server that gets this question."""

    @cached_property
    def request(self) -> bytes:
        return command("; ".join(statement.text for statement in self.statements))

    @cached_property
    def wanted(self) -> tuple[tuple[str, ...], ...]:
        return tuple(statement.columns for statement in self.statements)


@dataclass(frozen=True, slots=True)
class Flavour:
    """The dialect of a server: equal ones get the same question."""

    mariadb: bool
    version: tuple[int, ...]
    settings: tuple[str, ...]
    galera: bool
    group: bool
    """Group Replication is set up, whether it runs or not."""


@dataclass(eq=False, slots=True)
class Server:
    """What a login has learned of the server, and the last answer over its session for each heartbeat table.

    Most answers equal the one before, byte for byte.
    """

    flavour: Flavour
    said: dict[str | None, tuple[bytes, Answer]] = field(default_factory=dict)


QUESTION_SECONDS = 60
"""How long a server works on one question at most: longer than Mooring waits for the answer."""

BOUNDED = (
    f"SET autocommit=1 /*!50503 , lock_wait_timeout={QUESTION_SECONDS} */"
    f" /*!50708 , max_execution_time={QUESTION_SECONDS * 1000} */"
    f" /*M!100101 , max_statement_time={QUESTION_SECONDS} */"
)
"""The session's settings. MariaDB bounds every statement from 10.1.1 on. MySQL bounds each SELECT from 5.7.8 on, and
of other statements their wait for a table that somebody locks. Older servers ignore the comments. Without autocommit,
an open transaction would answer from its first snapshot for ever."""

LEARN = f"{BOUNDED}; SHOW GLOBAL VARIABLES WHERE Variable_name IN ({', '.join(map(repr, _KNOWN))})"
"""Mooring sends this at each login. SHOW needs no grant, and a variable that is missing is no error; but it takes a
server a hundred times longer than to read a variable, so that no other question uses it."""


def flavour_of(variables: Mapping[str, str]) -> Flavour:
    """The dialect by the answer to ``LEARN``: administrators and proxies can change the version of the greeting."""
    mariadb = "gtid_domain_id" in variables
    identity = "server_id" if mariadb or "server_uuid" not in variables else "server_uuid"
    settings = [name for name in (*_SWITCHES, identity) if name in variables]
    galera = variables.get("wsrep_on") == "ON" and variables.get("wsrep_provider", "none") not in ("", "none")
    settings += ["wsrep_reject_queries"] * galera
    histories = (names for known, names in _HISTORY.items() if known in variables)
    return Flavour(
        mariadb=mariadb,
        version=release_of(variables.get("version", "")),
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
    *("Last_IO_Errno", "Last_IO_Error", "Last_SQL_Errno", "Last_SQL_Error", "Source_Server_Id"),
)


def _channels(flavour: Flavour) -> Statement:
    privilege = Rights(flavour.mariadb, flavour.version).roles
    if flavour.mariadb:
        return Statement(Part.CHANNELS, "SHOW ALL SLAVES STATUS", _COLUMNS, privilege)
    text = "SHOW REPLICA STATUS" if flavour.version >= _REPLICA_STATUS else "SHOW SLAVE STATUS"
    return Statement(Part.CHANNELS, text, (*_COLUMNS, "Source_UUID", "Channel_Name"), privilege)


def modern(column: str) -> str:
    """The newer name of a column."""
    return column.replace("Master", "Source").replace("Slave", "Replica")


def _heartbeats(table: str) -> Statement:
    """Reads a row for each other server that writes heartbeats; ``ts`` is text with a T between date and time."""
    quoted = ".".join(f"`{part}`" for part in table.split("."))
    behind = "TIMESTAMPDIFF(MICROSECOND, ts, UTC_TIMESTAMP(6))"
    text = f"SELECT server_id, {behind} AS behind FROM {quoted} WHERE server_id <> @@global.server_id LIMIT 256"  # noqa: S608 -- the name of the file, which its pattern restricts
    return Statement(Part.HEARTBEATS, text, ("server_id", "behind"), f"SELECT ON {quoted}")


def _status(*names: str) -> str:
    return f"SHOW GLOBAL STATUS WHERE Variable_name IN ({', '.join(map(repr, names))})"


_GALERA = Statement(
    Part.GALERA,
    _status("wsrep_ready", "wsrep_cluster_status", "wsrep_local_state", "wsrep_local_state_comment"),
    ("Variable_name", "Value"),
)
_MEMBERS = Statement(
    Part.MEMBERS,
    "SELECT MEMBER_ID = @@global.server_uuid AS own, MEMBER_ID, MEMBER_STATE, MEMBER_ROLE, "
    "@@global.group_replication_single_primary_mode AS single, @@global.group_replication_group_name AS name "
    "FROM performance_schema.replication_group_members",
    ("own", "MEMBER_ID", "MEMBER_STATE", "MEMBER_ROLE", "single", "name"),
    "SELECT ON performance_schema.replication_group_members",
)
