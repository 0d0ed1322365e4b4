"""The words of Redis."""

from __future__ import annotations

import pytest

from mooring.protocols.redis import wire
from mooring.reasons import Reason

TABLE = [
    ("LOADING Redis is loading the dataset in memory", Reason.LOADING),
    ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", Reason.NOT_REPLICATING),
    ("BUSY Redis is busy running a script.", Reason.OFFLINE),
    ("CLUSTERDOWN The cluster is down", Reason.OFFLINE),
    ("NOAUTH Authentication required.", Reason.AUTH),
    ("WRONGPASS invalid username-password pair or user is disabled.", Reason.AUTH),
    ("NOPERM this user has no permissions to run the 'ping' command", Reason.AUTH),
    ("DENIED Redis is running in protected mode", Reason.AUTH),
    ("ERR invalid password", Reason.AUTH),
    ("ERR Client sent AUTH, but no password is set", Reason.AUTH),
    ("ERR AUTH <password> called without any password configured for the default user.", Reason.AUTH),
    ("ERR max number of clients reached", Reason.SATURATED),
    ("ERR max number of clients + cluster connections reached", Reason.SATURATED),
    ("ERR unknown command 'PING'", Reason.PROTOCOL),
    ("BUSYKEY Target key name already exists.", Reason.PROTOCOL),
    ("MOVED 3999 127.0.0.1:6381", Reason.PROTOCOL),
    ("loading", Reason.PROTOCOL),
    ("", Reason.PROTOCOL),
]


@pytest.mark.parametrize(("error", "reason"), TABLE, ids=[error[:24] for error, _ in TABLE])
def test_errors_have_words_of_the_table(error: str, reason: Reason) -> None:
    """The first word decides, and the server's sentence is kept."""
    seen = wire.refusal(error)
    assert (seen.reason, seen.message) == (reason, error)


def test_the_table_is_whole() -> None:
    """Every kind and sentence that is known has its line above."""
    errors = [error for error, _ in TABLE]
    for beginning in (*wire.KINDS, *wire.SENTENCES):
        assert any(error.startswith(beginning) for error in errors), beginning
