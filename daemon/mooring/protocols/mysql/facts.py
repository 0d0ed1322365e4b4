"""Reads the facts of a host's role from rows of MySQL and MariaDB; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from mooring.model.facts import Channel, Facts, Group, place
from mooring.protocols.framed import Broken
from mooring.protocols.mysql.question import HISTORY_LIMIT, Part

Row = Mapping[str, bytes | None]

_OFF = frozenset({"", "0", "OFF", "NONE"})
_SHOWN = 80
"""Characters of a name or a state that Mooring keeps at most."""
_MICROSECONDS = 1e6
_AHEAD_SECONDS = 2.0
"""How far clocks may differ: a heartbeat further in the future is told."""
_SYNCED, _DONOR = "4", "2"
"""Galera: ``wsrep_local_state``."""

_READ_ONLY = ("innodb_read_only", "innodb_force_recovery", "transaction_read_only", "tx_read_only")
_MARIADB_REFUSES_WRITES = 5
_CODE_DIGITS = 5
_TABLE = re.compile(r"(?:on table |Table ')([0-9A-Za-z$_]{1,64}\.[0-9A-Za-z$_]{1,64})\b", re.ASCII)
_POSITION = re.compile(r"(?:master|source) log ([0-9A-Za-z._-]{1,80}), end_log_pos (\d{1,20})", re.ASCII)
_APPLIER = {
    1007: "database exists",
    1008: "no such database",
    1032: "row not found",
    1050: "table exists",
    1051: "no such table",
    1054: "no such column",
    1062: "duplicate key",
    1146: "no such table",
    1236: "the source's log is gone",
    1396: "statement about an account failed",
    1451: "a foreign key hinders it",
    1452: "a foreign key hinders it",
    1594: "the relay log cannot be read",
}
"""The errors that stop an applier most often, by the server's code."""

_RECEIVER = (
    ({1044, 1045, 1130, 1142, 1227, 1698, 1820, 1862, 3118, 3159, 4151}, "the source refuses its account"),
    ({2061}, "the source asks for a login that it cannot make"),
    ({2026}, "TLS with the source fails"),
    ({2002, 2003, 2005, 2013}, "the source cannot be reached"),
    ({1040, 1129, 1226}, "the source takes no more connections from it"),
    ({1236, 13114}, "the source does not have what it asks for"),
    ({1593, 13117}, "a setting hinders it"),
    ({1595, 13119}, "the relay log cannot be written"),
)
"""The errors that stop a receiver most often, by the server's code."""

_MARIADB_GTID = re.compile(r"(\d{1,10}-\d{1,10})-(\d{1,20})", re.ASCII)
_MYSQL_UUID = re.compile(r"[0-9a-fA-F-]{36}$")
_MYSQL_RANGE = re.compile(r"(?:\d{1,20}-)?(\d{1,20})$", re.ASCII)


def facts_of(results: Mapping[Part, Sequence[Row]]) -> Facts:
    """Raises Broken: the rows make no sense."""
    if len(results[Part.SETTINGS]) != 1 or not results[Part.SETTINGS][0].get("read_only"):
        raise Broken("does not report whether it is read-only")
    settings = {name: _decode(value) for name, value in results[Part.SETTINGS][0].items()}
    return Facts(
        identity=_printable(settings.get("server_uuid") or settings.get("server_id", "")),
        read_only=_first(_drop_harmless_recovery(settings), "super_read_only", "read_only", *_READ_ONLY),
        offline=_first(settings, "offline_mode", "wsrep_reject_queries"),
        channels=tuple(_channels(results[Part.CHANNELS], _heartbeats(results.get(Part.HEARTBEATS)))),
        group=_galera(results.get(Part.GALERA)) or _member(results.get(Part.MEMBERS, ())),
        history=_history(settings),
    )


def _drop_harmless_recovery(settings: Mapping[str, str]) -> Mapping[str, str]:
    """The settings with ``innodb_force_recovery`` 0 where its level allows writes: MariaDB refuses them from 5 on.

    MySQL refuses them from 1 on.
    """
    level = settings.get("innodb_force_recovery", "0")
    mariadb = "gtid_binlog_state" in settings
    passes = mariadb and level.isdigit() and int(level[:2]) < _MARIADB_REFUSES_WRITES
    return {**settings, "innodb_force_recovery": "0"} if passes else settings


def _first(settings: Mapping[str, str], *names: str) -> str:
    """The first of these settings that is not off, as ``name=value``: MariaDB 12 has several values for read-only."""
    on = (name for name in names if settings.get(name, "").upper() not in _OFF)
    return next((f"{name}={_printable(settings[name])}" for name in on), "")


def _channels(rows: Sequence[Row], heartbeats: Mapping[str, float] | None) -> Iterator[Channel]:
    sources = {_decode(row["Source_Server_Id"]) for row in rows}
    for row in rows:
        host, identity = _decode(row["Source_Host"]), _decode(row["Source_Server_Id"])
        if not host or _decode(row.get("Channel_Name")).startswith("group_replication_"):
            continue  # no channel is configured, or it is internal to Group Replication
        receives, applies = _decode(row["Replica_IO_Running"]), _decode(row["Replica_SQL_Running"])
        yield Channel(
            source=place(_printable(host), _printable(_decode(row["Source_Port"]))),
            source_identity=_printable(_decode(row.get("Source_UUID")))
            or ("" if identity == "0" else _printable(identity)),
            receiving=receives == "Yes",
            trying=receives not in ("Yes", "No"),
            applying=applies == "Yes",
            lag=_seconds(row["Seconds_Behind_Source"])
            if heartbeats is None
            else _beaten(identity, sources, heartbeats),
            problem=_receiver_problem(_decode(row["Last_IO_Errno"]), _decode(row["Last_IO_Error"]))
            or _applier_problem(_decode(row["Last_SQL_Errno"]), _decode(row["Last_SQL_Error"])),
        )


def _receiver_problem(code: str, text: str) -> str:
    """A receiver's error as code and meaning: the server's own text names accounts and files, and quotes the source."""
    if not text:
        return ""
    number, named = _error(code)
    return ", ".join([named, *(words for codes, words in _RECEIVER if number in codes)])


def _error(code: str) -> tuple[int, str]:
    """Its number, 0 where there is none, and what people call it."""
    number = int(code) if code.isdigit() and len(code) <= _CODE_DIGITS else 0
    return number, f"error {number}" if number else "an error"


def _applier_problem(code: str, text: str) -> str:
    """An applier's error as code, meaning, table and position: the server's own text may hold whole statements."""
    if not text:
        return ""
    number, named = _error(code)
    words = [named, *([_APPLIER[number]] if number in _APPLIER else [])]
    if table := _TABLE.search(text):
        words.append(f"table {table[1]}")
    if position := _POSITION.search(text):
        words.append(f"at {position[1]}:{position[2]}")
    return ", ".join(words)


def _seconds(value: bytes | None) -> float | None:
    """None for NULL: replication stands still, which is no lag of 0."""
    return None if value is None else float(_number(value))


def _heartbeats(rows: Sequence[Row] | None) -> Mapping[str, float] | None:
    """Seconds since each other server's last heartbeat, by its id; one that holds no time is left out."""
    if rows is None:
        return None
    ages = {_decode(row["server_id"]): _age(row["behind"]) for row in rows}
    return {server: age for server, age in ages.items() if age is not None}


def _age(value: bytes | None) -> float | None:
    """Negative for the future."""
    if value is None:
        return None
    seconds = _number(value.removeprefix(b"-")) / _MICROSECONDS
    return -seconds if value.startswith(b"-") else seconds


def _beaten(source: str, sources: AbstractSet[str], beats: Mapping[str, float]) -> float | None:
    """The lag by the freshest heartbeat that came through the channel: of its source, or of a server further up.

    Of several channels each has the row of its own ``source``, if there is one. A heartbeat in the future is no lag.
    """
    others = sources - {source}
    through = [source] if others and source in beats else beats.keys() - others
    return min((max(0.0, beats[server]) for server in through), default=None)


def beat_ahead(rows: Sequence[Row]) -> str:
    """What is wrong with a heartbeat in the future, which would hide any lag; empty: there is none."""
    ahead = {server: -age for server, age in (_heartbeats(rows) or {}).items() if -age > _AHEAD_SECONDS}
    for server, seconds in ahead.items():
        return (
            f"the heartbeat of server {_printable(server)} is {seconds:.0f} s in the future: `ts` must be UTC "
            "(pt-heartbeat --utc), and the clocks of both servers right"
        )
    return ""


def _galera(rows: Sequence[Row] | None) -> Group | None:
    """The Galera group. Every node in sync takes writes; a donor does too, though it may be slow."""
    if rows is None:
        return None
    status_of = {_decode(row["Variable_name"]): _decode(row["Value"]) for row in rows}
    state, status = status_of.get("wsrep_local_state"), status_of.get("wsrep_cluster_status", "")
    words = [_printable(status_of.get("wsrep_local_state_comment", "")) or "without a state"]
    if status != "Primary":
        words.append(_printable(status) or "without a cluster")
    if status_of.get("wsrep_ready") != "ON":
        words.append("not ready")
    sound = len(words) == 1
    member, donor = sound and state == _SYNCED, sound and state == _DONOR
    return Group("Galera", ", ".join(words), member=member, writer=True, donor=donor, several=True)


def _member(rows: Sequence[Row]) -> Group | None:
    """The server as a member of Group Replication; None: it never ran here. Without a majority no member can write."""
    own = next((row for row in rows if _decode(row["own"]) == "1"), None)
    if own is None:
        return None
    state, role = _printable(_decode(own["MEMBER_STATE"])), _printable(_decode(own["MEMBER_ROLE"]))
    lost = sum(_decode(row["MEMBER_STATE"]) == "UNREACHABLE" for row in rows)
    majority = 2 * lost < len(rows)
    words = [state, *([role] if role else []), *([] if majority else ["without a majority"])]
    return Group(
        "Group Replication",
        ", ".join(words),
        member=state == "ONLINE" and majority,
        writer=role == "PRIMARY",
        several=_decode(own["single"]).upper() in _OFF,
        name=_printable(_decode(own["name"])),
        members=frozenset(_printable(_decode(row["MEMBER_ID"])) for row in rows),
    )


def _history(settings: Mapping[str, str]) -> Mapping[str, int] | None:
    kept = [text for name, text in settings.items() if name.startswith("gtid_")]
    if not kept or any(len(text) > HISTORY_LIMIT for text in kept):
        return None
    if "gtid_executed" in settings:
        return _mysql_history(settings["gtid_executed"])
    found: dict[str, int] = {}
    for stream, number in _MARIADB_GTID.findall(",".join(kept)):
        found[stream] = max(found.get(stream, 0), int(number))
    return found


def _mysql_history(text: str) -> Mapping[str, int]:
    """Parses ``uuid:1-5:7,uuid:1-3:tag:1-2``: the ranges of a server, and behind a tag those of the tag."""
    found: dict[str, int] = {}
    for one in text.split(","):
        uuid, *pieces = one.strip().split(":")
        if not _MYSQL_UUID.match(uuid):
            continue
        stream = uuid
        for piece in map(str.strip, pieces):
            if numbers := _MYSQL_RANGE.match(piece):
                found[stream] = max(found.get(stream, 0), int(numbers[1]))
            else:
                stream = f"{uuid}:{_printable(piece)}"
    return found


def _number(value: bytes) -> int:
    if not (value.isdigit() and len(value) <= 20):  # noqa: PLR2004 -- digits of the largest integer that either knows
        raise Broken("sends a number of seconds that is malformed")
    return int(value)


def _decode(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")


def _printable(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text[:_SHOWN])
