"""The words of Redis."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mooring.model.reasons import Reason
from mooring.protocols.redis import wire

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
    ("UNKILLABLE Sorry the script already executed write commands against the dataset.", Reason.OFFLINE),
    ("ERR operation not permitted", Reason.AUTH),
    ("ERR wrong number of arguments for 'auth' command", Reason.AUTH),
    ("MOVED 3999 127.0.0.1:6381", Reason.LOCAL),
    ("ASK 3999 127.0.0.1:6381", Reason.LOCAL),
    ("CROSSSLOT Keys in request don't hash to the same slot", Reason.LOCAL),
    ("MISCONF Errors writing to the AOF file: No space left on device", Reason.PROTOCOL),
    ("OOM command not allowed when used memory > 'maxmemory'.", Reason.PROTOCOL),
    ("READONLY You can't write against a read only replica.", Reason.PROTOCOL),
    ("NOREPLICAS Not enough good replicas to write.", Reason.PROTOCOL),
    ("TRYAGAIN Multiple keys request during rehashing of slot", Reason.PROTOCOL),
    ("NOTREADY Cluster is not ready to migrate slots", Reason.PROTOCOL),
    ("IOERR error or timeout connecting to the client", Reason.PROTOCOL),
    ("EXECABORT Transaction discarded because of previous errors.", Reason.PROTOCOL),
    ("UNBLOCKED client unblocked via CLIENT UNBLOCK", Reason.PROTOCOL),
    ("IDONTKNOW I have not enough information to reply.", Reason.PROTOCOL),
    ("INPROG Failover already in progress", Reason.PROTOCOL),
    ("NOQUORUM 1 usable Sentinels.", Reason.PROTOCOL),
    ("NOGOODSLAVE No suitable replica to promote", Reason.PROTOCOL),
    ("NOGOODPRIMARY Primary does not support FAILOVER command", Reason.PROTOCOL),
    ("NOMASTERLINK Can't SYNC while not connected with my master", Reason.NOT_REPLICATING),
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


SERVER = Path("/usr/bin/redis-server")
OF_OTHER_COMMANDS = {"BUSYGROUP", "BUSYKEY", "INVALIDOBJ", "NOGROUP", "NOPROTO", "NOSCRIPT", "NOTBUSY", "WRONGTYPE"}


@pytest.mark.skipif(not SERVER.exists(), reason="no Redis is installed, whose words this reads")
def test_no_word_of_the_server_is_left_out() -> None:
    """Each first word of an error in the server's own program is in the table, or answers none of our commands."""
    words = {word.decode() for word in re.findall(rb"\x00-([A-Z]{3,}) ", SERVER.read_bytes())} - {"ERR"}
    assert len(words) > 20
    assert words <= set(wire.KINDS) | OF_OTHER_COMMANDS


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("ERR unknown command 'PING'", "redis:ERR unknown command"),
        ("ERR unknown command `EXISTS`, with args", "redis:ERR unknown command"),
        ("NEWKIND of a later version", "redis:NEWKIND"),
        ("loading", ""),
        ("LOADING Redis is loading", ""),
        ("ERR max number of clients reached", ""),
    ],
)
def test_an_error_that_no_table_knows_names_its_cause(error: str, cause: str) -> None:
    """By its first words, which are the same on all hosts; it counts, unless other hosts give the same at once."""
    assert wire.refusal(error).cause == cause
