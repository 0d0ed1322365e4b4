"""Facts: what a host says of its role, as people read it."""

from __future__ import annotations

import pytest

from mooring.model.facts import Channel, Facts, place
from support.role_answers import DB2, ELSEWHERE, GALERA, GR, RO, following, group, of, stopped

ROLES: dict[str, tuple[Facts, str]] = {
    "takes writes": (Facts(), "primary"),
    "takes writes, a channel is left": (stopped(read_only=""), "primary"),
    "takes no writes": (Facts(read_only=RO), "read-only"),
    "follows": (following(), "replica"),
    "follows and takes writes": (following(read_only=""), "replica"),
    "cannot connect, and is at it": (following(receiving=False, trying=True, applying=False), "replica"),
    "has stopped": (stopped(), "replica"),
    "one of two channels has stopped": (
        Facts(channels=(of(receiving=False, applying=False), of(ELSEWHERE))),
        "replica",
    ),
    "in Galera": (group(GALERA, "Synced"), "Synced"),
    "in a group": (group(GR, "ONLINE, SECONDARY", ro=RO), "ONLINE, SECONDARY"),
}


@pytest.mark.parametrize(("facts", "role"), ROLES.values(), ids=ROLES)
def test_a_role_is_one_word_or_the_groups_own(facts: Facts, role: str) -> None:
    """A replica is one that follows, or that was told to and takes no writes."""
    assert facts.role == role


@pytest.mark.parametrize(
    ("lags", "lag"),
    [((), None), ((0.0,), 0.0), ((None,), None), ((1.5, 3.0), 3.0), ((1.5, None), None), ((None, None), None)],
)
def test_the_lag_is_that_of_the_last_channel(lags: tuple[float | None, ...], lag: float | None) -> None:
    """With one of them not known, nobody knows how far behind the host is."""
    assert Facts(channels=tuple(of(lag=one) for one in lags)).lag == lag


@pytest.mark.parametrize(
    ("channel", "stopped_"),
    [
        (Channel(DB2), False),
        (Channel(DB2, receiving=False), False),
        (Channel(DB2, applying=False), False),
        (Channel(DB2, receiving=False, applying=False), True),
        (Channel(DB2, receiving=False, applying=False, trying=True), False),
    ],
)
def test_a_channel_has_stopped_where_no_part_of_it_runs(channel: Channel, *, stopped_: bool) -> None:
    """One that tries to connect runs."""
    assert channel.stopped is stopped_


def test_equal_facts_are_equal_values() -> None:
    """A host that says what it said before is known by that."""
    assert Facts(history={"a": 1}, channels=(of(),)) == Facts(history={"a": 1}, channels=(of(),))
    assert Facts(history={"a": 1}) != Facts(history={"a": 2})


@pytest.mark.parametrize(
    ("address", "text"), [("10.20.0.11", "10.20.0.11:3306"), ("fd00::1", "[fd00::1]:3306"), ("db1", "db1:3306")]
)
def test_a_place_is_written_as_hosts_write_it(address: str, text: str) -> None:
    """An IPv6 address stands in brackets."""
    assert place(address, 3306) == text
