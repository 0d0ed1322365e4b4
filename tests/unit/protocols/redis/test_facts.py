"""The facts of a role from INFO and CLUSTER INFO."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.model.facts import Channel, Facts
from mooring.protocols.redis.facts import canonical_place, facts

OWN, BEFORE, NONE = "8a" * 20, "1f" * 20, "0" * 40


def _info(**fields: object) -> bytes:
    lines = ["# Replication", *(f"{name}:{value}" for name, value in fields.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


PRIMARY = {
    "role": "master",
    "connected_slaves": 1,
    "slave0": "ip=10.20.0.12,port=6379,state=online,offset=5210,lag=0",
    "master_failover_state": "no-failover",
    "master_replid": OWN,
    "master_replid2": NONE,
    "master_repl_offset": 5224,
    "second_repl_offset": -1,
}
REPLICA = {
    "role": "slave",
    "master_host": "10.20.0.11",
    "master_port": 6379,
    "master_link_status": "up",
    "master_last_io_seconds_ago": 3,
    "master_sync_in_progress": 0,
    "slave_read_repl_offset": 5230,
    "slave_repl_offset": 5224,
    "slave_read_only": 1,
    "connected_slaves": 0,
    "master_replid": OWN,
    "master_replid2": NONE,
    "master_repl_offset": 5200,
}
DOWN = REPLICA | {"master_link_status": "down", "master_last_io_seconds_ago": -1, "master_link_down_since_seconds": 7}
LINK = Channel("10.20.0.11:6379", lag=3.0)
CUT = Channel("10.20.0.11:6379", receiving=False, trying=True, problem="down for 7 s")
NEVER = Channel("10.20.0.11:6379", receiving=False, trying=True)


def test_a_primary() -> None:
    """It follows no host, takes writes, and reports its offset."""
    assert facts(_info(**PRIMARY)) == Facts(offset=5224, history={OWN: 1})


def test_a_promoted_replica_still_holds_what_it_had_before() -> None:
    """The stream of its former primary, which distinguishes a follower from a host that came back with old data."""
    told = facts(_info(**PRIMARY | {"master_replid2": BEFORE}))
    assert told is not None
    assert told.history == {OWN: 1, BEFORE: 1}


@pytest.mark.parametrize(
    ("fields", "link"),
    [
        (REPLICA, LINK),
        (DOWN, CUT),
        (DOWN | {"master_link_down_since_seconds": -1}, NEVER),
        (
            DOWN | {"master_sync_in_progress": 1},
            Channel(CUT.source, "", False, True, syncing=True, problem=CUT.problem),
        ),
        (REPLICA | {"master_host": "db1.example.com", "master_port": 7001}, Channel("db1.example.com:7001", lag=3.0)),
        (REPLICA | {"master_host": "FD00:0::11"}, Channel("[fd00::11]:6379", lag=3.0)),
        (REPLICA | {"master_host": "a:b"}, Channel("[a:b]:6379", lag=3.0)),
        (REPLICA | {"master_host": "\x1b[2J", "master_port": "x"}, Channel("?:0", lag=3.0)),
        ({"role": "slave"}, Channel("?:0", receiving=False, trying=True)),
    ],
    ids=["up", "down", "never-up", "syncing", "by-name", "ipv6", "no-address", "unsafe", "nothing-told"],
)
def test_a_replica(fields: dict[str, object], link: Channel) -> None:
    """Whom it follows, whether that link is up, how long it has been silent or down, and that it takes no writes."""
    told = facts(_info(**fields))
    assert told is not None
    assert (told.channels, told.read_only, told.role) == ((link,), "role:slave", "replica")
    assert told.lag == (None if link.lag is None else 3.0)


@pytest.mark.parametrize(
    ("fields", "offset"),
    [
        (PRIMARY, 5224),
        (REPLICA, 5224),
        ({name: value for name, value in REPLICA.items() if name != "slave_repl_offset"}, 5200),
        (PRIMARY | {"master_repl_offset": -1}, None),
        (PRIMARY | {"master_repl_offset": "9" * 5000}, None),
        (PRIMARY | {"master_repl_offset": "²"}, None),
        ({"role": "master"}, None),
    ],
    ids=["primary", "replica", "fallback", "negative", "endless", "no-digit", "absent"],
)
def test_how_far_it_has_come(fields: dict[str, object], offset: int | None) -> None:
    """In bytes of the stream; of a replica what it has executed, not what lies in its buffer."""
    told = facts(_info(**fields))
    assert told is not None
    assert told.offset == offset


@pytest.mark.parametrize(
    ("good", "misconf", "hindered"),
    [
        (None, "", ""),
        ("1", "", ""),
        ("0", "", "no replica is as near as min-replicas-to-write asks (min_slaves_good_slaves:0)"),
        ("0", "MISCONF cannot save", "MISCONF cannot save"),
        (None, "MISCONF cannot save", "MISCONF cannot save"),
    ],
    ids=["free", "one", "none", "both", "disk"],
)
def test_what_keeps_it_from_taking_writes(good: str | None, misconf: str, hindered: str) -> None:
    """A disk that it cannot save to, or no replica where it must have some."""
    told = facts(_info(**PRIMARY, **({} if good is None else {"min_slaves_good_slaves": good})), b"", misconf)
    assert told is not None
    assert told.hindered == hindered


@pytest.mark.parametrize(
    ("cluster", "offline"),
    [
        (b"cluster_state:ok\r\ncluster_slots_assigned:16384\r\n", ""),
        (b"cluster_state:fail\r\ncluster_slots_assigned:0\r\n", "cluster_state:fail"),
        (b"", ""),
    ],
    ids=["ok", "fail", "no-cluster"],
)
def test_a_node_of_a_broken_cluster_serves_nobody(cluster: bytes, offline: str) -> None:
    """It answers CLUSTERDOWN to every key."""
    told = facts(_info(**PRIMARY), cluster)
    assert told is not None
    assert told.offline == offline


@pytest.mark.parametrize("info", [b"", b"role:sentinel\r\n", b"# Sentinel\r\n", b"role:\r\n", b" role:master\r\n"])
def test_no_role_is_no_facts(info: bytes) -> None:
    """A Sentinel, or something that is no Redis: nothing is made up."""
    assert facts(info) is None


@given(st.binary(max_size=400) | st.text("role:masterslv_hostpfi012-\r\n\x00é", max_size=200).map(str.encode))
def test_no_text_raises_and_all_that_is_reported_can_be_shown(noise: bytes) -> None:
    """Any bytes of a server give a value without control characters."""
    told = facts(_info(**REPLICA | {"master_host": ""}) + noise, noise)
    assert told is not None
    channels = [channel.source + channel.problem for channel in told.channels]
    for text in (told.read_only, *(told.history or ()), *channels):
        assert text.isascii()
        assert text.isprintable()
        assert len(text) < 300


@pytest.mark.parametrize(
    ("host", "shown"),
    [("10.20.0.11", "10.20.0.11:1"), ("db1", "db1:1"), ("fd00:0::B", "[fd00::b]:1"), ("::ffff:1.2.3.4", None)],
    ids=["ipv4", "name", "ipv6", "mapped"],
)
def test_places_have_one_spelling(host: str, shown: str | None) -> None:
    """The names that several hosts give to one can be compared."""
    mapped = ip_address("::ffff:102:304")  # Python 3.13 spells it otherwise than 3.11
    assert canonical_place(host, 1) == (shown or f"[{mapped}]:1")
    assert canonical_place(canonical_place(host, 1).rpartition(":")[0].strip("[]"), 1) == canonical_place(host, 1)
