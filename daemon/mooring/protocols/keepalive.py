"""How long the kernel goes on for a held session that nobody answers."""

from __future__ import annotations

import math
import socket

LEAST_SECONDS, MOST_SECONDS = 2.0, 10.0
"""Between these a session may stay without an acknowledgement. Over a link that drops everything the kernel sends
again after 0.2 s, 0.4 s, 0.8 s and so on, for a quarter of an hour: a session that outlived a partition of a minute
would be silent for up to another minute after it. Ended in time, a fresh one takes its place with the next turn. Less
than 2 s are a few lost packets on a bad line."""

_PROBES = 3


def sized(sock: socket.socket, period: float) -> None:
    """Ends the session by itself (ETIMEDOUT) once two periods' worth of packets have gone unacknowledged.

    A hung server is not meant: its kernel still acknowledges. Keepalive finds a host that came back without the session
    while nobody asks, and sends nothing as long as somebody asks once a period.
    """
    seconds = min(max(2 * period, LEAST_SECONDS), MOST_SECONDS)
    idle = math.ceil(period)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, idle // _PROBES))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
