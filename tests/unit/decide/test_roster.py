"""A Service of one writer: who is published while hosts claim, fall silent, come back, and are named by Sentinels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ground.boards import board_of, kinds, place, states, verdicts
from ground.values import KEY, THRESHOLDS, report, spec, stored, target
from mooring.board import Board, Taken
from mooring.events import HostChanged, SplitBrain, SplitBrainEnded
from mooring.facts import Channel, Facts, Group
from mooring.model import Observation, Target, Verdict
from mooring.protocols.tcp.options import TcpOptions
from mooring.reasons import Reason
from mooring.spec import Electors, OnSplitBrain, Requirement, Role, ServiceSpec, Thresholds

A, B, C = HOSTS = ("10.20.0.11", "10.20.0.12", "10.20.0.13")
PRIMARY = Observation(Reason.OK, facts=Facts())
READ_ONLY = Observation(Reason.OK, facts=Facts(read_only="read_only=1"))
DEAD = Observation(Reason.REFUSED)
UNKNOWN = Observation(Reason.AUTH)
GALERA = Observation(Reason.OK, facts=Facts(group=Group("Galera", "Synced", member=True, writer=True, several=True)))
PERIOD = 2.0


def replica_of(source: str) -> Observation:
    return Observation(Reason.OK, facts=Facts(read_only="read_only=1", channels=(Channel(f"{source}:3306"),)))


def written(**streams: int) -> Observation:
    """A primary that has come so far."""
    return Observation(Reason.OK, facts=Facts(history=streams))


def rw(*addresses: str, policy: OnSplitBrain = OnSplitBrain.KEEP_INCUMBENT, electors: int = 0) -> ServiceSpec:
    plain = spec(*(addresses or HOSTS), period=PERIOD)
    named = Electors("tcp", TcpOptions(), tuple((f"10.20.1.{n}", 26379) for n in range(electors))) if electors else None
    check = replace(plain.check, requirement=Requirement(Role.PRIMARY), electors=named)
    return replace(plain, check=check, on_split_brain=policy)


class Stage:
    """Hosts that say what they say, each asked once a period, or before its turn where the board wants it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.now = 0.0
        self.taken: list[Taken] = []

    def hear(self, address: str, seen: Observation, *, hastened: bool = False) -> Taken:
        made = replace(report(target(address), started=self.now), observation=seen, hastened=hastened)
        self.taken.append(self.board.take([made]))
        ready = [one for one, verdict in verdicts(self.board).items() if verdict is Verdict.READY]
        assert len(ready) <= 1
        return self.taken[-1]

    def round(self, **seen: Observation) -> None:
        """One period: a, b, c say this."""
        self.now += PERIOD
        for name, one in seen.items():
            self.hear({"a": A, "b": B, "c": C}[name], one)

    def vote(self, *names: str | None) -> frozenset[Target]:
        """Each Sentinel is asked; returns whom to ask soon."""
        hasten = frozenset[Target]()
        for number, name in enumerate(names):
            asked = replace(target(f"10.20.1.{number}"), port=26379)
            made = replace(report(asked, started=self.now), observation=Observation(Reason.OK, answer=name))
            hasten |= self.board.take([made]).hasten
        return hasten

    def ready(self) -> list[str]:
        return [address for address, verdict in verdicts(self.board).items() if verdict is Verdict.READY]

    def reason(self, address: str) -> Reason:
        outcome = states(self.board)[address].outcome
        assert outcome
        return outcome.reason

    def events(self, kind: type) -> list[object]:
        return [event for taken in self.taken for event in taken.events if isinstance(event, kind)]


@pytest.fixture
def start() -> Callable[..., Stage]:
    def begin(listed: ServiceSpec | None = None, ready: Sequence[str] = (A,)) -> Stage:
        service = listed or rw()
        others = [host.address for host in service.hosts if host.address not in ready]
        return Stage(board_of(service, of=stored(tuple(ready), tuple(others)) if ready else None))

    return begin


Start = Callable[..., Stage]


def test_the_one_that_says_so_is_published(start: Start) -> None:
    """At a first start nobody is believed before every host was heard; then the lone primary is ready at once."""
    stage = start(ready=())
    stage.round(a=PRIMARY, b=replica_of(A))
    assert (stage.ready(), stage.reason(A)) == ([], Reason.OK)
    taken = stage.hear(C, replica_of(A))
    assert target(A) in taken.hasten
    stage.hear(A, PRIMARY, hastened=True)
    assert stage.ready() == [A]
    assert stage.reason(B) is Reason.WRONG_ROLE


def test_a_planned_switchover_takes_no_second_period(start: Start) -> None:
    """The old primary's own word takes it out; the new one's claim is asked after at once, as often as it takes."""
    stage = start()
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    stage.now += PERIOD
    taken = stage.hear(A, READ_ONLY)
    assert kinds(taken) == ["HostChanged"]
    assert set(taken.hasten) == {target(A), target(B), target(C)}
    assert (set(taken.changed), set(taken.vacant)) == (set(), {KEY}), "a successor may save a write"
    assert stage.ready() == []
    assert stage.hear(B, PRIMARY).hasten == {target(B)}
    stage.now += 0.05
    assert stage.hear(B, PRIMARY, hastened=True).changed == {KEY}
    assert stage.ready() == [B]


def test_a_claim_that_is_heard_before_the_old_one_is_taken_back_is_no_alert(start: Start) -> None:
    """In a switchover the new primary may be asked first: the old one is asked again before anybody is woken."""
    stage = start()
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    stage.now += PERIOD
    assert stage.hear(B, PRIMARY).hasten == {target(A)}
    stage.hear(A, READ_ONLY)
    for _ in range(THRESHOLDS.success):
        stage.now += 0.05
        stage.hear(B, PRIMARY, hastened=True)
    assert (stage.ready(), stage.events(SplitBrain)) == ([B], [])


def test_a_reader_that_becomes_the_writer_leaves_a_moment_later() -> None:
    """So the write that lets the writer in is the first, and kube-proxy takes it up at once."""
    plain = rw()
    ro = replace(plain, check=replace(plain.check, requirement=Requirement(Role.REPLICA)))
    board = board_of(ro, of=stored((B, C), (A,)))
    taken = board.take([replace(report(target(B), started=PERIOD), observation=PRIMARY)])
    assert (kinds(taken), taken.changed, set(taken.vacant)) == (["HostChanged"], frozenset(), {KEY})


def test_hastened_answers_count_only_an_edge_apart(start: Start) -> None:
    """What is asked faster than edgeSeconds proves nothing new."""
    stage = start(replace(rw(), check=replace(rw().check, thresholds=Thresholds(3, 3))))
    stage.round(a=READ_ONLY, c=READ_ONLY, b=PRIMARY)
    stage.hear(B, PRIMARY, hastened=True)
    for _ in range(5):
        stage.now += 0.01
        stage.hear(B, PRIMARY, hastened=True)
    assert stage.ready() == []
    stage.now += 0.05
    stage.hear(B, PRIMARY, hastened=True)
    assert stage.ready() == [B]


def test_an_early_answer_fells_nobody_early(start: Start) -> None:
    """A probe before its turn counts for a claim only: failures keep their period."""
    stage = start()
    stage.round(a=PRIMARY)
    for _ in range(5):
        stage.now += 0.1
        stage.hear(A, DEAD, hastened=True)
    assert stage.ready() == [A]


def test_a_second_writer_is_kept_out_and_told(start: Start) -> None:
    """The incumbent stays, the other is `second-writer`, and the alert is raised once and taken back once."""
    stage = start()
    for _ in range(4):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.SECOND_WRITER)
    assert [reason for _, reason in stage.taken[-2].judged] == [Reason.SECOND_WRITER], "what the metrics count"
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]
    assert stage.board.snapshot()[0].split
    stage.round(a=PRIMARY, b=READ_ONLY)
    assert stage.events(SplitBrainEnded) == [SplitBrainEnded(KEY)]
    assert not stage.board.snapshot()[0].split


def test_without_an_incumbent_two_claims_publish_nobody(start: Start) -> None:
    """Two hosts that both call themselves primary, and no trace of who it was: neither is believed."""
    stage = start(ready=())
    for _ in range(4):
        stage.round(a=PRIMARY, b=PRIMARY, c=DEAD)
    assert stage.ready() == []
    assert {stage.reason(A), stage.reason(B)} == {Reason.SECOND_WRITER}
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=READ_ONLY, c=DEAD)
    assert stage.ready() == [A]


def test_publish_none_takes_the_incumbent_out_too(start: Start) -> None:
    """`onSplitBrain: publishNone`: rather no writer than perhaps the wrong one."""
    stage = start(rw(policy=OnSplitBrain.PUBLISH_NONE))
    stage.round(a=PRIMARY, b=PRIMARY)
    stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.ready() == []
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=READ_ONLY, c=READ_ONLY)
    assert stage.ready() == [A]


def test_a_promotion_waits_until_the_dead_primary_has_fallen(start: Start) -> None:
    """A replica that is promoted early is no second writer beside a primary that does not answer any more."""
    stage = start()
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    stage.round(a=DEAD, b=PRIMARY)
    assert (stage.ready(), stage.events(SplitBrain)) == ([A], [])
    stage.round(a=DEAD, b=PRIMARY)
    stage.round(a=DEAD, b=PRIMARY)
    stage.now += 0.05
    stage.hear(B, PRIMARY, hastened=True)
    assert (stage.ready(), stage.events(SplitBrain)) == ([B], [])


def test_an_incumbent_that_cannot_be_known_yields_to_a_lone_claim(start: Start) -> None:
    """Its password was changed: after failureThreshold probes without knowledge, another's word is believed."""
    stage = start()
    for _ in range(THRESHOLDS.failure - 1):
        stage.round(a=UNKNOWN, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [A]
    for _ in range(THRESHOLDS.success):
        stage.round(a=UNKNOWN, b=PRIMARY, c=replica_of(B))
    assert stage.ready() == [B]
    moved = stage.events(HostChanged)[-2:]
    assert [(one.member.address, one.state.verdict) for one in moved if isinstance(one, HostChanged)] == [
        (A, Verdict.NOT_READY),
        (B, Verdict.READY),
    ]


def test_an_incumbent_that_cannot_be_known_stays_without_another(start: Start) -> None:
    """Unknown never demotes by itself."""
    stage = start()
    for _ in range(10):
        stage.round(a=UNKNOWN, b=replica_of(A), c=replica_of(A))
    assert stage.ready() == [A]


@pytest.mark.parametrize(
    ("returning", "published"),
    [
        pytest.param({"a": 107}, [], id="without-anything-of-the-new-reign"),
        pytest.param({"a": 105, "b": 3}, [A], id="after-it-followed-the-new-one"),
    ],
)
def test_a_returning_primary_that_has_missed_a_reign_stays_out(
    start: Start, returning: dict[str, int], published: list[str]
) -> None:
    """Though nobody else is left: it would take writes on top of data that lack what was written meanwhile."""
    stage = start()
    stage.round(a=written(a=105), b=replica_of(A), c=replica_of(A))
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=replica_of(A))
    for _ in range(THRESHOLDS.success):
        stage.round(a=DEAD, b=written(a=105, b=1))
    stage.round(a=DEAD, b=written(a=105, b=7))
    assert stage.ready() == [B]
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=DEAD)
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=written(**returning), b=DEAD)
    assert stage.ready() == published


def test_where_several_may_write_the_first_of_the_file_does(start: Start) -> None:
    """Galera: the others stand by without an alert; when the writer falls, the next takes over."""
    stage = start(ready=())
    stage.round(c=GALERA, b=GALERA, a=GALERA)
    stage.round(c=GALERA, b=GALERA, a=GALERA)
    assert stage.ready() == [A]
    assert (stage.reason(B), stage.reason(C)) == (Reason.WRONG_ROLE, Reason.WRONG_ROLE)
    for _ in range(THRESHOLDS.failure):
        stage.round(a=DEAD, b=GALERA, c=GALERA)
    for _ in range(THRESHOLDS.success):
        stage.round(a=DEAD, c=GALERA, b=GALERA)
    assert stage.ready() == [B]
    for _ in range(5):
        stage.round(a=GALERA, b=GALERA, c=GALERA)
    assert stage.ready() == [B]
    assert stage.events(SplitBrain) == []


def test_a_primary_in_maintenance_stands_in_nobodys_way(start: Start) -> None:
    """It cannot be made to give up its role: the file takes it out, another is published, and it is told."""
    listed = rw()
    stage = start(listed)
    stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    first, *others = listed.hosts
    place(stage.board, replace(listed, hosts=(replace(first, maintenance=True), *others)))
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert stage.ready() == [B]
    assert stage.events(SplitBrain) == [SplitBrain(KEY, (A, B))]
    place(stage.board, listed)
    stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.ready() == [B]


@pytest.mark.parametrize("ready", [(), (A, B)], ids=["none", "two"])
def test_a_start_believes_a_stored_primary_only_where_it_is_one(start: Start, ready: tuple[str, ...]) -> None:
    """An object that holds two ready addresses was not written for a writer: nobody is taken over from it."""
    assert start(ready=ready).ready() == []
    assert start(ready=(A,)).ready() == [A]


def test_a_service_that_becomes_one_of_primaries_keeps_no_two(start: Start) -> None:
    """A changed file that asks for primaries, over hosts that were all ready."""
    plain = spec(*HOSTS)
    board = board_of(plain, of=stored(HOSTS))
    place(board, rw())
    stage = Stage(board)
    assert stage.ready() == []
    for _ in range(THRESHOLDS.success + 1):
        stage.round(a=PRIMARY, b=replica_of(A), c=replica_of(A))
    assert stage.ready() == [A]


def test_the_majority_of_sentinels_makes_a_primary(start: Start) -> None:
    """A restarted node that calls itself master is nobody until two of three name it; a named one needs no more."""
    stage = start(rw(electors=3), ready=())
    stage.vote(f"{A}:3306", None, None)
    for _ in range(4):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert stage.ready() == []
    stage.vote(f"{A}:3306", f"{A}:3306", f"{B}:3306")
    stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert (stage.ready(), stage.reason(B)) == ([A], Reason.WRONG_ROLE)


def test_whom_the_sentinels_do_not_name_any_more_leaves(start: Start) -> None:
    """A primary that was cut off from its Sentinels still calls itself so: their majority decides."""
    stage = start(rw(electors=3))
    stage.vote(*[f"{A}:3306"] * 3)
    stage.round(a=PRIMARY, b=replica_of(A))
    assert stage.vote(*[f"{B}:3306"] * 2, f"{A}:3306") == {target(one) for one in HOSTS}
    assert stage.vote(*[f"{B}:3306"] * 3) == set()
    stage.round(a=PRIMARY, b=PRIMARY)
    assert (stage.ready(), stage.reason(A)) == ([], Reason.WRONG_ROLE)
    stage.round(a=PRIMARY, b=PRIMARY)
    assert stage.ready() == [B]


def test_without_a_majority_the_primary_stays(start: Start) -> None:
    """Sentinels that cannot be asked take no traffic away."""
    stage = start(rw(electors=3))
    stage.vote(*[f"{A}:3306"] * 3)
    stage.round(a=PRIMARY)
    stage.vote(None, None, f"{A}:3306")
    for _ in range(5):
        stage.round(a=PRIMARY, b=PRIMARY, c=replica_of(A))
    assert stage.ready() == [A]


SAID = st.sampled_from([PRIMARY, PRIMARY, READ_ONLY, replica_of(A), replica_of(B), DEAD, UNKNOWN, GALERA])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ready=st.sampled_from([(), (A,), (A, B)]),
    policy=st.sampled_from(OnSplitBrain),
    steps=st.lists(st.tuples(st.sampled_from(HOSTS), SAID, st.booleans(), st.floats(0.01, 3.0)), max_size=60),
)
def test_never_two_and_never_one_that_says_otherwise(
    start: Start,
    ready: tuple[str, ...],
    policy: OnSplitBrain,
    steps: list[tuple[str, Observation, bool, float]],
) -> None:
    """Whatever hosts say in whatever order: at most one is ready, and never one whose last word was another role."""
    stage = start(rw(policy=policy), ready)
    for address, seen, hastened, seconds in steps:
        stage.now += seconds
        stage.hear(address, seen, hastened=hastened)
        if seen.facts is not None and seen.facts.read_only:
            assert address not in stage.ready()
