"""A Service with one primary: a member that leaves its group, whose other members choose another primary."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from lab.values import KEY, target
from mooring.model.events import SplitBrain
from mooring.model.facts import Facts, Group
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import OnSplitBrain
from support.primary_claims import A, B, C, Stage, rw, start

ALL = ("a", "b", "c")


def member(identity: str, role: str, seen: Collection[str] = ALL, *, group: str = "orders") -> Observation:
    """What a member says that sees these in its group."""
    said = Group(
        "Group Replication",
        f"ONLINE, {role}",
        member=True,
        writer=role == "PRIMARY",
        name=group,
        members=frozenset(seen),
    )
    return Observation(Reason.OK, facts=Facts(identity=identity, group=said))


OLD, REPLICA = member("a", "PRIMARY"), member("b", "SECONDARY")
NEW = member("b", "PRIMARY", ("b", "c"))


def _led_by_a(policy: OnSplitBrain = OnSplitBrain.KEEP_INCUMBENT) -> Stage:
    stage = start(rw(policy=policy))
    stage.round(a=OLD, b=REPLICA, c=member("c", "SECONDARY"))
    assert stage.ready() == [A]
    stage.now += 1
    return stage


@pytest.mark.parametrize("policy", list(OnSplitBrain))
def test_who_left_the_group_leaves_by_the_word_of_the_new_primary(policy: OnSplitBrain) -> None:
    """It still calls itself the primary, and refuses every write: the other members' word counts. Nobody is alarmed."""
    stage = _led_by_a(policy)
    assert target(B) in stage.hear(B, NEW).probe_soon
    stage.now += 0.05
    assert stage.hear(B, NEW, expedited=True).changed == {KEY}
    assert stage.ready() == [B]
    for _ in range(3):
        stage.round(a=OLD, b=NEW, c=member("c", "SECONDARY", ("b", "c")))
        assert (stage.ready(), stage.reason(A)) == ([B], Reason.WRONG_ROLE)
    assert stage.events(SplitBrain) == []


def test_who_left_the_group_is_out_at_its_own_next_word() -> None:
    """Though the new primary is not ready yet; that one is published all the same."""
    stage = _led_by_a()
    stage.hear(B, NEW)
    stage.now += 0.02
    stage.hear(A, OLD)
    assert (stage.ready(), stage.reason(A)) == ([], Reason.WRONG_ROLE)
    stage.now += 0.05
    stage.hear(B, NEW, expedited=True)
    assert stage.ready() == [B]


def test_who_lost_the_majority_does_not_keep_the_new_primary_waiting() -> None:
    """Its own word, `not-synced`, would take `failureThreshold` periods."""
    stage = _led_by_a()
    assert OLD.facts
    assert OLD.facts.group
    lost = replace(OLD.facts.group, state="ONLINE, PRIMARY, without a majority", member=False)
    stage.hear(A, replace(OLD, facts=replace(OLD.facts, group=lost)))
    assert stage.ready() == [A]
    for _ in range(2):
        stage.hear(B, NEW, expedited=True)
        stage.now += 0.05
    assert stage.ready() == [B]


@pytest.mark.parametrize(
    "other",
    [
        member("b", "PRIMARY", ("b", "c"), group="another"),
        member("b", "PRIMARY", ALL),
        member("b", "PRIMARY", ("b",), group=""),
    ],
    ids=["of-another-group", "still-sees-it", "of-no-name"],
)
def test_another_group_s_primary_is_a_second_writer(other: Observation) -> None:
    """Nothing shows that the published one left."""
    stage = _led_by_a()
    for _ in range(3):
        stage.round(a=OLD, b=other, c=member("c", "SECONDARY"))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.SECOND_WRITER)
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]


def test_who_founded_the_group_anew_alone_is_a_second_writer() -> None:
    """Two halves of one group that do not see each other: both take writes."""
    stage = _led_by_a()
    for _ in range(3):
        stage.round(a=member("a", "PRIMARY", ("a",)), b=NEW, c=member("c", "SECONDARY", ("b", "c")))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.SECOND_WRITER)


def test_who_comes_back_and_is_appointed_is_published() -> None:
    """What the former primary said before that holds it up until the next word of that one."""
    stage = _led_by_a()
    for _ in range(2):
        stage.hear(B, NEW, expedited=True)
        stage.now += 0.05
    assert stage.ready() == [B]
    stage.hear(A, OLD)
    assert stage.ready() == [B]
    stage.hear(B, member("b", "SECONDARY"))
    for _ in range(2):
        stage.hear(A, OLD, expedited=True)
        stage.now += 0.05
    assert (stage.ready(), stage.events(SplitBrain)) == ([A], [])
    assert stage.reason(C) is Reason.WRONG_ROLE
