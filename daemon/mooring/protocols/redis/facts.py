"""Reads the facts of a role from INFO replication and CLUSTER INFO of Redis or Valkey; no I/O.

Fields: Redis documentation, "INFO", section Replication, and "CLUSTER INFO". Redis 6.2 to 8 and Valkey have the same.

A primary with ``min-replicas-to-write`` refuses writes (NOREPLICAS) while fewer replicas are near enough. INFO shows
only how many are near enough (``min_slaves_good_slaves``, present only with that setting), and not how many the setting
asks for: CONFIG GET shows that, but is too much to grant. So only the case of none is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address

from mooring.model.facts import Channel, Facts, place

_FIELD = re.compile(r"^([a-z0-9_]+):([!-~]*)\r?$", re.MULTILINE)
_STREAM = re.compile(r"[0-9a-f]{40}")
_NO_STREAM = "0" * 40
_MOST_DIGITS = 18
_LONGEST_NAME = 253

_NO_REPLICAS = "no replica is as near as min-replicas-to-write asks (min_slaves_good_slaves:0)"


def facts(info: bytes, cluster: bytes = b"", misconf: str = "") -> Facts | None:
    """``info`` is the text of INFO replication, ``cluster`` that of CLUSTER INFO, ``misconf`` the error of PING.

    None: INFO holds no role, as with a Sentinel.
    """
    fields = dict(_FIELD.findall(info.decode("latin-1")))
    role = fields.get("role")
    if role not in {"master", "slave"}:
        return None
    replica = role == "slave"
    good = fields.get("min_slaves_good_slaves")
    return Facts(
        read_only="role:slave" if replica else "",
        hindered=misconf or (_NO_REPLICAS if good == "0" else ""),
        offline="cluster_state:fail" if b"cluster_state:fail" in cluster else "",
        channels=(_channel(fields),) if replica else (),
        offset=_offset(fields, replica=replica),
        history=_history(fields),
    )


def canonical_place(host: str, port: int) -> str:
    """``address:port``, with an IPv6 address in its one canonical spelling."""
    if ":" in host:
        with suppress(ValueError):
            host = str(ip_address(host))
    return place(host, port)


def _channel(fields: Mapping[str, str]) -> Channel:
    up = fields.get("master_link_status") == "up"
    silent = _number(fields.get("master_last_io_seconds_ago"))
    down = _number(fields.get("master_link_down_since_seconds"))
    return Channel(
        canonical_place(fields.get("master_host", "?")[:_LONGEST_NAME], _number(fields.get("master_port")) or 0),
        receiving=up,
        trying=not up,
        syncing=fields.get("master_sync_in_progress") == "1",
        lag=None if silent is None else float(silent),
        problem="" if up or down is None else f"down for {down} s",
    )


def _offset(fields: Mapping[str, str], *, replica: bool) -> int | None:
    mine = _number(fields.get("slave_repl_offset")) if replica else None
    return _number(fields.get("master_repl_offset")) if mine is None else mine


def _history(fields: Mapping[str, str]) -> dict[str, int]:
    """The ids of the replication streams that the server continues: the present one, and the one before a failover."""
    names = (fields.get("master_replid", ""), fields.get("master_replid2", ""))
    return {name: 1 for name in names if _STREAM.fullmatch(name) and name != _NO_STREAM}


def _number(text: str | None) -> int | None:
    """None also for -1, by which Redis reports that there is no such number."""
    if text is None or not text.isdecimal() or len(text) > _MOST_DIGITS:
        return None
    return int(text)
