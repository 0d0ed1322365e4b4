"""How long the kernel goes on for a held session."""

from __future__ import annotations

import socket
from itertools import pairwise

import pytest

from mooring.protocols.transport.keepalive import MOST_SECONDS, set_keepalive


def _options(period: float) -> tuple[int, ...]:
    with socket.socket() as sock:
        set_keepalive(sock, period)
        names = (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        return tuple(sock.getsockopt(socket.IPPROTO_TCP, name) for name in names)


@pytest.mark.parametrize(
    ("period", "options"),
    [
        (0.1, (2000, 1, 1, 3)),
        (0.5, (2000, 1, 1, 3)),
        (2.0, (4000, 2, 1, 3)),
        (4.5, (9000, 5, 1, 3)),
        (60.0, (10000, 60, 20, 3)),
        (3600.0, (10000, 3600, 1200, 3)),
    ],
)
def test_the_kernel_s_patience_follows_the_period(period: float, options: tuple[int, ...]) -> None:
    """Milliseconds without acknowledgement, then seconds to the first keepalive and between them, and their number."""
    assert _options(period) == options


def test_patience_never_shrinks_with_the_period() -> None:
    """A slower check is no reason to give up sooner, and none to stay silent for minutes after a partition."""
    patience = [_options(period)[0] for period in (0.1, 1, 2, 3, 5, 10, 3600)]
    assert all(less <= more for less, more in pairwise(patience))
    assert patience[-1] == MOST_SECONDS * 1000
