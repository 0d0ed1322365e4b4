"""Which of the hosts that call themselves primary a Service of one primary publishes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.judge.primary import UNDECIDED, Candidacy, Claimant, PrimaryDecision, decide_primary, is_stale, majority
from mooring.model.spec import OnSplitBrain

KEEP, NONE = OnSplitBrain.KEEP_INCUMBENT, OnSplitBrain.PUBLISH_NONE
ADMITTED, WAITS, RIVALS = PrimaryDecision(Candidacy.ADMITTED), Candidacy.WAITS, Candidacy.RIVALS
MAJORITY = PrimaryDecision(Candidacy.NO_MAJORITY)


def claimant(name: str, **said: Any) -> Claimant:
    return replace(Claimant(name, ready=False, claims_primary=False, claimed_in_last_probe=False, heard=True), **said)


def claimed_in_last_probe(name: str, **said: Any) -> Claimant:
    return claimant(name, claims_primary=True, claimed_in_last_probe=True, **said)


ME, MINE = claimed_in_last_probe("me"), claimed_in_last_probe("me", ready=True)
REPLICA, UNHEARD, RIVAL = claimant("db3"), claimant("db3", heard=False), claimed_in_last_probe("db2")
SILENT = claimant("db2", claims_primary=True)
"""It claimed a moment ago, and its last probe shows no claim."""
FORMER, STALE_RIVAL = replace(ME, stale=True), replace(RIVAL, name="db4", stale=True)
INCUMBENT = claimed_in_last_probe("db1", ready=True)
FAILING = claimant("db1", ready=True, claims_primary=True)
DEAD = claimant("db1", ready=True)
LOST = claimant("db1", ready=True, refuses_us=True)
DEFAULT: dict[str, Any] = {"first": True, "several": False, "policy": KEEP}
STANDBY, STALE = Candidacy.STANDBY, Candidacy.STALE

CASES: dict[str, tuple[Claimant, tuple[Claimant, ...], dict[str, Any], PrimaryDecision]] = {
    # The quorum names another
    "named another, published": (
        MINE,
        (REPLICA,),
        {"quorum_choice": "x:1"},
        PrimaryDecision(Candidacy.OTHER_NAMED, "x:1"),
    ),
    "named another, beside": (ME, (LOST,), {"quorum_choice": "x:1"}, PrimaryDecision(Candidacy.OTHER_NAMED, "x:1")),
    "named another, vacant": (ME, (REPLICA,), {"quorum_choice": "x:1"}, PrimaryDecision(Candidacy.OTHER_NAMED, "x:1")),
    # They have no majority
    "no majority, published": (MINE, (RIVAL,), {"quorum_choice": ""}, ADMITTED),
    "no majority, published, rather none": (
        MINE,
        (RIVAL,),
        {"quorum_choice": "", "policy": NONE},
        PrimaryDecision(RIVALS, "db2"),
    ),
    "no majority, beside": (ME, (LOST,), {"quorum_choice": ""}, MAJORITY),
    "no majority, vacant": (ME, (REPLICA,), {"quorum_choice": ""}, MAJORITY),
    # They name it
    "named, published": (MINE, (RIVAL,), {"quorum_choice": "me:1", "is_quorum_choice": True}, ADMITTED),
    "named, published, rather none": (
        MINE,
        (RIVAL,),
        {"quorum_choice": "me:1", "is_quorum_choice": True, "policy": NONE},
        ADMITTED,
    ),
    "named, beside": (
        ME,
        (INCUMBENT,),
        {"quorum_choice": "me:1", "is_quorum_choice": True},
        PrimaryDecision(Candidacy.ADMITTED, "db1", yields=True),
    ),
    "named, vacant": (
        FORMER,
        (RIVAL, UNHEARD),
        {"quorum_choice": "me:1", "is_quorum_choice": True},
        ADMITTED,
    ),
    # There are none: it is published
    "published alone": (MINE, (REPLICA,), {}, ADMITTED),
    "published, a rival": (MINE, (RIVAL,), {}, ADMITTED),
    "published, a rival, rather none": (MINE, (REPLICA, RIVAL), {"policy": NONE}, PrimaryDecision(RIVALS, "db2")),
    "published, a rival that fell silent, rather none": (MINE, (SILENT,), {"policy": NONE}, ADMITTED),
    "published, several may write, rather none": (MINE, (RIVAL,), {"policy": NONE, "several": True}, ADMITTED),
    # There are none: another is published
    "beside one that says so as well": (ME, (INCUMBENT,), {}, PrimaryDecision(RIVALS, "db1")),
    "beside one that fails": (ME, (FAILING,), {}, PrimaryDecision(WAITS, "db1")),
    "beside one that is dead, not judged yet": (ME, (DEAD,), {}, PrimaryDecision(WAITS, "db1")),
    "beside one that is unknown for long": (
        ME,
        (LOST, REPLICA),
        {},
        PrimaryDecision(Candidacy.ADMITTED, "db1", yields=True),
    ),
    "beside an unknown one, with a rival": (ME, (LOST, RIVAL), {}, PrimaryDecision(WAITS, "db1")),
    "beside an unknown one, a rival just silent": (ME, (LOST, SILENT), {}, PrimaryDecision(WAITS, "db1")),
    "beside an unknown one, stale": (FORMER, (LOST,), {}, PrimaryDecision(WAITS, "db1")),
    "beside one where several may write": (ME, (INCUMBENT,), {"several": True}, PrimaryDecision(STANDBY, "db1")),
    "beside an unknown one where several may write": (
        ME,
        (LOST,),
        {"several": True},
        PrimaryDecision(Candidacy.ADMITTED, "db1", yields=True),
    ),
    # There are none: nobody is published
    "before all were heard": (ME, (REPLICA, UNHEARD), {}, PrimaryDecision(WAITS, "db3")),
    "before all were heard, with a rival": (ME, (RIVAL, UNHEARD), {}, PrimaryDecision(WAITS, "db3")),
    "with a rival": (ME, (RIVAL,), {}, PrimaryDecision(RIVALS, "db2")),
    "with a rival that just fell silent": (ME, (SILENT,), {}, PrimaryDecision(RIVALS, "db2")),
    "several may write, the first": (ME, (RIVAL,), {"several": True}, ADMITTED),
    "several may write, not the first": (
        ME,
        (RIVAL,),
        {"several": True, "first": False},
        PrimaryDecision(STANDBY, "db2"),
    ),
    "alone": (ME, (REPLICA,), {"first": False}, ADMITTED),
    "the only host": (ME, (), {}, ADMITTED),
    "alone and stale": (FORMER, (REPLICA,), {}, PrimaryDecision(STALE)),
    # A claimant that is stale
    "stale, with a rival": (FORMER, (RIVAL,), {}, PrimaryDecision(STALE)),
    "with a rival that is stale": (ME, (STALE_RIVAL,), {}, ADMITTED),
    "with two rivals, one of them stale": (ME, (STALE_RIVAL, RIVAL), {}, PrimaryDecision(RIVALS, "db2")),
    "beside one that refuses us, with a rival that is stale": (
        ME,
        (LOST, STALE_RIVAL),
        {},
        PrimaryDecision(Candidacy.ADMITTED, "db1", yields=True),
    ),
    "published, a rival that is stale, rather none": (MINE, (STALE_RIVAL,), {"policy": NONE}, ADMITTED),
    # Another address of the same server stands for it
    "the same server is published": (ME, (REPLICA,), {"twin": "db1"}, PrimaryDecision(Candidacy.SAME_SERVER, "db1")),
    "it is published itself": (MINE, (REPLICA,), {"twin": "db1"}, ADMITTED),
    "the same server, named": (ME, (), {"twin": "db1", "quorum_choice": "me", "is_quorum_choice": True}, ADMITTED),
    "the same server, no majority": (ME, (), {"twin": "db1", "quorum_choice": ""}, MAJORITY),
}


@pytest.mark.parametrize(("mine", "others", "known", "expected"), CASES.values(), ids=CASES)
def test_each_claim_has_its_ruling(
    mine: Claimant, others: tuple[Claimant, ...], known: dict[str, Any], expected: PrimaryDecision
) -> None:
    """The table of the module, cell by cell."""
    assert decide_primary(mine, others, **(DEFAULT | known)) == expected


HOST = st.builds(
    lambda claims_primary, probes, lost, stale: Claimant(
        "",
        ready=False,
        claims_primary=claims_primary,
        claimed_in_last_probe=claims_primary and probes,
        heard=probes or lost,
        refuses_us=lost and not (claims_primary and probes),
        stale=stale,
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@st.composite
def services(draw: st.DrawFn) -> tuple[list[Claimant], dict[str, Any]]:
    """Hosts of which at most one is published, whether several may write, and whom the quorum names."""
    drawn = draw(st.lists(HOST, min_size=1, max_size=5))
    incumbent = draw(st.none() | st.integers(0, len(drawn) - 1))
    hosts = [replace(one, name=str(number), ready=number == incumbent) for number, one in enumerate(drawn)]
    several = draw(st.booleans())
    quorum_choice = draw(st.none() | st.just("") | st.sampled_from([*(host.name for host in hosts), "stranger"]))
    return (
        hosts,
        {"several": several, "quorum_choice": quorum_choice, "policy": draw(st.sampled_from([KEEP, NONE]))},
    )


def decision(hosts: list[Claimant], number: int, known: dict[str, Any]) -> PrimaryDecision:
    mine, others = hosts[number], hosts[:number] + hosts[number + 1 :]
    first = not any(one.claims_primary for one in hosts[:number])
    return decide_primary(mine, others, first=first, is_quorum_choice=known["quorum_choice"] == mine.name, **known)


@given(services())
def test_of_all_that_claim_at_a_moment_one_at_most_is_admitted(drawn: tuple[Any, Any]) -> None:
    """At most one host is admitted, whatever is known of the hosts and in whatever order they are decided."""
    hosts, known = drawn
    found = [decision(hosts, n, known).candidacy for n, host in enumerate(hosts) if host.claimed_in_last_probe]
    assert found.count(Candidacy.ADMITTED) <= 1


@given(services(), st.data())
def test_ruled_in_any_order_two_are_never_published(drawn: tuple[Any, Any], data: st.DataObject) -> None:
    """The decisions in any order, some of them twice, each carried out before the next."""
    hosts, known = drawn
    for number in data.draw(st.lists(st.sampled_from(range(len(hosts))), max_size=12)):
        if not hosts[number].claimed_in_last_probe:
            continue
        found = decision(hosts, number, known)
        if found.yields:
            hosts = [replace(one, ready=False) for one in hosts]
        if found.candidacy not in UNDECIDED:
            hosts[number] = replace(hosts[number], ready=found.candidacy is Candidacy.ADMITTED)
        assert sum(one.ready for one in hosts) <= 1


@given(services())
def test_a_published_host_that_speaks_is_replaced_by_the_quorums_word_alone(drawn: tuple[Any, Any]) -> None:
    """Without a quorum nobody is admitted beside an incumbent that says with its last probe that it is the primary."""
    hosts, known = drawn
    speaks = any(host.ready and host.claimed_in_last_probe for host in hosts)
    for number, host in enumerate(hosts):
        if speaks and host.claimed_in_last_probe and not host.ready and known["quorum_choice"] != host.name:
            assert decision(hosts, number, known).candidacy is not Candidacy.ADMITTED


@pytest.mark.parametrize(
    ("now", "lost", "latest", "stale"),
    [
        pytest.param({}, {}, {}, False, id="nothing is known"),
        pytest.param({"a": 5}, {"a": 5}, {"a": 5}, False, id="the last writer wrote nothing"),
        pytest.param({"a": 5}, {"a": 5}, {"a": 5, "b": 1}, True, id="it has nothing of what came after"),
        pytest.param({"a": 9}, {"a": 5}, {"a": 5, "b": 1}, True, id="it has only written on itself"),
        pytest.param({"a": 5, "b": 1}, {"a": 5}, {"a": 5, "b": 7}, False, id="it has followed for a while"),
        pytest.param({"a": 5, "b": 7}, {"a": 5}, {"a": 5, "b": 7}, False, id="it has followed to the end"),
        pytest.param({"a": 5, "b": 3}, {"a": 5, "b": 3}, {"a": 5, "b": 4}, True, id="the other wrote before too"),
        pytest.param({"a": 5, "b": 4}, {"a": 5, "b": 3}, {"a": 5, "b": 4}, False, id="and it has that"),
        pytest.param({}, {"a": 5}, {"a": 5, "b": 1}, True, id="it comes back empty"),
        pytest.param({"c": 1}, {}, {"b": 1}, True, id="it comes back with another history"),
        pytest.param({"a": 5, "b": 1}, {"a": 5}, {"b": 1, "c": 1}, False, id="it has one of several streams"),
        pytest.param({"a": 5}, {"a": 5}, {"a": 3}, False, id="the last writer lacked its end"),
    ],
)
def test_a_former_writer_is_stale_that_has_nothing_of_what_came_after_it(
    now: dict[str, int], lost: dict[str, int], latest: dict[str, int], *, stale: bool
) -> None:
    """Positions are compared stream by stream."""
    assert is_stale(now, lost, latest) is stale


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ""),
        ([None], ""),
        (["a"], "a"),
        (["a", None], ""),
        (["a", "a", None], "a"),
        (["a", "b", None], ""),
        (["a", "a", "b"], "a"),
        (["a", "b", "c"], ""),
        (["a", "a", None, None], ""),
        (["a", "a", "a", None, "b"], "a"),
        (["a", "a", "b", "b"], ""),
        (["", "", "a"], ""),
    ],
)
def test_a_majority_is_one_of_all_that_are_listed(words: list[str | None], found: str) -> None:
    """One of the quorum that says nothing counts against every name: a minority that is cut off elects nobody."""
    assert majority(words) == found
