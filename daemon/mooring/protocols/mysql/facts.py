"""What the rows of MySQL and MariaDB say of a host's role; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mooring.facts import Channel, Facts, Group
from mooring.protocols.mysql.packets import Broken
from mooring.protocols.mysql.question import HISTORY_LIMIT, Part

Row = Mapping[str, bytes | None]

_OFF = frozenset({"", "0", "OFF", "NONE"})
_SHOWN = 80
"""Characters of a name or a state that are kept."""
_MICROSECONDS = 1e6
_SYNCED, _DONOR = "4", "2"
"""Galera: ``wsrep_local_state``."""

_MARIADB_GTID = re.compile(r"(\d{1,10}-\d{1,10})-(\d{1,20})", re.ASCII)
_MYSQL_UUID = re.compile(r"[0-9a-fA-F-]{36}$")
_MYSQL_RANGE = re.compile(r"(?:\d{1,20}-)?(\d{1,20})$", re.ASCII)


def facts_of(results: Mapping[Part, Sequence[Row]]) -> Facts:
    """Raises Broken: the host says something that nobody can make sense of."""
    if len(results[Part.SETTINGS]) != 1 or not results[Part.SETTINGS][0].get("read_only"):
        raise Broken("does not say whether it is read-only")
    settings = {name: _text(value) for name, value in results[Part.SETTINGS][0].items()}
    return Facts(
        identity=_plain(settings.get("server_uuid") or settings.get("server_id", "")),
        read_only=_first(settings, "super_read_only", "read_only"),
        offline=_first(settings, "offline_mode", "wsrep_reject_queries"),
        channels=tuple(_channels(results[Part.CHANNELS], _heartbeats(results.get(Part.HEARTBEATS)))),
        group=_galera(results.get(Part.GALERA)) or _member(results.get(Part.MEMBERS, ())),
        history=_history(settings),
    )


def _first(settings: Mapping[str, str], *names: str) -> str:
    """The first that is not off, with its value: MariaDB 12 has more words for read-only than one."""
    on = (name for name in names if settings.get(name, "").upper() not in _OFF)
    return next((f"{name}={_plain(settings[name])}" for name in on), "")


def _channels(rows: Sequence[Row], heartbeats: Mapping[str, float | None] | None) -> Iterator[Channel]:
    for row in rows:
        host, identity = _text(row["Source_Host"]), _text(row["Source_Server_Id"])
        if not host or _text(row.get("Channel_Name")).startswith("group_replication_"):
            continue  # nothing is configured, or it is the inside of Group Replication
        receives, applies = _text(row["Replica_IO_Running"]), _text(row["Replica_SQL_Running"])
        yield Channel(
            source=f"{_address(_plain(host))}:{_plain(_text(row['Source_Port']))}",
            source_identity=_plain(_text(row.get("Source_UUID"))) or ("" if identity == "0" else _plain(identity)),
            receiving=receives == "Yes",
            trying=receives not in ("Yes", "No"),
            applying=applies == "Yes",
            lag=_seconds(row["Seconds_Behind_Source"]) if heartbeats is None else heartbeats.get(identity),
            problem=_text(row["Last_IO_Error"]) or _text(row["Last_SQL_Error"]),
        )


def _address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _seconds(value: bytes | None) -> float | None:
    """NULL while replication stands still: that is no lag of 0."""
    return None if value is None else float(_number(value))


def _heartbeats(rows: Sequence[Row] | None) -> Mapping[str, float | None] | None:
    """Seconds since each server's last, by its id; a clock that is ahead of ours is no lag."""
    if rows is None:
        return None
    return {_text(row["server_id"]): _age(row["behind"]) for row in rows}


def _age(value: bytes | None) -> float | None:
    if value is None:
        return None
    return 0.0 if value.startswith(b"-") else _number(value) / _MICROSECONDS


def _galera(rows: Sequence[Row] | None) -> Group | None:
    """Every node in sync takes writes; a donor does too, though it may be slow."""
    if rows is None:
        return None
    said = {_text(row["Variable_name"]): _text(row["Value"]) for row in rows}
    state, status = said.get("wsrep_local_state"), said.get("wsrep_cluster_status", "")
    words = [_plain(said.get("wsrep_local_state_comment", "")) or "of no state"]
    if status != "Primary":
        words.append(_plain(status) or "of no cluster")
    if said.get("wsrep_ready") != "ON":
        words.append("not ready")
    sound = len(words) == 1
    member, donor = sound and state == _SYNCED, sound and state == _DONOR
    return Group("Galera", ", ".join(words), member=member, writer=True, donor=donor, several=True)


def _member(rows: Sequence[Row]) -> Group | None:
    """Itself among the members, where Group Replication has ever run; without a majority nobody can write."""
    own = next((row for row in rows if _text(row["own"]) == "1"), None)
    if own is None:
        return None
    state, role = _plain(_text(own["MEMBER_STATE"])), _plain(_text(own["MEMBER_ROLE"]))
    lost = sum(_text(row["MEMBER_STATE"]) == "UNREACHABLE" for row in rows)
    majority = 2 * lost < len(rows)
    words = [state, *([role] if role else []), *([] if majority else ["without a majority"])]
    return Group(
        "Group Replication",
        ", ".join(words),
        member=state == "ONLINE" and majority,
        writer=role == "PRIMARY",
        several=_text(own["single"]).upper() in _OFF,
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
    """``uuid:1-5:7,uuid:1-3:tag:1-2``: ranges of a server, and of each tag of it behind the tag."""
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
                stream = f"{uuid}:{_plain(piece)}"
    return found


def _number(value: bytes) -> int:
    if not (value.isdigit() and len(value) <= 20):  # noqa: PLR2004 -- digits of the largest integer that either knows
        raise Broken("says something else than a number of seconds")
    return int(value)


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")


def _plain(text: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in text[:_SHOWN])
