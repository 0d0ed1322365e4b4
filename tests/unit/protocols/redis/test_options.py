"""The block ``check.redis``: Sentinels as written, and what is asked of a host."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mooring.model.spec import PrimaryQuorum
from mooring.protocols.redis.options import RedisOptions, SentinelBlock, SentinelOptions, endpoint

SENTINEL = {"name": "m", "hosts": ["10.20.0.31"], "user": "s", "passwordFile": "/s", "tls": {"caFile": "/ca"}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.20.0.31", ("10.20.0.31", 26379)),
        ("10.20.0.31:1", ("10.20.0.31", 1)),
        ("10.20.0.31:65535", ("10.20.0.31", 65535)),
        ("FD00::1", ("fd00::1", 26379)),
        ("fd00::1:5000", ("fd00::1:5000", 26379)),
        ("[fd00::1]", ("fd00::1", 26379)),
        ("[FD00:0::1]:5000", ("fd00::1", 5000)),
    ],
)
def test_a_sentinel_is_an_address_with_or_without_a_port(text: str, found: tuple[str, int]) -> None:
    """An IPv6 address with a port stands in brackets, as everywhere."""
    assert endpoint(text) == found


_NONE = "10.20.0.31:", "10.20.0.31:0", "10.20.0.31:65536", "10.20.0.31:²", "10.20.0.31:026379", "10.20.0.31:+1"
_NOR = "10.20.0.31 :1", "10.20.0.256:1", "10.20.0.31:1:1", "[10.20.0.31]:1", "[fd00::31", "fd00::31]", "[fd00::31]1"


@pytest.mark.parametrize(
    "text", ["", "sentinel.example.com", "s:26379", ":26379", "[]:1", "fd00::31:26379", *_NONE, *_NOR]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Names too: a Sentinel that the DNS must find first is one thing more that may fail in a failover."""
    with pytest.raises(ValidationError):
        SentinelBlock.model_validate({"name": "m", "hosts": [text]})


def test_what_sentinels_need_is_looked_for_at_start() -> None:
    """A missing password or CA of theirs is found as early as the host's own."""
    block = RedisOptions.model_validate({"passwordFile": "/r", "role": "primary", "sentinel": SENTINEL})
    assert block.files() == ("/r", "/s", "/ca")


def test_sentinels_are_asked_as_what_they_are() -> None:
    """With their own login, not that of the databases, and each once, however it is spelt."""
    hosts = ["10.20.0.31", "10.20.0.31:26379", "[FD00::31]:7000", "fd00:0::31", "[fd00::31]:7000"]
    block = {"passwordFile": "/r", "role": "primary", "sentinel": SENTINEL | {"hosts": hosts}}
    quorum = RedisOptions.model_validate(block).quorum()
    asked = SentinelOptions.model_validate({name: value for name, value in SENTINEL.items() if name != "hosts"})
    places = (("10.20.0.31", 26379), ("fd00::31", 7000), ("fd00::31", 26379))
    assert quorum == PrimaryQuorum("redis", asked, places, "the Sentinels")
    assert (asked.encrypted(), asked.files()) == (True, ("/s", "/ca"))


@pytest.mark.parametrize(
    "block", [{}, {"role": "primary"}, {"sentinel": SENTINEL}, {"role": "replica", "sentinel": SENTINEL}]
)
def test_nobody_names_a_primary_that_is_not_asked_for(block: dict[str, Any]) -> None:
    """Defaults may hold the Sentinels once for all; only a Service of a primary asks them."""
    assert RedisOptions.model_validate(block).quorum() is None


@pytest.mark.parametrize("role", ["any", "primary", "replica"])
def test_the_question_leaves_out_what_only_the_judge_must_know(role: str) -> None:
    """So that it is equal, and usable as a key, for all Services that can share a probe."""
    limits = {"maxReplicationLagSeconds": 60, "maxReplicationLagBytes": 5, "sentinel": SENTINEL}
    asked = RedisOptions.model_validate({"key": "k", "role": role, **limits}).question()
    plain = RedisOptions.model_validate({"key": "k", "role": "any" if role == "any" else "primary"})
    assert (asked, hash(asked)) == (plain, hash(plain))
    assert asked.asks_facts() is (role != "any")
    assert asked.question(facts=True).asks_facts()
