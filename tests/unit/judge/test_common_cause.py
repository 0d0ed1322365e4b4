"""An error that all hosts give at once is ours; one that only some give is theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.health_stores import place, service, states, store_of, verdicts
from lab.values import KEY, THRESHOLDS, report, stored, target
from mooring.judge.common_cause import FEW, LEFT_SECONDS, LastReport, Ruling, decide
from mooring.judge.store import HealthStore
from mooring.model.facts import Facts
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role, ServiceKey, ServiceSpec
from mooring.model.targets import Target
from mooring.model.verdicts import Verdict
from mooring.protocols.mysql.options import MysqlOptions

A, B, C = HOSTS = ("10.20.0.11", "10.20.0.12", "10.20.0.13")
READY, NOT_READY = Verdict.READY, Verdict.NOT_READY
CODE = Observation(Reason.PROTOCOL, "1234: no table knows this", cause="mysql:1234")
EXPIRED = Observation(Reason.TLS, "the certificate has expired", cause="tls:expired")
OK, REFUSED = Observation(Reason.OK), Observation(Reason.REFUSED)
PERIOD = 2.0
SINCE = 10.0
SAME, EARLIER, OTHER, BEFORE = LastReport(11.0, "c"), LastReport(5.0, "c"), LastReport(11.0, ""), LastReport(9.0, "")

TABLE: dict[str, tuple[list[LastReport | None], int, bool, Ruling]] = {
    "one address": ([], 1, False, Ruling.COUNTS),
    "one address, whose held session answers": ([], 1, True, Ruling.COMMON),
    "none is concerned": ([], 0, False, Ruling.COUNTS),
    "two give it": ([SAME], 2, False, Ruling.COMMON),
    "two give it, the other since before": ([EARLIER], 2, False, Ruling.COMMON),
    "the other says something else": ([OTHER], 2, False, Ruling.COUNTS),
    "the other says something else, a held session answers": ([OTHER], 2, True, Ruling.COUNTS),
    "the other gives another cause": ([LastReport(11.0, "d")], 2, False, Ruling.COUNTS),
    "the other was well before": ([BEFORE], 2, False, Ruling.WAITS),
    "the other was not heard": ([None], 2, False, Ruling.WAITS),
    "one of three was not heard": ([SAME, None], 3, False, Ruling.WAITS),
    "one of three was not heard, another says something else": ([OTHER, None], 3, False, Ruling.COUNTS),
    "three give it": ([SAME, EARLIER], 3, False, Ruling.COMMON),
}


@pytest.mark.parametrize(("others", "addresses", "held", "ruling"), TABLE.values(), ids=TABLE)
def test_each_row_of_the_table(others: list[LastReport | None], addresses: int, *, held: bool, ruling: Ruling) -> None:
    """The table of the module, row by row."""
    assert decide("c", SINCE, others, addresses=addresses, held=held) is ruling


class World:
    """Hosts with a set answer each; one that is asked as a witness answers at once."""

    def __init__(self, *services: ServiceSpec, ready: tuple[str, ...] = HOSTS) -> None:
        self.store = store_of(*(services or (service(*HOSTS),)), of=stored(ready))
        self.now = 100.0
        self.says: dict[str, Observation] = dict.fromkeys(HOSTS, OK)
        self.asked: list[str] = []

    def hear(self, address: str, of: Target | None = None, *, witness: bool = False) -> None:
        seen = replace(report(of or target(address), started=self.now, witness=witness), observation=self.says[address])
        self.now += 0.02
        for one in sorted(self.store.take([seen]).ask, key=lambda each: each.address):
            self.asked.append(one.address)
            self.hear(one.address, one, witness=True)

    def round(self, *addresses: str) -> None:
        """A period, in which these hosts are probed in this order."""
        for address in addresses or HOSTS:
            self.hear(address)
        self.now += PERIOD

    def verdicts(self, key: ServiceKey = KEY) -> list[Verdict]:
        return list(verdicts(self.store, key).values())

    def reason(self, address: str) -> Reason:
        outcome = states(self.store)[address].outcome
        assert outcome
        return outcome.reason


@pytest.mark.fault(
    "account", "One certificate of all hosts expires", "`unknown: common-cause`.", within="nothing moves"
)
@pytest.mark.parametrize("seen", [CODE, EXPIRED], ids=["code", "tls"])
def test_what_all_hosts_give_at_once_moves_nothing(seen: Observation) -> None:
    """An upgrade of all servers brings an error that no table knows, or one certificate of all expires."""
    world = World()
    world.round()
    world.says = dict.fromkeys(HOSTS, seen)
    for _ in range(3 * THRESHOLDS.failure):
        world.round()
    assert world.verdicts() == [READY] * 3
    assert [world.reason(address) for address in HOSTS] == [Reason.COMMON_CAUSE] * 3
    outcome = states(world.store)[A].outcome
    assert outcome
    assert outcome.message == seen.message, "the error is shown all the same"


@pytest.mark.parametrize("seen", [CODE, EXPIRED], ids=["code", "tls"])
def test_what_one_host_gives_beside_others_counts_at_once(seen: Observation) -> None:
    """The others are asked as witnesses, answer rightly, and the host leaves after `failureThreshold` probes."""
    world = World()
    world.round()
    world.says[A] = seen
    for turn in range(THRESHOLDS.failure):
        assert world.verdicts() == [READY] * 3, turn
        world.round()
    assert world.verdicts() == [NOT_READY, READY, READY]
    assert world.asked == [B, C], "once, as their word holds for as long as the cause lasts"
    world.says[A] = OK
    for _ in range(THRESHOLDS.success):
        world.round()
    assert world.verdicts() == [READY] * 3


def test_a_lone_host_leaves_by_its_error() -> None:
    """With one address and no held session the error counts."""
    world = World(service(A), ready=(A,))
    world.says[A] = CODE
    for _ in range(THRESHOLDS.failure):
        world.round(A)
    assert world.verdicts() == [NOT_READY]


def test_a_lone_host_whose_held_session_answers_stays() -> None:
    """Only our new login fails there, so the host stays; a wrong role that it reports counts."""
    plain = service(A)
    primary = replace(plain, check=replace(plain.check, requirement=Requirement(Role.PRIMARY)))
    world = World(primary, ready=(A,))
    world.says[A] = replace(CODE, held=True, facts=Facts())
    for _ in range(3 * THRESHOLDS.failure):
        world.round(A)
    assert (world.verdicts(), world.reason(A)) == ([READY], Reason.COMMON_CAUSE)
    world.says[A] = replace(CODE, held=True, facts=Facts(read_only="read_only=1"))
    world.round(A)
    assert (world.verdicts(), world.reason(A)) == ([NOT_READY], Reason.READ_ONLY)


def test_a_held_session_that_answers_shows_the_cause_of_the_last_login() -> None:
    """Logins fail one after the other, sessions go on: the first that is believed meets others with the same cause."""
    world = World()
    world.says = dict.fromkeys(HOSTS, replace(OK, cause="tls:expired"))
    world.round()
    assert world.verdicts() == [READY] * 3
    world.says[A] = replace(EXPIRED, held=True)
    for _ in range(2 * THRESHOLDS.failure):
        world.round()
    assert (world.verdicts(), world.reason(A), world.reason(B)) == ([READY] * 3, Reason.COMMON_CAUSE, Reason.OK)


def test_of_hosts_that_fail_one_after_the_other_the_last_stays() -> None:
    """While another host answers rightly the cause is the host's own; once none does, nobody leaves any more."""
    world = World()
    world.round()
    for address in HOSTS:
        world.says[address] = EXPIRED
        for _ in range(THRESHOLDS.failure + 1):
            world.round()
    assert world.verdicts() == [NOT_READY, NOT_READY, READY]


def test_a_host_that_left_for_the_cause_is_concerned_for_an_hour() -> None:
    """Two of two are out or in doubt for one cause: the second stays. An hour later it would be judged alone."""
    world = World(service(A, B), ready=(A, B))
    world.round(A, B)
    world.says[A] = CODE
    for _ in range(THRESHOLDS.failure):
        world.round(A, B)
    world.says[B] = CODE
    for _ in range(2 * THRESHOLDS.failure):
        world.round(A, B)
    assert (world.verdicts(), world.reason(B)) == ([NOT_READY, READY], Reason.COMMON_CAUSE)
    world.now += LEFT_SECONDS
    for _ in range(THRESHOLDS.failure):
        world.round(A, B)
    assert world.verdicts() == [NOT_READY, NOT_READY]


def test_what_is_known_of_a_cause_outlives_a_changed_file() -> None:
    """The first host has left for the error; a reload that leaves the hosts as they are forgets nothing of that."""
    listed = service(A, B)
    world = World(listed, ready=(A, B))
    world.round(A, B)
    world.says[A] = CODE
    for _ in range(THRESHOLDS.failure):
        world.round(A, B)
    place(world.store, replace(listed, min_ready=2))
    world.says[B] = CODE
    for _ in range(2 * THRESHOLDS.failure):
        world.round(A, B)
    assert (world.verdicts(), world.reason(B)) == ([NOT_READY, READY], Reason.COMMON_CAUSE)


@pytest.mark.parametrize("other", [REFUSED, Observation(Reason.AUTH), EXPIRED], ids=["refused", "auth", "another"])
def test_another_error_is_no_common_cause(other: Observation) -> None:
    """A cause is common only if the last probe of each concerned host gave it."""
    world = World(service(A, B), ready=(A, B))
    world.says = {A: CODE, B: other}
    for _ in range(THRESHOLDS.failure):
        world.round(A, B)
    assert world.verdicts()[0] is NOT_READY


def test_a_witness_that_is_never_heard_delays_a_verdict_by_its_timeout_only() -> None:
    """A report that waits counts after the longest timeout and a second, whatever the others do."""
    store = store_of(service(A, B), of=stored((A, B)))
    for turn in range(THRESHOLDS.failure + 1):
        made = replace(report(target(A), started=100.0 + 3 * turn), observation=CODE)
        assert store.take([made]).ask == ({target(B)} if turn == 0 else set())
    assert verdicts(store) == {A: NOT_READY, B: READY}


def test_a_few_are_asked_before_all() -> None:
    """That one of fifty hosts fails costs three questions; where these fail too, all are asked."""
    addresses = tuple(f"10.20.0.{n}" for n in range(11, 61))
    store = store_of(service(*addresses), of=stored(addresses))
    seen = replace(report(target(addresses[0]), started=100.0), observation=CODE)
    first = store.take([seen]).ask
    assert first == {target(one) for one in addresses[1 : FEW + 1]}
    second = frozenset[Target]()
    for one in sorted(first, key=lambda each: each.address):
        assert second == set()
        second = store.take([replace(seen, target=one, witness=True, started=100.1, ended=100.2)]).ask
    assert second == {target(one) for one in addresses[FEW + 1 :]}


def placed(store: HealthStore, options: MysqlOptions, *hosts: str, key: ServiceKey) -> list[Target]:
    plain = service(*hosts, key=key)
    place(store, replace(plain, check=replace(plain.check, protocol="mysql", options=options)))
    store.seed(key, stored(hosts))
    return [one for one in store.targets() if one.options == options]


def test_hosts_that_are_asked_with_other_credentials_say_nothing_of_ours() -> None:
    """Errors of one account do not concern another; two Services with the same account are judged together."""
    store = HealthStore()
    same, other = (
        MysqlOptions.model_validate({"user": user, "passwordFile": "/secrets/p"}) for user in ("mooring", "other")
    )
    (mine,) = placed(store, same, A, key=ServiceKey("default", "one"))
    (yours,) = placed(store, other, B, key=ServiceKey("default", "two"))
    seen = replace(report(mine, started=100.0), observation=CODE)
    assert store.take([seen]).ask == set()
    more = [one for one in placed(store, same, C, key=ServiceKey("other", "one")) if one.address == C]
    assert store.take([replace(seen, started=102.0, ended=102.1)]).ask == set(more)
    assert yours not in more


@given(
    st.permutations(HOSTS),
    st.lists(st.tuples(st.sampled_from(HOSTS), st.floats(0.01, 3.0)), max_size=40),
    st.sampled_from([CODE, EXPIRED]),
)
def test_one_cause_of_all_never_takes_a_host_out(
    first: list[str], later: list[tuple[str, float]], seen: Observation
) -> None:
    """In whatever order and rhythm the hosts are probed from the moment on that all of them give it."""
    world = World()
    world.round(*first)
    world.says = dict.fromkeys(HOSTS, seen)
    for address, seconds in later:
        world.now += seconds
        world.hear(address)
    assert world.verdicts() == [READY] * 3


@given(st.lists(st.tuples(st.sampled_from(HOSTS), st.sampled_from([OK, CODE, EXPIRED, REFUSED])), max_size=60))
def test_nothing_is_kept_of_what_has_passed(steps: list[tuple[str, Observation]]) -> None:
    """Once every host answers again, nothing waits and no word is kept; a host that is dropped leaves no trace."""
    world = World()
    for address, seen in steps:
        world.says[address] = seen
        world.hear(address)
        world.now += PERIOD
    world.says = dict.fromkeys(HOSTS, OK)
    world.round()
    causes = world.store._causes
    assert (causes.since, causes.last_reports, causes.waiting, causes.asked) == ({}, {}, (), frozenset())
    world.store.drop(KEY)
    assert (causes.groups, causes.left) == ({}, {})
