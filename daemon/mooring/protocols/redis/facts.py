"""What a Redis or Valkey server tells of its part in a replication; no I/O.

Fields: Redis documentation, "INFO", section Replication, and "CLUSTER INFO". The same words in Redis 6.2 to 8 and in
Valkey.

A primary with ``min-replicas-to-write`` refuses writes (NOREPLICAS) while fewer replicas are near enough. INFO tells
only how many are (``min_slaves_good_slaves``, there only with that setting), so only the case of none is known: how
many it takes would be told by CONFIG GET, which is too much to grant for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address

from mooring.facts import Channel, Facts, place

_FIELD = re.compile(r"^([a-z0-9_]+):([!-~]*)\r?$", re.MULTILINE)
_STREAM = re.compile(r"[0-9a-f]{40}")
_NO_STREAM = "0" * 40
_MOST_DIGITS = 18
_LONGEST_NAME = 253

_NO_REPLICAS = "no replica is as near as min-replicas-to-write asks (min_slaves_good_slaves:0)"


def facts(info: bytes, cluster: bytes = b"", misconf: str = "") -> Facts | None:
    """``info`` is the text of INFO replication, ``cluster`` that of CLUSTER INFO, ``misconf`` the error that PING got.

    None: it tells no role, as Sentinels do.
    """
    told = dict(_FIELD.findall(info.decode("latin-1")))
    role = told.get("role")
    if role not in {"master", "slave"}:
        return None
    replica = role == "slave"
    good = told.get("min_slaves_good_slaves")
    return Facts(
        read_only="role:slave" if replica else "",
        hindered=misconf or (_NO_REPLICAS if good == "0" else ""),
        offline="cluster_state:fail" if b"cluster_state:fail" in cluster else "",
        channels=(_channel(told),) if replica else (),
        offset=_offset(told, replica=replica),
        history=_history(told),
    )


def named(host: str, port: int) -> str:
    """``address:port``; an IPv6 address has many spellings, and here one."""
    if ":" in host:
        with suppress(ValueError):
            host = str(ip_address(host))
    return place(host, port)


def _channel(told: Mapping[str, str]) -> Channel:
    up = told.get("master_link_status") == "up"
    silent = _number(told.get("master_last_io_seconds_ago"))
    down = _number(told.get("master_link_down_since_seconds"))
    return Channel(
        named(told.get("master_host", "?")[:_LONGEST_NAME], _number(told.get("master_port")) or 0),
        receiving=up,
        trying=not up,
        syncing=told.get("master_sync_in_progress") == "1",
        lag=None if silent is None else float(silent),
        problem="" if up or down is None else f"down for {down} s",
    )


def _offset(told: Mapping[str, str], *, replica: bool) -> int | None:
    mine = _number(told.get("slave_repl_offset")) if replica else None
    return _number(told.get("master_repl_offset")) if mine is None else mine


def _history(told: Mapping[str, str]) -> dict[str, int]:
    """The names of the streams that it continues: its own or its primary's, and the one before a failover."""
    names = (told.get("master_replid", ""), told.get("master_replid2", ""))
    return {name: 1 for name in names if _STREAM.fullmatch(name) and name != _NO_STREAM}


def _number(text: str | None) -> int | None:
    """None also for the -1 by which Redis says that there is none."""
    if text is None or not text.isdecimal() or len(text) > _MOST_DIGITS:
        return None
    return int(text)
