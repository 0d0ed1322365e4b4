"""The server's RSA key, for which a full login without TLS encrypts the password.

MySQL 8 Reference Manual, "Caching SHA-2 Pluggable Authentication": a server that has the account in its cache accepts
a hash of the password; after its restart it asks for a full authentication.
"""

from __future__ import annotations

from dataclasses import dataclass

WAYS_OUT = "set tls, or serverPublicKey: request (or the path of a file that holds the key)"
REFUSED = f"asks for a full login, whose password would be encrypted for a key that it sends without TLS; {WAYS_OUT}"
CAUTION = f"let the login in by its cache alone, and will refuse it after its next restart; {WAYS_OUT}"
NO_KEY = (
    "asks for a full login and hands out no RSA key to encrypt the password for; set tls, "
    "or give the server its keys (caching_sha2_password_auto_generate_rsa_keys)"
)

KEY_REQUESTS = frozenset({b"\x01", b"\x02"})
"""The packets by which a client of `sha256_password` and of `caching_sha2_password` asks for the key."""

FAST = b"\x01\x03"
"""The packet by which `caching_sha2_password` reports that it needs no full authentication."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """``known``: the key that the file names. ``on_request``: Mooring may take the key that the server sends."""

    known: bytes | None = None
    on_request: bool = False

    @property
    def is_refused(self) -> bool:
        """Mooring encrypts no password for a key."""
        return self.known is None and not self.on_request


ON_REQUEST = PublicKey(on_request=True)
REFUSE = PublicKey()
