"""The blocks of the file for each protocol."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import pytest
from pydantic import ValidationError

from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.options import Block, OneOf, Options
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.registry import PROTOCOLS
from mooring.protocols.tcp.options import TcpOptions

LOGIN = {"user": "probe", "passwordFile": "/secret"}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_an_empty_block_is_enough(protocol: Any) -> None:
    """Every field has a default; equal blocks are equal parts of a target's identity."""
    first, second = protocol.options.model_validate({}), protocol.options.model_validate({})
    assert first == second
    assert hash(first) == hash(second)
    assert (first.files(), first.expected_answer(), first.encrypted()) == ((), None, False)
    assert first.login_key() == second.login_key()
    assert hash(first.login_key()) == hash(second.login_key())


@pytest.mark.parametrize(
    ("options", "block", "files"),
    [
        (MysqlOptions, LOGIN, ("/secret",)),
        (MysqlOptions, {**LOGIN, "tls": {"caFile": "/ca"}}, ("/secret", "/ca")),
        (RedisOptions, {"passwordFile": "/secret", "tls": {"caFile": "/ca"}}, ("/secret", "/ca")),
        (RedisOptions, {"tls": {"mode": "disabled", "caFile": "/ca"}}, ()),
        (RedisOptions, {"tls": {}}, ()),
        (TcpOptions, {}, ()),
    ],
)
def test_a_block_names_the_files_that_it_needs(
    options: type[Options], block: dict[str, Any], files: tuple[str, ...]
) -> None:
    """So that a missing one is found at start; a CA file that no TLS uses is not needed."""
    assert options.model_validate(block).files() == files


@pytest.mark.parametrize(
    ("options", "block", "answer"),
    [
        (MysqlOptions, {**LOGIN, "query": "SELECT 1", "expect": "1"}, "1"),
        (MysqlOptions, {**LOGIN, "query": "SELECT 1", "expect": ""}, ""),
        (MysqlOptions, {**LOGIN, "query": "SELECT 1"}, None),
        (RedisOptions, {"key": "maintenance"}, "0"),
    ],
)
def test_a_block_says_which_answer_passes(options: type[Options], block: dict[str, Any], answer: str | None) -> None:
    """A maintenance switch must be absent; a query passes with what the file expects."""
    assert options.model_validate(block).expected_answer() == answer


TLS = {"tls": {"caFile": "/ca"}}
MYSQL, REDIS = MysqlOptions.model_validate(LOGIN), RedisOptions.model_validate(LOGIN)


@pytest.mark.parametrize(
    ("own", "block", "shared"),
    [
        (MYSQL, LOGIN, True),
        (MYSQL, {**LOGIN, "query": "SELECT 2", "expect": "2", "role": "any"}, True),
        (MYSQL, {**LOGIN, "tls": {"mode": "disabled", "caFile": "/ca"}}, True),
        (MYSQL, {**LOGIN, **TLS}, False),
        (MYSQL, {**LOGIN, "user": "other"}, False),
        (MYSQL, {**LOGIN, "passwordFile": "/other"}, False),
        (REDIS, {**LOGIN, "key": "switch"}, True),
        (REDIS, {**LOGIN, **TLS}, False),
        (REDIS, {"passwordFile": "/secret"}, False),
    ],
)
def test_a_session_is_shared_by_all_who_log_in_alike(own: Options, block: dict[str, Any], shared: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    """Whatever they ask over it; another account, secret or TLS is another session."""
    other = type(own).model_validate(block)
    assert (own.login_key() == other.login_key()) is shared
    assert other.encrypted() is ("tls" in block and block["tls"].get("mode") != "disabled")


@pytest.mark.parametrize(
    ("options", "block", "complaint"),
    [
        (RedisOptions, {"passwordFile": "secret"}, "should match pattern"),
        (
            RedisOptions,
            {"tls": {"mode": "off"}},
            "Input should be 'disabled', 'required', 'verify-ca' or 'verify-identity'",
        ),
        (TcpOptions, {"port": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(options: type[Options], block: dict[str, Any], complaint: str) -> None:
    """A relative path, an unknown word, a field of another block."""
    with pytest.raises(ValidationError, match=complaint):
        options.model_validate(block)


class Colour(enum.StrEnum):
    """A closed set."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Painted(Block):
    """Holds some of it."""

    any: Annotated[Colour, OneOf()] = Colour.RED
    warm: Annotated[Colour, OneOf(Colour.RED)] = Colour.RED


def test_a_closed_set_is_written_once() -> None:
    """A field holds the member, the file its value, and the schema lists the values."""
    found = Painted.model_validate({"any": "green"})
    assert (found.any, found.warm) == (Colour.GREEN, Colour.RED)
    assert isinstance(found.any, Colour)
    fields = Painted.model_json_schema()["properties"]
    assert (fields["any"]["enum"], fields["warm"]["const"]) == (["red", "green", "blue"], "red")


@pytest.mark.parametrize("wrong", [{"any": "RED"}, {"any": 1}, {"any": None}, {"warm": "green"}, {"any": ["red"]}])
def test_nothing_else_is_of_a_closed_set(wrong: dict[str, object]) -> None:
    """Neither another word nor another spelling of one."""
    with pytest.raises(ValidationError):
        Painted.model_validate(wrong)


@pytest.mark.parametrize(
    ("block", "host", "dns", "name"),
    [
        ({}, "db1.internal", "db1.example.com", "db1.internal"),
        ({"serverName": "db.internal"}, "db1.internal", "db1.example.com", "db1.internal"),
        ({"serverName": "db.internal"}, "", "db1.example.com", "db.internal"),
        ({}, "", "db1.example.com", "db1.example.com"),
        ({}, "", "", None),
    ],
)
def test_each_host_may_have_a_certificate_of_its_own(
    block: dict[str, str], host: str, dns: str, name: str | None
) -> None:
    """The host's own name comes first, then the block's, then its DNS name; without any, its address is checked."""
    options = MysqlOptions.model_validate({**LOGIN, "tls": block}).for_host(host, dns)
    assert options.tls
    assert options.tls.server_name == name
    plain = MysqlOptions.model_validate(LOGIN)
    assert plain.for_host(host, dns) is plain
