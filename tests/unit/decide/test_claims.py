"""claims: which of the hosts that call themselves primary a Service of one writer publishes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.decide.claims import Claimant, Ruled, Ruling, elected, is_stale, rule
from mooring.spec import OnSplitBrain

KEEP, NONE = OnSplitBrain.KEEP_INCUMBENT, OnSplitBrain.PUBLISH_NONE
ADMITTED, WAITS, RIVALS = Ruled(Ruling.ADMITTED), Ruling.WAITS, Ruling.RIVALS
MAJORITY = Ruled(WAITS, "the majority of the Sentinels")


def claimant(name: str, **said: Any) -> Claimant:
    return replace(Claimant(name, ready=False, claims=False, claiming=False, heard=True, lost=False), **said)


def claiming(name: str, **said: Any) -> Claimant:
    return claimant(name, claims=True, claiming=True, **said)


ME, MINE = claiming("me"), claiming("me", ready=True)
REPLICA, UNHEARD, RIVAL = claimant("db3"), claimant("db3", heard=False), claiming("db2")
SILENT = claimant("db2", claims=True)
"""It claimed a moment ago, and its last probe told nothing."""
INCUMBENT = claiming("db1", ready=True)
FAILING = claimant("db1", ready=True, claims=True)
DEAD = claimant("db1", ready=True)
LOST = claimant("db1", ready=True, lost=True)
DEFAULT: dict[str, Any] = {"first": True, "several": False, "stale": False, "policy": KEEP}
STANDBY, STALE = Ruling.STANDBY, Ruling.STALE

CASES: dict[str, tuple[Claimant, tuple[Claimant, ...], dict[str, Any], Ruled]] = {
    # The Electors name another
    "named another, published": (MINE, (REPLICA,), {"named": "x:1"}, Ruled(Ruling.NAMED_ELSE, "x:1")),
    "named another, beside": (ME, (LOST,), {"named": "x:1"}, Ruled(Ruling.NAMED_ELSE, "x:1")),
    "named another, vacant": (ME, (REPLICA,), {"named": "x:1"}, Ruled(Ruling.NAMED_ELSE, "x:1")),
    # They have no majority
    "no majority, published": (MINE, (RIVAL,), {"named": ""}, ADMITTED),
    "no majority, published, rather none": (MINE, (RIVAL,), {"named": "", "policy": NONE}, Ruled(RIVALS, "db2")),
    "no majority, beside": (ME, (LOST,), {"named": ""}, MAJORITY),
    "no majority, vacant": (ME, (REPLICA,), {"named": ""}, MAJORITY),
    # They name it
    "named, published": (MINE, (RIVAL,), {"named": "me:1", "elected": True}, ADMITTED),
    "named, published, rather none": (MINE, (RIVAL,), {"named": "me:1", "elected": True, "policy": NONE}, ADMITTED),
    "named, beside": (
        ME,
        (INCUMBENT,),
        {"named": "me:1", "elected": True},
        Ruled(Ruling.ADMITTED, "db1", yields=True),
    ),
    "named, vacant": (ME, (RIVAL, UNHEARD), {"named": "me:1", "elected": True, "stale": True}, ADMITTED),
    # There are none: it is published
    "published alone": (MINE, (REPLICA,), {}, ADMITTED),
    "published, a rival": (MINE, (RIVAL,), {}, ADMITTED),
    "published, a rival, rather none": (MINE, (REPLICA, RIVAL), {"policy": NONE}, Ruled(RIVALS, "db2")),
    "published, a rival that fell silent, rather none": (MINE, (SILENT,), {"policy": NONE}, ADMITTED),
    "published, several may write, rather none": (MINE, (RIVAL,), {"policy": NONE, "several": True}, ADMITTED),
    # There are none: another is published
    "beside one that says so as well": (ME, (INCUMBENT,), {}, Ruled(RIVALS, "db1")),
    "beside one that fails": (ME, (FAILING,), {}, Ruled(WAITS, "db1")),
    "beside one that is dead, not judged yet": (ME, (DEAD,), {}, Ruled(WAITS, "db1")),
    "beside one that is unknown for long": (ME, (LOST, REPLICA), {}, Ruled(Ruling.ADMITTED, "db1", yields=True)),
    "beside an unknown one, with a rival": (ME, (LOST, RIVAL), {}, Ruled(WAITS, "db1")),
    "beside an unknown one, a rival just silent": (ME, (LOST, SILENT), {}, Ruled(WAITS, "db1")),
    "beside an unknown one, stale": (ME, (LOST,), {"stale": True}, Ruled(WAITS, "db1")),
    "beside one where several may write": (ME, (INCUMBENT,), {"several": True}, Ruled(STANDBY, "db1")),
    "beside an unknown one where several may write": (
        ME,
        (LOST,),
        {"several": True},
        Ruled(Ruling.ADMITTED, "db1", yields=True),
    ),
    # There are none: nobody is published
    "before all were heard": (ME, (REPLICA, UNHEARD), {}, Ruled(WAITS, "db3")),
    "before all were heard, with a rival": (ME, (RIVAL, UNHEARD), {}, Ruled(WAITS, "db3")),
    "with a rival": (ME, (RIVAL,), {}, Ruled(RIVALS, "db2")),
    "with a rival that just fell silent": (ME, (SILENT,), {}, Ruled(RIVALS, "db2")),
    "several may write, the first": (ME, (RIVAL,), {"several": True}, ADMITTED),
    "several may write, not the first": (ME, (RIVAL,), {"several": True, "first": False}, Ruled(STANDBY, "db2")),
    "alone": (ME, (REPLICA,), {"first": False}, ADMITTED),
    "the only host": (ME, (), {}, ADMITTED),
    "alone and stale": (ME, (REPLICA,), {"stale": True}, Ruled(STALE)),
}


@pytest.mark.parametrize(("mine", "others", "known", "expected"), CASES.values(), ids=CASES)
def test_each_claim_has_its_ruling(
    mine: Claimant, others: tuple[Claimant, ...], known: dict[str, Any], expected: Ruled
) -> None:
    """The table of the module, cell by cell."""
    assert rule(mine, others, **(DEFAULT | known)) == expected


HOST = st.builds(
    lambda claims, probes, lost: Claimant(
        "",
        ready=False,
        claims=claims,
        claiming=claims and probes,
        heard=probes or lost,
        lost=lost and not (claims and probes),
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@st.composite
def services(draw: st.DrawFn) -> tuple[list[Claimant], list[bool], dict[str, Any]]:
    """Hosts of which at most one is published, whether several may write, and whom the Electors name."""
    drawn = draw(st.lists(HOST, min_size=1, max_size=5))
    incumbent = draw(st.none() | st.integers(0, len(drawn) - 1))
    hosts = [replace(one, name=str(number), ready=number == incumbent) for number, one in enumerate(drawn)]
    several = draw(st.booleans())
    stale = draw(st.lists(st.booleans(), min_size=len(hosts), max_size=len(hosts)))
    named = draw(st.none() | st.just("") | st.sampled_from([*(host.name for host in hosts), "stranger"]))
    return hosts, stale, {"several": several, "named": named, "policy": draw(st.sampled_from([KEEP, NONE]))}


def ruled(hosts: list[Claimant], number: int, stale: bool, known: dict[str, Any]) -> Ruled:  # noqa: FBT001 -- a drawn value
    mine, others = hosts[number], hosts[:number] + hosts[number + 1 :]
    first = not any(one.claims for one in hosts[:number])
    return rule(mine, others, first=first, stale=stale, elected=known["named"] == mine.name, **known)


@given(services())
def test_of_all_that_claim_at_a_moment_one_at_most_is_admitted(drawn: tuple[Any, Any, Any]) -> None:
    """Whatever is known of them, whoever is ruled first."""
    hosts, stale, known = drawn
    found = [ruled(hosts, n, stale[n], known).ruling for n, host in enumerate(hosts) if host.claiming]
    assert found.count(Ruling.ADMITTED) <= 1


@given(services(), st.data())
def test_ruled_in_any_order_two_are_never_published(drawn: tuple[Any, Any, Any], data: st.DataObject) -> None:
    """Each ruling carried out before the next one, in any order, some of them again."""
    hosts, stale, known = drawn
    for number in data.draw(st.lists(st.sampled_from(range(len(hosts))), max_size=12)):
        if not hosts[number].claiming:
            continue
        found = ruled(hosts, number, stale[number], known)
        if found.yields:
            hosts = [replace(one, ready=False) for one in hosts]
        if found.ruling is not Ruling.WAITS:
            hosts[number] = replace(hosts[number], ready=found.ruling is Ruling.ADMITTED)
        assert sum(one.ready for one in hosts) <= 1


@given(services())
def test_a_published_host_that_speaks_is_replaced_by_the_electors_word_alone(drawn: tuple[Any, Any, Any]) -> None:
    """Without Sentinels nobody is admitted beside an incumbent that says with its last probe that it is the primary."""
    hosts, stale, known = drawn
    speaks = any(host.ready and host.claiming for host in hosts)
    for number, host in enumerate(hosts):
        if speaks and host.claiming and not host.ready and known["named"] != host.name:
            assert ruled(hosts, number, stale[number], known).ruling is not Ruling.ADMITTED


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
    """By what each of them had come to, in each stream of changes."""
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
    """A Sentinel that says nothing counts against every name: a minority that is cut off elects nobody."""
    assert elected(words) == found
