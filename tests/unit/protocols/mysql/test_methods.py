"""The login method that Mooring speaks by itself."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mooring.protocols.framed import Broken
from mooring.protocols.mysql.methods import HIDING, IN_CLEAR, signed

PASSWORD, SALT = b"throw-away", b"eighteen-bytes-of-"
THEIRS, OURS = bytes(range(32)), bytes(range(32, 64))


@pytest.mark.parametrize("marked", [b"", b"\1"], ids=["plain", "marked"])
@pytest.mark.parametrize("doubled", [0, 3])
def test_parsec_signs_both_challenges_by_a_key_of_password_and_salt(marked: bytes, doubled: int) -> None:
    """The server holds only the public half of that key."""
    answer = signed(PASSWORD, THEIRS, marked + b"P" + bytes([doubled]) + SALT, OURS)
    key = Ed25519PrivateKey.from_private_bytes(hashlib.pbkdf2_hmac("sha512", PASSWORD, SALT, 1024 << doubled, 32))
    assert answer[:32] == OURS
    key.public_key().verify(answer[32:], THEIRS + OURS)


def test_parsec_challenges_the_server_anew_each_time() -> None:
    """A signature is worth nothing for another login."""
    first, second = (signed(PASSWORD, THEIRS, b"P\0" + SALT) for _ in range(2))
    assert first[:32] != second[:32]


@pytest.mark.parametrize(
    ("challenge", "salted"),
    [(THEIRS[:-1], b"P\0" + SALT), (THEIRS, b"Q\0" + SALT), (THEIRS, b"P\4" + SALT), (THEIRS, b"P\0"), (THEIRS, b"")],
    ids=["short", "another", "too much work", "no salt", "nothing"],
)
def test_what_is_no_parsec_gets_no_signature(challenge: bytes, salted: bytes) -> None:
    """Nor does a server make us work for as long as it likes."""
    with pytest.raises(Broken):
        signed(PASSWORD, challenge, salted)


def test_no_method_both_hides_and_shows_the_password() -> None:
    """The second kind needs TLS with a verified certificate."""
    assert not HIDING & IN_CLEAR
