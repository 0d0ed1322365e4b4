"""The blocks of the file for each protocol."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.options import Options
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
    assert (first.files(), first.expected_answer()) == ((), None)


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


@pytest.mark.parametrize(
    ("options", "block", "complaint"),
    [
        (RedisOptions, {"passwordFile": "secret"}, "should match pattern"),
        (RedisOptions, {"tls": {"mode": "off"}}, "Input should be 'disabled', 'verify-ca' or 'verify-identity'"),
        (TcpOptions, {"port": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(options: type[Options], block: dict[str, Any], complaint: str) -> None:
    """A relative path, an unknown word, a field of another block."""
    with pytest.raises(ValidationError, match=complaint):
        options.model_validate(block)
