"""How often full logins are made: what a few hosts keep, what many share, and what stands in the file."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import ProbeTimings
from mooring.model.targets import Target
from mooring.probe.login_pace import LEAST_A_SECOND, MOST_A_SECOND, SHARE, SPREAD, login_paces
from support.engine_harness import TERMS
from support.probe_once import target_of


def hosts(number: int, first: int = 0) -> list[Target]:
    return [target_of("redis", f"10.20.{one // 250}.{one % 250 + 1}", 6379) for one in range(first, first + number)]


def timings(
    number: int, period: float, login: float, *, default: bool = True, first: int = 0
) -> dict[Target, ProbeTimings]:
    one = replace(TERMS, period=period, login=login, login_stated=inf if default else login)
    return dict.fromkeys(hosts(number, first), one)


@pytest.mark.parametrize(
    ("number", "period", "login", "interval"),
    [
        (2, 2.0, 10.0, 10.0),
        (150, 2.0, 10.0, 10.0),
        (300, 2.0, 10.0, 20.0),
        (500, 0.5, 10.0, 500 / 15),
        (10_000, 5.0, 25.0, 10_000 / 30),
    ],
)
def test_many_hosts_share_a_budget(number: int, period: float, login: float, interval: float) -> None:
    """1.5 % of all probes, or 15 a second; up to 150 hosts at the defaults keep their ten seconds."""
    paces = set(login_paces(timings(number, period, login)).values())
    assert [pace.interval for pace in paces] == [pytest.approx(interval)]


def test_what_stands_in_the_file_is_kept_up_to_fifty_a_second() -> None:
    """However many probes there are; more hosts than that stretch it."""
    (kept,) = set(login_paces(timings(500, 2.0, 10.0, default=False)).values())
    (stretched,) = set(login_paces(timings(1000, 2.0, 10.0, default=False)).values())
    assert [kept.interval, stretched.interval] == pytest.approx([10.0, 20.0])


def test_hosts_with_a_default_make_way_for_those_of_the_file() -> None:
    """The default is stretched by its own budget; a Service whose file says so keeps its interval."""
    stated, default = timings(100, 2.0, 10.0, default=False), timings(500, 2.0, 10.0, first=100)
    paces = login_paces(stated | default)
    assert {paces[target].interval for target in stated} == {10.0}
    (interval,) = {paces[target].interval for target in default}
    assert interval == pytest.approx(500 / 15)


def test_a_failed_login_is_not_tried_again_later_because_there_are_many_hosts() -> None:
    """Up to 50 logins a second, ``loginSeconds`` itself says when it is tried again, and when it is a failure."""
    (pace,) = set(login_paces(timings(500, 0.5, 10.0)).values())
    own = pace.patience_after(Observation(Reason.REFUSED))
    assert [pace.retry_base, own] == pytest.approx([10.0, 500 / 15 + 10])


@pytest.mark.parametrize("default", [True, False])
def test_a_failure_that_may_be_common_waits_until_the_others_have_logged_in(default: bool) -> None:  # noqa: FBT001
    """Those with the same credentials, however long they take; up to 150 hosts nothing is longer for it."""
    expired = Observation(Reason.TLS, cause="expired")
    few = login_paces(timings(150, 2.0, 10.0))
    assert {pace.patience_after(expired) for pace in few.values()} == {20.0}
    paces = login_paces(timings(1, 2.0, 10.0, default=default) | timings(500, 2.0, 10.0, first=1))
    others = max(pace.interval for pace in paces.values())
    for pace in paces.values():
        assert pace.patience_after(expired) > SPREAD[1] * (pace.interval + others)


@pytest.mark.parametrize("same_target", [True, False])
def test_what_stands_in_the_file_is_kept_beside_a_shorter_default(same_target: bool) -> None:  # noqa: FBT001
    """A Service with the default lists the same hosts: its own ten seconds make way, the stated twenty stay."""
    if same_target:
        one = replace(TERMS, period=2.0, login=10.0, login_stated=20.0)
        every = dict.fromkeys(hosts(500), one)
    else:
        stated = {replace(host, timeout=0.5): one for host, one in timings(500, 2.0, 20.0, default=False).items()}
        every = timings(500, 2.0, 10.0) | stated
    assert {pace.interval for pace in login_paces(every).values()} == {20.0}


def test_targets_of_one_account_are_one() -> None:
    """Two hundred Services that list the same host with the same credentials log in there as one."""
    shared = dict.fromkeys(
        [target_of("redis", "10.20.0.1", 6379, key=f"switch{one}") for one in range(400)],
        replace(TERMS, login=10.0, login_stated=inf),
    )
    assert {pace.interval for pace in login_paces(shared).values()} == {10.0}


def test_a_protocol_without_a_login_has_no_pace() -> None:
    """Each of its probes is a fresh connection."""
    assert login_paces({target_of("tcp", "10.20.0.1", 80): TERMS}) == {}


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.floats(0.5, 60), st.floats(1, 600), st.booleans()), min_size=1, max_size=4
    )
)
def test_no_budget_is_exceeded_and_none_logs_in_sooner_than_it_should(
    crowds: list[tuple[int, float, float, bool]],
) -> None:
    """Whatever the mixture; and retries are never later than logins."""
    every: dict[Target, ProbeTimings] = {}
    for index, (number, period, login, default) in enumerate(crowds):
        every |= timings(number, period, login, default=default, first=index * 400)
    paces = login_paces(every)
    for target, pace in paces.items():
        assert every[target].login <= pace.retry_base * 1.000001
        assert pace.retry_base <= pace.interval * 1.000001
    default_rate = sum(1 / pace.interval for target, pace in paces.items() if every[target].login_is_default)
    assert default_rate <= 1.000001 * max(LEAST_A_SECOND, SHARE * sum(1 / one.period for one in every.values()))
    assert sum(1 / pace.interval for pace in paces.values()) <= 1.000001 * MOST_A_SECOND
