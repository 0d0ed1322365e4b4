"""The login methods of MySQL and MariaDB that Mooring speaks, and the one of them that PyMySQL does not.

MariaDB Knowledge Base, "Authentication Plugin - PARSEC".
"""

from __future__ import annotations

import hashlib
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mooring.protocols.framed import Broken

HIDING = frozenset(
    {"mysql_native_password", "caching_sha2_password", "sha256_password", "client_ed25519", "parsec"},
)
"""Login methods that never show the password to somebody who reads the connection."""

IN_CLEAR = frozenset({"mysql_clear_password", "dialog"})
"""Login methods that send the password in clear: Mooring uses them only under TLS with a verified certificate."""

MOST = 8
"""Methods that a server may ask for in one login, one after the other, as an account of MariaDB may have several."""

_SCRAMBLE, _KEY = 32, 32
"""Bytes of either side's challenge, and of a key."""
_ROUNDS, _MOST_DOUBLED = 1024, 3
_HEAD = 2
"""Bytes before the salt: the letter P, and how often the number of rounds is doubled."""


class Parsec:
    """``parsec``: signs both challenges by a key that is made of the password and the account's salt."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def authenticate(self, packet: Any) -> Any:
        """Raises Broken."""
        challenge = packet.read_all()[:_SCRAMBLE]
        self._session.write_packet(b"")  # asks for the salt
        answer = signed(self._session.password, challenge, self._session._read_packet().get_all_data())  # noqa: SLF001 -- what PyMySQL's own handlers call
        self._session.write_packet(answer)
        return self._session._read_packet()  # noqa: SLF001 -- as above


def signed(password: bytes, challenge: bytes, salted: bytes, own: bytes = b"") -> bytes:
    """Mooring's challenge, ``own`` or random bytes, and the signature of both; ``salted``: the server's second packet.

    Raises:
        Broken: the server asks for something else, or for more work than MariaDB's own clients do.
    """
    salted = salted.removeprefix(b"\1")  # MariaDB marks what is no switch to another method
    if len(challenge) != _SCRAMBLE or salted[:1] != b"P" or len(salted) <= _HEAD or salted[1] > _MOST_DOUBLED:
        raise Broken("asks for a parsec that Mooring does not know")
    own = own or os.urandom(_SCRAMBLE)
    key = hashlib.pbkdf2_hmac("sha512", password, salted[_HEAD:], _ROUNDS << salted[1], _KEY)
    return own + Ed25519PrivateKey.from_private_bytes(key).sign(challenge + own)
