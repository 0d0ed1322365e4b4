"""assess: which hosts are fit for a Service of primaries, and which for one of replicas."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.judge.assess import NO_HOSTS
from mooring.model.facts import Channel, Facts, Group
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import Requirement, Role
from mooring.model.verdicts import Outcome
from support.role_answers import (
    DB2,
    ELSEWHERE,
    GALERA,
    GR,
    PRIMARY,
    REDIS,
    REPLICA,
    RO,
    following,
    group,
    judged,
    of,
    stopped,
    told,
)

HOSTS: dict[str, tuple[Facts, str, str]] = {
    # what it says: what a Service of primaries makes of it, what one of replicas
    "a writable server": (Facts(), "ok", "wrong-role takes writes, and replicates from nobody"),
    "read-only, following nobody": (
        Facts(read_only="super_read_only=1"),
        "read-only takes no writes: super_read_only=1",
        "not-replicating replicates from nobody",
    ),
    "offline": (Facts(offline="offline_mode=1"), "offline offline_mode=1", "wrong-role *"),
    "offline and read-only": (
        Facts(offline="offline_mode=1", read_only=RO),
        "read-only takes no writes: read_only=1",
        "offline offline_mode=1",
    ),
    "a replica": (following(), f"wrong-role is a replica of {DB2}", "ok"),
    "a replica of another site": (following(ELSEWHERE), f"wrong-role is a replica of {ELSEWHERE}", "ok"),
    "an offline replica": (
        replace(following(), offline="offline_mode=1"),
        f"wrong-role is a replica of {DB2}",
        "offline offline_mode=1",
    ),
    "a replica that takes writes": (following(read_only=""), f"wrong-role is a replica of {DB2}", "ok"),
    "the same, by the source's name": (following("db2:3306", read_only=""), "wrong-role *", "ok"),
    "the same, by the source's identity": (
        following(ELSEWHERE, read_only="", source_identity="uuid-2"),
        f"wrong-role is a replica of {ELSEWHERE}",
        "ok",
    ),
    "a primary that follows another site": (following(ELSEWHERE, read_only=""), "ok", "ok"),
    "the same, of an identity not known here": (
        following(ELSEWHERE, read_only="", source_identity="uuid-9"),
        "ok",
        "ok",
    ),
    "a stopped replica": (
        stopped(),
        "read-only takes no writes: read_only=1",
        f"not-replicating the connection to {DB2} is down",
    ),
    "a promoted replica that still has its channel": (stopped(read_only=""), "ok", "wrong-role *"),
    "a replica that cannot connect": (
        following(receiving=False, lag=None, problem="error connecting"),
        f"wrong-role is a replica of {DB2}",
        f"not-replicating the connection to {DB2} is down: error connecting",
    ),
    "a replica whose applier stopped": (
        following(applying=False, lag=None, problem="Duplicate entry"),
        "wrong-role *",
        f"not-replicating what it receives from {DB2} is not applied: Duplicate entry",
    ),
    "one of two channels down": (
        Facts(read_only=RO, channels=(of(), of(ELSEWHERE, receiving=False, lag=None))),
        "wrong-role *",
        f"not-replicating the connection to {ELSEWHERE} is down",
    ),
    "a synced Galera node": (group(GALERA, "Synced"), "ok", "ok"),
    "a joining Galera node": (
        group(GALERA, "Joining", member=False),
        "not-synced is Joining in Galera",
        "not-synced is Joining in Galera",
    ),
    "a Galera donor": (
        group(GALERA, "Donor/Desynced", member=False, donor=True),
        "not-synced is Donor/Desynced in Galera",
        "not-synced is Donor/Desynced in Galera",
    ),
    "a Galera node without quorum": (
        group(GALERA, "Initialized, non-Primary", member=False),
        "not-synced is Initialized, non-Primary in Galera",
        "not-synced *",
    ),
    "a read-only Galera node": (group(GALERA, "Synced", ro=RO), "read-only takes no writes: read_only=1", "ok"),
    "a read-only donor": (group(GALERA, "Donor", ro=RO, member=False, donor=True), "read-only *", "not-synced *"),
    "a Galera node that follows another site": (
        replace(group(GALERA, "Synced"), channels=(of(ELSEWHERE),)),
        "ok",
        "ok",
    ),
    "the primary of a group": (
        group(GR, "ONLINE, PRIMARY"),
        "ok",
        "wrong-role is ONLINE, PRIMARY in Group Replication",
    ),
    "a secondary of a group": (
        group(GR, "ONLINE, SECONDARY", writer=False, ro=RO),
        "wrong-role is ONLINE, SECONDARY in Group Replication",
        "ok",
    ),
    "one of several primaries of a group": (group(GR, "ONLINE, PRIMARY", several=True), "ok", "ok"),
    "a recovering member": (
        group(GR, "RECOVERING, SECONDARY", member=False, writer=False),
        "not-synced is RECOVERING, SECONDARY in Group Replication",
        "not-synced *",
    ),
    "a primary without a majority": (
        group(GR, "ONLINE, PRIMARY, without a majority", member=False),
        "not-synced *",
        "not-synced *",
    ),
    "a Redis primary": (Facts(offset=100), "ok", "wrong-role *"),
    "a Redis primary that cannot save": (
        Facts(hindered="MISCONF errors writing to disk"),
        "offline takes no writes: MISCONF errors writing to disk",
        "wrong-role *",
    ),
    "a Redis primary whose cluster is down": (
        Facts(offline="cluster_state:fail"),
        "offline cluster_state:fail",
        "wrong-role *",
    ),
    "a Redis replica": (following(read_only=REDIS), f"wrong-role is a replica of {DB2}", "ok"),
    "a Redis replica that cannot save": (replace(following(read_only=REDIS), hindered="MISCONF"), "wrong-role *", "ok"),
    "a Redis replica whose link is down": (
        following(read_only=REDIS, receiving=False, lag=None, problem="down for 7 s"),
        "wrong-role *",
        f"not-replicating the connection to {DB2} is down: down for 7 s",
    ),
    "a Redis replica in sync": (
        following(read_only=REDIS, receiving=False, syncing=True, lag=None),
        "wrong-role *",
        f"not-synced takes a whole copy of {DB2}",
    ),
}


@pytest.mark.parametrize(("facts", "primary", "replica"), HOSTS.values(), ids=HOSTS)
def test_a_host_is_what_it_says(facts: Facts, primary: str, replica: str) -> None:
    """One probe, and each Service takes from it what it asks for."""
    as_primary, as_replica = judged(facts, PRIMARY), judged(facts, REPLICA)
    assert (told(as_primary, primary), told(as_replica, replica)) == (primary, replica)
    assert judged(facts, Requirement()) == Outcome(Reason.OFFLINE if facts.offline else Reason.OK, facts.offline)


def test_a_primary_that_follows_a_host_of_its_service_may_be_allowed() -> None:
    """`allowReplicating`: two primaries in a ring, each following the other."""
    ring = replace(PRIMARY, allow_replicating=True)
    assert judged(following(read_only=""), ring).reason is Reason.OK
    assert judged(following(), ring).reason is Reason.WRONG_ROLE


@pytest.mark.parametrize("role", [Role.PRIMARY, Role.REPLICA])
def test_a_donor_may_be_allowed(role: Role) -> None:
    """`allowDonor`: a node that gives another a copy serves on; one that is out of the quorum does not."""
    wanted = Requirement(role, allow_donor=True)
    donor = group(GALERA, "Donor/Desynced", member=False, donor=True)
    assert judged(donor, wanted).reason is Reason.OK
    assert judged(group(GALERA, "Joining", member=False), wanted).reason is Reason.NOT_SYNCED


def test_without_neighbours_a_writable_server_that_follows_is_a_primary() -> None:
    """A primary may replicate from a host outside its Service."""
    assert judged(following(read_only=""), PRIMARY, NO_HOSTS).reason is Reason.OK


@pytest.mark.parametrize("role", [Role.PRIMARY, Role.REPLICA])
def test_messages_stay_short(role: Role) -> None:
    """A message stays within its bound, however much the server reports."""
    noisy = replace(following(read_only="", receiving=False, applying=False, problem="x" * 256), hindered="y" * 256)
    for facts in (noisy, replace(noisy, read_only=RO), replace(noisy, channels=())):
        assert len(judged(facts, Requirement(role)).message) <= 256


CHANNELS = st.builds(
    Channel,
    source=st.sampled_from([DB2, ELSEWHERE]),
    receiving=st.booleans(),
    trying=st.booleans(),
    applying=st.booleans(),
    syncing=st.booleans(),
    lag=st.sampled_from([None, 0.0, 25.0, 99.0]),
)
GROUPS = st.builds(
    Group,
    kind=st.sampled_from([GALERA, GR]),
    state=st.just("state"),
    member=st.booleans(),
    writer=st.booleans(),
    donor=st.booleans(),
    several=st.booleans(),
)
FACTS = st.builds(
    Facts,
    read_only=st.sampled_from(["", RO]),
    hindered=st.sampled_from(["", "MISCONF"]),
    offline=st.sampled_from(["", "offline_mode=1"]),
    channels=st.lists(CHANNELS, max_size=2).map(tuple),
    group=st.none() | GROUPS,
)
REQUIREMENTS = st.builds(
    Requirement,
    role=st.just(Role.PRIMARY),
    allow_donor=st.booleans(),
    allow_replicating=st.booleans(),
)


@given(FACTS, REQUIREMENTS)
def test_who_takes_no_writes_is_never_fit_for_a_service_of_primaries(facts: Facts, wanted: Requirement) -> None:
    """A wrong role decides at the first probe, whatever else fails."""
    outcome = judged(facts, wanted)
    if facts.read_only:
        assert outcome.effect is Effect.DECIDES
    if facts.offline or facts.hindered:
        assert outcome.effect is not Effect.SUCCESS


@given(FACTS, st.booleans())
def test_a_host_that_is_fit_for_both_roles_takes_writes_and_follows(facts: Facts, donor: bool) -> None:  # noqa: FBT001 -- a drawn value
    """A primary that follows nobody, and is no member of a cluster of several writers, serves no readers' Service."""
    primary, replica = (judged(facts, Requirement(role, allow_donor=donor)) for role in (Role.PRIMARY, Role.REPLICA))
    if {primary.reason, replica.reason} == {Reason.OK}:
        assert facts.group.several if facts.group else any(not channel.stopped for channel in facts.channels)


def test_every_reason_that_is_given_here_has_its_meaning() -> None:
    """The host's own word is a wrong role and a refusal to write; all else is counted."""
    decides = {reason for reason, meaning in MEANINGS.items() if meaning.effect is Effect.DECIDES}
    assert decides == {Reason.WRONG_ROLE, Reason.READ_ONLY, Reason.SECOND_WRITER}
