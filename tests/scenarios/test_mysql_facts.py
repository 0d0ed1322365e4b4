"""What real MariaDB servers say of their role: to a login, and to the session that it leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab.topologies.replication import Member, Replication
from lab.topologies.topology import PASSWORD, PROBER, Loopback
from lab.waiting import wait_until
from mooring.model.facts import Channel, Facts
from mooring.model.reasons import Reason
from support.role_questions import SECONDS, asked

pytestmark = pytest.mark.needs_servers

HEARTBEAT = (
    "CREATE TABLE percona.heartbeat (ts VARCHAR(26) NOT NULL, server_id INT UNSIGNED NOT NULL PRIMARY KEY, "
    "file VARCHAR(255), position BIGINT UNSIGNED, relay_master_log_file VARCHAR(255), "
    "exec_master_log_pos BIGINT UNSIGNED)"
)
"""As pt-heartbeat --create-table makes it."""
BEAT = (
    "REPLACE INTO percona.heartbeat (ts, server_id) VALUES "
    "(DATE_FORMAT(UTC_TIMESTAMP(6) - INTERVAL {} SECOND, '%Y-%m-%dT%H:%i:%s.%f'), @@global.server_id)"
)


@pytest.fixture(scope="module")
def password(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("secrets") / "password"
    path.write_text(PASSWORD)
    return str(path)


@pytest.fixture(scope="module")
def pair() -> Iterator[Replication]:
    with Replication((Loopback(), Loopback())) as made:
        yield made


@pytest.fixture
def both(pair: Replication) -> Iterator[tuple[Member, Member]]:
    """The primary and its replica, which replicates again afterwards."""
    primary, replica = pair.servers
    yield primary, replica
    replica.follow(primary)
    pair.wait_replicating()


def _one(facts: Facts) -> Channel:
    (channel,) = facts.channels
    return channel


def test_a_primary_and_its_replica(both: tuple[Member, Member], password: str) -> None:
    """Who they are, whom the replica follows, and that both have come equally far."""
    primary, replica = both
    with asked(primary, password) as first, asked(replica, password) as second:
        seen = first.becomes("the primary", lambda facts: facts.role == "primary")
        assert (seen.identity, seen.channels, seen.read_only, seen.group) == ("1", (), "", None)
        source = f"{primary.address}:{primary.port}"
        seen = second.becomes("no lag", lambda facts: facts.lag == 0)
        assert seen.channels == (Channel(source, "1", lag=0.0),)
        assert (seen.identity, seen.read_only, seen.role) == ("2", "read_only=1", "replica")
        before = (first.facts().history or {})["0-1"]
        primary.run("REPLACE INTO app.written VALUES (1)")
        assert first.facts().history == {"0-1": before + 1}
        second.becomes("the write to arrive", lambda facts: facts.history == {"0-1": before + 1})


def test_both_sides_of_a_flip(both: tuple[Member, Member], password: str) -> None:
    """read_only is seen with the next question over the session that was there before."""
    primary, _ = both
    with asked(primary, password) as first:
        for value, said in ((1, "read_only=1"), (0, "")):
            primary.run(f"SET GLOBAL read_only={value}")
            assert first.facts().read_only == said


STOPS = [
    ("STOP SLAVE SQL_THREAD", (True, False), False),
    ("STOP SLAVE IO_THREAD", (False, True), False),
    ("STOP SLAVE", (False, False), True),
]


@pytest.mark.parametrize(("statement", "threads", "stopped"), STOPS)
def test_either_thread_may_be_stopped(
    both: tuple[Member, Member],
    password: str,
    statement: str,
    threads: tuple[bool, bool],
    stopped: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    """The lag is not known then, and certainly not 0."""
    _, replica = both
    with asked(replica, password) as second:
        replica.run(statement)

        def told(facts: Facts) -> bool:
            channel = _one(facts)
            return ((channel.receiving, channel.applying), channel.stopped, channel.lag) == (threads, stopped, None)

        second.becomes(statement, told)
        replica.run("START SLAVE")
        second.becomes("both threads", lambda facts: _one(facts).lag == 0)


def test_a_replica_that_is_not_let_in_says_so(both: tuple[Member, Member], password: str) -> None:
    """It goes on trying: that is no stopped replica; the source's refusal is shown."""
    _, replica = both
    with asked(replica, password) as second:
        replica.run("STOP SLAVE", "CHANGE MASTER TO MASTER_PASSWORD='not the one'", "START SLAVE")
        seen = second.becomes(
            "the refusal", lambda facts: "error 1045, the source refuses its account" in _one(facts).problem
        )
        channel = _one(seen)
        assert (channel.receiving, channel.trying, channel.applying) == (False, True, True)
        assert (channel.stopped, channel.lag, seen.role) == (False, None, "replica")
        replica.run("STOP SLAVE", f"CHANGE MASTER TO MASTER_PASSWORD='{PASSWORD}'")


def test_a_promoted_replica_has_no_channel_left(both: tuple[Member, Member], password: str) -> None:
    """What was configured is gone with RESET SLAVE ALL."""
    _, replica = both
    with asked(replica, password) as second:
        replica.run("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only=0")
        seen = second.becomes("no channel", lambda facts: not facts.channels)
        assert seen.role == "primary"
        replica.run("SET GLOBAL read_only=1")


def test_a_missing_grant_is_told_with_the_statement_that_helps(both: tuple[Member, Member], password: str) -> None:
    """An administrator can run the statement as it stands; the next login then sees the role."""
    primary, _ = both
    primary.quietly(f"CREATE OR REPLACE USER narrow@'%' IDENTIFIED BY '{PASSWORD}'")
    with asked(primary, password, user="narrow") as first:
        seen = first.seen()
        assert (seen.reason, seen.facts) == (Reason.OK, None)
        assert seen.unread == first.login_result().unread
        assert seen.unread
        assert seen.unread.reason is Reason.AUTH
        statement, _, said = seen.unread.message.removeprefix("needs ").partition(" (1227: ")
        assert said.startswith("Access denied")
        primary.quietly(statement)
        assert first.login_result().facts


def test_a_heartbeat_tells_the_lag(both: tuple[Member, Member], pair: Replication, password: str) -> None:
    """As pt-heartbeat writes it: a row of the source, in UTC, to the microsecond; whatever else stands there."""
    primary, replica = both
    primary.run("CREATE DATABASE percona", HEARTBEAT, f"GRANT SELECT ON percona.heartbeat TO '{PROBER}'@'%'")
    primary.run(BEAT.format(7), "REPLACE INTO percona.heartbeat (ts, server_id) VALUES ('not a time', 9)")
    pair.wait_replicating(replica)
    table = {"heartbeat": {"table": "percona.heartbeat"}}
    with asked(replica, password, **table) as second, asked(primary, password, **table) as first:
        begun, lag = time.monotonic(), _one(second.facts()).lag
        assert lag is not None
        assert 6.9 < lag < 7.1 + SECONDS
        wait_until(lambda: (_one(second.facts()).lag or 0) >= lag + 0.5, SECONDS, "the lag to grow")
        now = _one(second.facts()).lag
        assert now is not None
        assert now - lag < time.monotonic() - begun + 0.5
        primary.run(BEAT.format(-30))
        second.becomes("a clock that is ahead", lambda facts: _one(facts).lag == 0)
        told = second.seen().unread
        assert told
        assert (told.reason, "s in the future" in told.message) == (Reason.LOCAL, True)
        primary.run("DELETE FROM percona.heartbeat WHERE server_id=1")
        second.becomes("no heartbeat of the source", lambda facts: _one(facts).lag is None)
        assert first.facts().role == "primary"


def test_a_heartbeat_that_cannot_be_read(both: tuple[Member, Member], password: str) -> None:
    """No such table is the file's fault, no grant the account's; the host answers all the same."""
    primary, _ = both
    primary.quietly("CREATE DATABASE IF NOT EXISTS other", "CREATE OR REPLACE TABLE other.beat (server_id INT)")
    with asked(primary, password, heartbeat={"table": "other.beat"}) as first:
        denied = first.seen()
        primary.quietly(f"GRANT SELECT ON other.* TO '{PROBER}'@'%'")
        wrong = first.login_result()
    with asked(primary, password, heartbeat={"table": "other.none"}) as first:
        missing = first.seen()
    assert [one.reason for one in (denied, wrong, missing)] == [Reason.OK] * 3
    assert [one.unread and one.unread.reason for one in (denied, wrong, missing)] == [
        *(Reason.AUTH, Reason.LOCAL, Reason.LOCAL)
    ]
    assert denied.unread
    assert "GRANT SELECT ON `other`.`beat` TO 'mooring'@'%'" in denied.unread.message
    assert wrong.unread
    assert "1054: Unknown column" in wrong.unread.message


def test_two_sources_are_two_channels(both: tuple[Member, Member], password: str) -> None:
    """Each with its own state; an IPv6 address stands in brackets."""
    primary, replica = both
    second_source = f"MASTER_HOST='::1', MASTER_PORT={primary.port}, MASTER_USER='nobody'"
    with asked(replica, password) as second:
        replica.run(f"CHANGE MASTER 'other' TO {second_source}")
        seen = second.facts()
        replica.run("RESET SLAVE 'other' ALL")
    assert [(one.source, one.stopped) for one in seen.channels] == [
        *((f"{primary.address}:{primary.port}", False), (f"[::1]:{primary.port}", True))
    ]
    assert seen.lag is None
