"""Lets the kernel end a held session whose packets nobody acknowledges."""

from __future__ import annotations

import math
import socket

LEAST_SECONDS, MOST_SECONDS = 2.0, 10.0
"""Bounds of how long a session stays without an acknowledgement. Over a link that drops everything the kernel sends
again after 0.2 s, 0.4 s, 0.8 s and so on, for a quarter of an hour: after a partition of a minute such a session would
stay silent for up to another minute. Ended in time, a fresh one takes its place with the next turn. On a bad line a few
lost packets already take 2 s."""

_PROBES = 3


def set_keepalive(sock: socket.socket, period: float) -> None:
    """Makes the kernel end the session (ETIMEDOUT) after two periods without an acknowledgement.

    That does not concern a hung server: its kernel still acknowledges. Keepalives find a host that restarted and lost
    the session; they are sent only while no question is asked for a period.
    """
    seconds = min(max(2 * period, LEAST_SECONDS), MOST_SECONDS)
    idle = math.ceil(period)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, idle // _PROBES))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
