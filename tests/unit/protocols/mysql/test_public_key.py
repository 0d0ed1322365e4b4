"""For which RSA key Mooring encrypts a password."""

from __future__ import annotations

import pytest

from mooring.protocols.mysql.public_key import CAUTION, ON_REQUEST, REFUSE, REFUSED, WAYS_OUT, PublicKey


@pytest.mark.parametrize(
    ("key", "refused"),
    [(REFUSE, True), (ON_REQUEST, False), (PublicKey(b"-----BEGIN PUBLIC KEY-----"), False)],
    ids=["refuse", "request", "a file"],
)
def test_a_key_that_anybody_could_have_sent_is_refused_by_default(key: PublicKey, *, refused: bool) -> None:
    """Only `serverPublicKey: request`, or a file with the key, lets Mooring encrypt a password without TLS."""
    assert key.is_refused is refused


def test_both_messages_name_the_ways_out() -> None:
    """Whoever reads the refusal or the warning knows what to set."""
    assert REFUSED.endswith(WAYS_OUT)
    assert CAUTION.endswith(WAYS_OUT)
