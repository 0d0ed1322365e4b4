"""The exception that ends a probe with a reason."""

from __future__ import annotations

from pymysql.err import MySQLError
from redis.exceptions import RedisError

from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure


def test_no_client_library_catches_a_failure() -> None:
    """PyMySQL and redis-py wrap errors of a socket, which would lose the reason."""
    failure = Failure(Reason.RESET, "closed the connection", "tls:eof")
    assert not isinstance(failure, OSError | MySQLError | RedisError)
    assert (failure.reason, failure.message, failure.cause) == (Reason.RESET, "closed the connection", "tls:eof")
    assert str(failure) == failure.message
