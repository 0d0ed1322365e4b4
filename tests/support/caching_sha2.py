"""The server's half of caching_sha2_password: a fake, as Debian has MariaDB, which lacks it, and no MySQL.

Source: MySQL source documentation, "Caching_sha2_password information": the fast path checks a scramble against a
cached hash, the full path takes the password itself, under TLS as it is, otherwise encrypted for the server's RSA key.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from support import packets
from support.scripted_server import Peer

METHOD = "caching_sha2_password"
_FAST_OK, _FULL, _WANT_KEY = b"\x03", b"\x04", b"\x02"


@dataclass
class CachingSha2:
    """A script for a rogue: one account, whose password is cached after its first full login, as in MySQL."""

    password: bytes
    tls: ssl.SSLContext | None = None
    switching: bool = False
    """The greeting names another method, and the server switches to this one."""
    full_logins: int = 0
    keys_sent: int = 0
    fast_logins: int = 0
    _cached: bool = field(default=False, repr=False)
    _key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False)

    def __call__(self, peer: Peer) -> None:
        peer.send(
            packets.greeting(tls=self.tls is not None, method="mysql_native_password" if self.switching else METHOD)
        )
        login, sequence = peer.receive_packet(), 2
        if self.tls is not None:
            peer.start_tls(self.tls)
            login, sequence = peer.receive_packet(), 3
        scramble = self._scramble(login)
        if self.switching:
            peer.send(packets.switch(METHOD, sequence))
            scramble, sequence = peer.receive_packet(), sequence + 2
        right, sequence = self._check(peer, scramble, sequence)
        if not right:
            peer.send(packets.error(1045, "Access denied for user", sequence, "28000"))
            return
        peer.send(packets.ok(sequence))
        peer.receive_packet()
        peer.send(packets.result("1"))
        peer.hold()

    def _scramble(self, login: bytes) -> bytes:
        # HandshakeResponse41: 32 bytes of flags, the user, then the scramble with its length before it.
        start = login.index(b"\0", 32) + 1
        return login[start + 1 : start + 1 + login[start]]

    def _check(self, peer: Peer, scramble: bytes, sequence: int) -> tuple[bool, int]:
        if self._cached:
            right = scramble == self._expected()
            if right:
                self.fast_logins += 1
                peer.send(packets.more(_FAST_OK, sequence))
                return True, sequence + 1
        peer.send(packets.more(_FULL, sequence))
        password, sequence = self._password(peer, sequence + 2)
        right = password == self.password + b"\0"
        self._cached |= right
        self.full_logins += right
        return right, sequence

    def _password(self, peer: Peer, sequence: int) -> tuple[bytes, int]:
        said = peer.receive_packet()
        if self.tls is not None:
            return said, sequence
        if said == _WANT_KEY:
            self.keys_sent += 1
            peer.send(packets.more(self.public_key(), sequence))
            said, sequence = peer.receive_packet(), sequence + 2
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        try:
            return _xor(self._key.decrypt(said, oaep), packets.SALT), sequence
        except ValueError:  # it is for another key, or no cipher text at all
            return b"", sequence

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def _expected(self) -> bytes:
        once = hashlib.sha256(self.password).digest()
        return _xor(once, hashlib.sha256(hashlib.sha256(once).digest() + packets.SALT).digest())


def _xor(data: bytes, key: bytes) -> bytes:
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(data))
