"""The crowd of hosts: each kind does what it is named for."""

from __future__ import annotations

import socket
import time

import pytest

from support.many_hosts import ADDRESS, Crowd


def test_each_kind_behaves() -> None:
    """One answers PING, one accepts and stays silent, one lets nobody in; who was asked when is known at the end.

    The first three words of a connection are a login.
    """
    before = time.monotonic()
    with Crowd(answering=1, silent=1, deaf=1) as crowd:
        (answering,), (silent,), (deaf,) = crowd.ports["answering"], crowd.ports["silent"], crowd.ports["deaf"]
        with socket.create_connection((ADDRESS, answering), timeout=60) as peer:
            for word in (b"PING", b"PING", b"HELLO", b"PING"):
                peer.sendall(b"%s\r\n" % word)
                assert peer.recv(64) == (b"+PONG\r\n" if word == b"PING" else b"-ERR unknown command\r\n")
        with socket.create_connection((ADDRESS, silent), timeout=0.2) as peer:
            peer.sendall(b"*1\r\n$4\r\nPING\r\n")
            with pytest.raises(TimeoutError):
                peer.recv(64)
        with pytest.raises(TimeoutError):
            socket.create_connection((ADDRESS, deaf), timeout=0.2)
        asked = crowd.asked()
    assert {port: len(moments) for port, moments in asked.items()} == {answering: 1, silent: 0}
    assert before < asked[answering][0] < time.monotonic()
