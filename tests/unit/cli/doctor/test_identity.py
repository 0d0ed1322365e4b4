"""The question who a server is."""

from __future__ import annotations

import pytest

from mooring.cli.doctor.identity import QUERY, WHO
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Role
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.redis.resp import Refused, Reply

RUN = "0123456789abcdef0123456789abcdef01234567"
REDIS = RedisOptions.model_validate({"user": "m", "passwordFile": "/s", "role": Role.PRIMARY, "key": "down"})


def test_mysql_is_asked_with_the_login_of_its_block() -> None:
    """Whatever the block asks and expects; an account needs no grant for it."""
    block = {"user": "m", "passwordFile": "/s", "query": "SELECT 2", "expect": "2", "tls": {"mode": "required"}}
    options = MysqlOptions.model_validate(block)
    asked = WHO["mysql"](options)
    assert isinstance(asked, MysqlOptions)
    assert (asked.query, asked.expect, asked.asks_facts()) == (QUERY, None, False)
    assert asked.login_key() == options.login_key()
    assert asked.files() == options.files()


def redis_says(*replies: Reply) -> Observation:
    asked = WHO["redis"](REDIS)
    assert isinstance(asked, RedisOptions)
    return asked.asks().seen(replies)


def test_redis_is_asked_with_the_login_of_its_block() -> None:
    """Its key and its role do not matter to who it is."""
    asked = WHO["redis"](REDIS)
    assert isinstance(asked, RedisOptions)
    assert asked.login_key() == REDIS.login_key()
    assert asked.asks().request == b"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"
    assert asked.learning() is None


@pytest.mark.parametrize(
    ("info", "answer"),
    [
        (b"# Server\r\nredis_version:7.0.15\r\nrun_id:" + RUN.encode() + b"\r\ntcp_port:6379\r\n", RUN),
        (b"# Server\r\nredis_version:7.0.15\r\n", None),
        (b"run_id:odd\r\n", None),
        (Refused("NOPERM this user has no permissions to run the 'info' command"), None),
    ],
)
def test_redis_is_known_by_the_id_of_its_run(info: Reply, answer: str | None) -> None:
    """An account that may not ask for it has logged in all the same."""
    assert redis_says(b"PONG", info) == Observation(Reason.OK, answer=answer)


def test_what_redis_says_at_the_login_comes_first() -> None:
    """As LOADING, whatever INFO says meanwhile."""
    assert redis_says(Refused("LOADING it"), b"run_id:" + RUN.encode()).reason is Reason.LOADING
