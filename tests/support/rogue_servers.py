"""Scripted servers that misbehave: fakes, because no real server can be made to do these things on demand.

    with rogue(SCRIPTS["mysql-load-local"]) as server:
        ...  # probe 127.0.0.1:server.port; server.received is what the prober sent

``SCRIPTS`` says what each must look like to a probe that logs in with a user and a password (and a tls block, where
the script says so), and gives the host a second or less.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from types import MappingProxyType

from mooring.model.reasons import Reason
from support import packets
from support.scripted_server import Peer, Play, Rogue, Script, rogue

__all__ = ["SCRIPTS", "Peer", "Play", "Rogue", "Script", "mysql", "redis", "rogue", "says_first"]

_ANY_READING = {"mysql": Reason.TIMEOUT, "redis": Reason.TIMEOUT, "tcp": Reason.OK}


def mysql(*, login: bytes = packets.ok(2), answer: bytes = packets.result("1")) -> Play:
    """Greets, answers the login and the question with these bytes; what is left out is what a sound server says."""

    def play(peer: Peer) -> None:
        peer.send(packets.greeting())
        peer.receive_packet()
        peer.send(login)
        if b"SET " in peer.receive_packet():
            peer.send(packets.ok(1))
            peer.receive_packet()
        peer.send(answer)
        peer.hold()

    return play


_NO_HELLO = b"-ERR unknown command 'HELLO'\r\n"


def redis(answer: bytes) -> Play:
    """Says yes to AUTH, does not know HELLO, and says these bytes to everything else."""

    def play(peer: Peer) -> None:
        while True:
            asked = peer.receive()
            peer.send(_NO_HELLO if b"HELLO" in asked else b"+OK\r\n" if b"AUTH" in asked else answer)

    return play


def says_first(data: bytes) -> Play:
    """Speaks before it is asked, then listens."""

    def play(peer: Peer) -> None:
        peer.send(data)
        peer.hold()

    return play


def _drips_greeting(peer: Peer) -> None:
    peer.drip(packets.greeting())


def _drips_answer(peer: Peer) -> None:
    peer.send(packets.greeting())
    peer.receive_packet()
    peer.send(packets.ok(2))
    peer.receive_packet()
    peer.drip(packets.result("1"))


def _drips_pong(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"+OK\r\n")


def _endless_rows(peer: Peer) -> None:
    rows = b"".join(packets.packet(b"\x011", number) for number in range(256))
    peer.send(packets.greeting())
    peer.receive_packet()
    peer.send(packets.ok(2))
    peer.receive_packet()
    peer.send(packets.result()[: -len(packets.packet(b"\xfe\x00\x00\x02\x00", 0))])
    peer.flood(rows[4 * 6 :] + rows[: 4 * 6])


def _endless_columns(peer: Peer) -> None:
    peer.send(packets.greeting())
    peer.receive_packet()
    peer.send(packets.ok(2))
    peer.receive_packet()
    peer.send(packets.packet(b"\xfe" + b"\xff" * 8, 1))
    column = packets.result()[5:][: 4 + 0x17]
    for number in range(2, 1 << 20):
        peer.send(column[:3] + bytes([number % 256]) + column[4:])


def _chain(peer: Peer) -> None:
    for number in range(256):
        peer.send(b"\xff\xff\xff" + bytes([number]))
        for _ in range(255):
            peer.send(bytes(65793))


def _endless_greeting(peer: Peer) -> None:
    peer.flood(b"\xff\xff\x7f\x00" + b"x" * 4096)


def _endless_items(peer: Peer) -> None:
    peer.receive()
    peer.send(b"*2147483647\r\n")
    peer.flood(b"$3\r\nabc\r\n" * 1000)


def _huge_bulk(peer: Peer) -> None:
    peer.receive()
    peer.send(b"$1073741824\r\n")
    peer.flood(bytes(65536))


def _reset(peer: Peer) -> None:
    peer.reset()


def _reset_after_greeting(peer: Peer) -> None:
    peer.send(packets.greeting())
    peer.receive_packet()
    peer.reset()


def _hangs_up(peer: Peer) -> None:
    peer.socket.shutdown(socket.SHUT_WR)  # FIN, without the RST that unread bytes would cause
    peer.hold()


def _hangs_up_after_login(peer: Peer) -> None:
    peer.send(packets.greeting())
    peer.receive_packet()
    _hangs_up(peer)


def _tls_stripped(peer: Peer) -> None:
    peer.send(packets.greeting(tls=False))
    peer.receive_packet()
    peer.send(packets.ok(2))
    peer.receive_packet()
    peer.send(packets.result("1"))
    peer.hold()


def _tls_garbage(peer: Peer) -> None:
    peer.send(packets.greeting(tls=True))
    peer.receive_packet()
    peer.receive()
    peer.send(b"no ServerHello at all" * 10)
    peer.hold()


def _tls_drip(peer: Peer) -> None:
    peer.send(packets.greeting(tls=True))
    peer.receive_packet()
    peer.receive()
    peer.drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")


def _tls_drip_at_once(peer: Peer) -> None:
    peer.receive()
    peer.drip(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")


def _tls_silent(peer: Peer) -> None:
    peer.send(packets.greeting(tls=True))
    peer.hold()


def _http(peer: Peer) -> None:
    peer.receive()
    peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    peer.hold()


def _echo(peer: Peer) -> None:
    while True:
        peer.send(peer.receive())


def _asks_in_clear(method: str, prompt: bytes = b"") -> Play:
    def play(peer: Peer) -> None:
        peer.send(packets.greeting())
        peer.receive_packet()
        peer.send(packets.switch(method, 2, prompt))
        peer.receive_packet()
        peer.send(packets.ok(4))
        peer.hold()

    return play


def _noise() -> bytes:
    # Begins as no packet of MySQL and no reply of Redis does.
    return b"\x05\x00\x00\x99" + random.Random(7).randbytes(2048).replace(b"\n", b"") + b"\r\n"


SCRIPTS: Mapping[str, Script] = MappingProxyType(
    {
        "never-accepts": Script(None, dict.fromkeys(("mysql", "redis", "tcp"), Reason.TIMEOUT)),
        "silent": Script(Peer.hold, _ANY_READING),
        "drips-greeting": Script(_drips_greeting, _ANY_READING),
        "drips-answer": Script(_drips_answer, {"mysql": Reason.TIMEOUT, "tcp": Reason.OK}),
        "drips-pong": Script(_drips_pong, {"mysql": Reason.TIMEOUT, "redis": Reason.TIMEOUT, "tcp": Reason.OK}),
        "hangs-up": Script(_hangs_up, {"mysql": Reason.RESET, "redis": Reason.RESET, "tcp": Reason.OK}),
        "resets": Script(_reset, {"mysql": Reason.RESET, "redis": Reason.RESET}),
        "echo": Script(_echo, {"mysql": Reason.TIMEOUT, "redis": Reason.PROTOCOL, "tcp": Reason.OK}),
        "http": Script(_http, {"mysql": Reason.TIMEOUT, "redis": Reason.PROTOCOL, "tcp": Reason.OK}),
        "noise": Script(says_first(_noise()), {"mysql": Reason.PROTOCOL, "redis": Reason.PROTOCOL, "tcp": Reason.OK}),
        "mysql-reset-after-greeting": Script(_reset_after_greeting, {"mysql": Reason.RESET, "tcp": Reason.OK}),
        "mysql-hangs-up-after-login": Script(_hangs_up_after_login, {"mysql": Reason.RESET}),
        "mysql-endless-greeting": Script(_endless_greeting, {"mysql": Reason.PROTOCOL}),
        "mysql-endless-rows": Script(_endless_rows, {"mysql": Reason.PROTOCOL}),
        "mysql-endless-columns": Script(_endless_columns, {"mysql": Reason.PROTOCOL}),
        "mysql-16m-chain": Script(_chain, {"mysql": Reason.PROTOCOL}),
        "mysql-clear-password": Script(_asks_in_clear("mysql_clear_password"), {"mysql": Reason.AUTH}),
        "mysql-dialog": Script(_asks_in_clear("dialog", b"\x04Password: "), {"mysql": Reason.AUTH}),
        "mysql-unknown-method": Script(_asks_in_clear("auth_of_tomorrow", b"x" * 20), {"mysql": Reason.AUTH}),
        "mysql-old-password": Script(_asks_in_clear("mysql_old_password", packets.SALT), {"mysql": Reason.AUTH}),
        "mysql-load-local": Script(mysql(answer=packets.load_local("/etc/passwd", 1)), {"mysql": Reason.PROTOCOL}),
        "mysql-ok-answer": Script(mysql(answer=packets.ok(1)), {"mysql": Reason.PROTOCOL}),
        "mysql-wrong-answer": Script(mysql(answer=packets.result("2")), {"mysql": Reason.PROTOCOL}),
        "mysql-no-row": Script(mysql(answer=packets.result()), {"mysql": Reason.PROTOCOL}),
        "mysql-saturated": Script(
            says_first(packets.error(1040, "Too many connections", 0)), {"mysql": Reason.SATURATED}
        ),
        "mysql-blocked": Script(says_first(packets.error(1129, "Host is blocked", 0)), {"mysql": Reason.BLOCKED}),
        "mysql-access-denied": Script(
            mysql(login=packets.error(1045, "Access denied for user", 2, "28000")), {"mysql": Reason.AUTH}
        ),
        "mysql-shutting-down": Script(
            mysql(login=packets.error(1053, "Server shutdown in progress", 2)), {"mysql": Reason.OFFLINE}
        ),
        "mysql-tls-stripped": Script(_tls_stripped, {"mysql": Reason.TLS}, tls=True),
        "mysql-tls-garbage": Script(_tls_garbage, {"mysql": Reason.TLS}, tls=True),
        "mysql-tls-drip": Script(_tls_drip, {"mysql": Reason.TIMEOUT}, tls=True),
        "mysql-tls-silent": Script(_tls_silent, {"mysql": Reason.TIMEOUT}, tls=True),
        "redis-nested": Script(redis(b"*1\r\n" * 10_000 + b":1\r\n"), {"redis": Reason.PROTOCOL}),
        "redis-endless-items": Script(_endless_items, {"redis": Reason.PROTOCOL}),
        "redis-huge-bulk": Script(_huge_bulk, {"redis": Reason.PROTOCOL}),
        "redis-huge-bulk-silent": Script(redis(b"$1073741824\r\n"), {"redis": Reason.PROTOCOL}),
        "redis-wrong-pong": Script(redis(b"+PANG\r\n"), {"redis": Reason.PROTOCOL}),
        "redis-number": Script(redis(b":" + b"9" * 5000 + b"\r\n"), {"redis": Reason.PROTOCOL}),
        "redis-not-utf8": Script(redis(b"-\xff\xfe\r\n"), {"redis": Reason.PROTOCOL}),
        "redis-saturated": Script(says_first(b"-ERR max number of clients reached\r\n"), {"redis": Reason.SATURATED}),
        "redis-loading": Script(
            redis(b"-LOADING Redis is loading the dataset in memory\r\n"), {"redis": Reason.LOADING}
        ),
        "redis-tls-garbage": Script(_http, {"redis": Reason.TLS}, tls=True),
        "redis-tls-drip": Script(_tls_drip_at_once, {"redis": Reason.TIMEOUT}, tls=True),
        "redis-tls-silent": Script(Peer.hold, {"redis": Reason.TIMEOUT}, tls=True),
    }
)
