"""The oracle, on histories made by hand: what it must say, and what it must let pass."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from lab.history import Version
from support.oracle import Oracle, Outage, Rules, Stall
from support.probe_evidence import Probe, read_probes

A, B = "10.77.0.11", "10.77.0.12"
LISTED = {A: (A, 6379), B: (B, 6379)}
RULES = Rules("default/redis", LISTED, success=2, failure=3, period=1.0, timeout=0.5)
WORDS = {"+": "ok", "-": "refused", "s": "timeout", "u": "auth", "!": "wrong-role", "l": "local"}


def probes(address: str, outcomes: str, *, phase: float = 0.0) -> list[Probe]:
    """One outcome a second, the first at second 1; ``w`` is a witness that was answered, a blank is none."""
    return [
        Probe(number + phase, LISTED[address], WORDS.get(word, "ok"), 0.5 if word == "s" else 0.01, word == "w")
        for number, word in enumerate(outcomes, 1)
        if word != " "
    ]


def version(seen: float, ready: Sequence[str], not_ready: Sequence[str] = (), *, extra: str = "") -> Version:
    lists = {"addresses": ready, "notReadyAddresses": not_ready}
    subset = {name: [{"ip": address} for address in ips] for name, ips in lists.items() if ips}
    return Version("default/redis", seen, json.dumps({"subsets": [subset], "extra": extra}))


def laws(versions: Sequence[Version], seen: Sequence[Probe], *, until: float = 60.0, **known: object) -> list[str]:
    given = {"allowed": "10.77.0.0/24", **known}
    oracle = Oracle([RULES], versions, seen, until, **given)  # type: ignore[arg-type]
    return [violation.law for violation in oracle.violations()]


BOTH = version(1.02, [A, B])
ALONE = version(1.02, [B], [A])
SOUND = probes(B, "+" * 20, phase=0.01)


@pytest.mark.parametrize(
    ("outcomes", "became_ready", "found"),
    [
        pytest.param("-++++", 3.02, [], id="two-successes"),
        pytest.param("-+-++++", 5.02, [], id="two-after-one-was-broken"),
        pytest.param("-+-+-++", 4.02, ["I1"], id="two-but-not-in-a-row"),
        pytest.param("-++++", 2.02, ["I1"], id="one-success"),
        pytest.param("-+u+++", 4.02, [], id="unknown-breaks-nothing"),
        pytest.param("-u+++", 3.02, ["I1"], id="unknown-adds-nothing"),
        pytest.param("-w++++", 3.02, ["I1"], id="a-witness-does-not-count"),
        pytest.param("-+!++++", 5.02, [], id="the-own-word-breaks-a-row"),
    ],
)
def test_ready_needs_successes_in_a_row(outcomes: str, became_ready: float, found: list[str]) -> None:
    """I1: an address that was judged not ready comes back by ``successThreshold`` successes, not one fewer."""
    versions = [ALONE, version(became_ready, [A, B])]
    until = became_ready + 0.5
    assert laws(versions, probes(A, outcomes) + SOUND, until=until) == found


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [("+", []), ("u+", []), ("-+", ["I1"]), ("", ["I1"]), ("u", ["I1"])],
    ids=["success", "unknown-then-success", "failure-then-success", "never-probed", "unknown"],
)
def test_the_first_definite_outcome_decides(outcomes: str, found: list[str]) -> None:
    """I1: an address that was never judged is ready by its first definite outcome, if that is a success."""
    seen = max(1, len(outcomes)) + 0.02
    assert laws([version(seen, [A, B])], probes(A, outcomes) + SOUND, until=seen + 0.1) == found


@pytest.mark.parametrize(
    ("outcomes", "left", "found"),
    [
        pytest.param("+---", 4.02, [], id="three-failures"),
        pytest.param("+--", 3.02, ["I2"], id="two-failures"),
        pytest.param("+--+-", 5.02, ["I2"], id="three-but-not-in-a-row"),
        pytest.param("+uuuu", 5.02, ["I2"], id="unknown-alone"),
        pytest.param("+-u-u-", 6.02, [], id="unknown-breaks-nothing"),
        pytest.param("+-uu-", 5.02, ["I2"], id="unknown-adds-nothing"),
        pytest.param("+sss", 4.02, [], id="silence-while-others-answer"),
        pytest.param("+!", 2.02, [], id="its-own-word"),
        pytest.param("+llll", 5.02, ["I2"], id="local"),
    ],
)
def test_not_ready_needs_failures_in_a_row(outcomes: str, left: float, found: list[str]) -> None:
    """I2: a ready address leaves by ``failureThreshold`` failures, or by its own word; never by unknown outcomes."""
    versions = [BOTH, version(left, [B], [A])]
    assert laws(versions, probes(A, outcomes) + SOUND, until=left + 0.5) == found


def test_silence_of_all_hosts_moves_none() -> None:
    """I2: failures while nothing at all answered are unknown, also to the oracle."""
    silent = probes(A, "+ssssss+") + probes(B, "+ssssss+", phase=0.01)
    assert laws([BOTH], silent, until=9.5) == []
    assert laws([BOTH, version(4.02, [B], [A]), version(8.02, [A, B])], silent, until=9.5) == ["I2"]


def test_silence_counts_where_there_is_no_witness() -> None:
    """A single ready address has nobody to tell whether the network is there: its silence is its own."""
    lone = version(1.02, [A], [B])
    seen = probes(A, "+sss") + probes(B, "-sss", phase=0.01)
    assert laws([lone, version(4.02, [], [A, B])], seen, until=4.5) == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        pytest.param(version(1.02, [A, B], [A]), ["I3"], id="both-lists"),
        pytest.param(version(1.02, [A, B], ["10.77.0.99"]), ["I8"], id="unlisted"),
        pytest.param(version(1.02, [A]), ["whole"], id="left-out"),
    ],
)
def test_shape(wrong: Version, found: list[str]) -> None:
    """I3 and I8: each listed address stands in exactly one list, and nothing else does."""
    assert laws([wrong], probes(A, "+") + SOUND, until=1.5) == found


def test_listed_but_not_allowed() -> None:
    """I8: a listed address outside the allowed networks is not to be published either."""
    assert laws([BOTH], probes(A, "+") + SOUND, until=1.5, allowed="10.77.0.8/30") == ["I8"]


@pytest.mark.parametrize(("extra", "found"), [("", ["I7"]), ("more", [])], ids=["equal", "changed"])
def test_no_write_without_a_change(extra: str, found: list[str]) -> None:
    """I7: the same content again is a needless write; any change is a reason."""
    assert laws([BOTH, version(1.3, [A, B], extra=extra)], probes(A, "+") + SOUND, until=1.5) == found


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [("+!!!!!!!!!", ["I9"]), ("+!+!+!+!+!", []), ("+!++++++++", [])],
    ids=["stays-ready", "it-changes-its-mind-too-fast-to-judge", "taken-back"],
)
def test_never_ready_after_its_own_word(outcomes: str, found: list[str]) -> None:
    """I9: an address whose last probes said the wrong role may not stay published as ready."""
    assert sorted(set(laws([BOTH], probes(A, outcomes) + SOUND, until=11.0))) == found


@pytest.mark.parametrize(
    ("stalls", "found"),
    [
        ([], ["I10"]),
        ([Stall(2.9, 0.2)], []),
        ([Stall(2.9, 0.01)], ["I10"]),
        ([Stall(1.0, 0.2)], ["I10"]),
    ],
    ids=["alone", "the-machine-stood-still", "but-not-for-so-long", "but-not-then"],
)
def test_a_probe_ends_in_time(stalls: list[Stall], found: list[str]) -> None:
    """I10: 250 ms beyond the deadline are allowed, and what the machine itself took away."""
    late = Probe(3.0, LISTED[A], "timeout", 0.9)
    assert laws([BOTH], [*probes(A, "++"), late, *SOUND], until=3.5, stalls=stalls) == found
    assert laws([BOTH], [*probes(A, "++"), late._replace(latency=0.749), *SOUND], until=3.5) == []


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [("+++++", []), ("++ ++", []), ("+  ++", ["turn"]), ("++ww+", ["turn"]), ("++", ["turn"])],
    ids=["each-period", "one-lost", "two-lost", "witnesses-are-no-turns", "forgotten"],
)
def test_every_address_gets_its_turn(outcomes: str, found: list[str]) -> None:
    """A probe that never ends leaves no line in the log; that none came is what tells."""
    assert laws([BOTH], probes(A, outcomes) + SOUND, until=5.5) == found


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [("+---------", ["due"]), ("+--+--+--+", []), ("+uuuuuuuuu", [])],
    ids=["dead", "flapping", "unknown"],
)
def test_what_was_proven_is_published(outcomes: str, found: list[str]) -> None:
    """A daemon that never moves anything breaks no other law; a host proven dead must leave."""
    assert sorted(set(laws([BOTH], probes(A, outcomes) + SOUND, until=11.0))) == found


@pytest.mark.parametrize(
    ("failures", "found"),
    [
        pytest.param([(2.0, False), (3.0, False), (4.0, False)], ["due"], id="three-turns"),
        pytest.param([(2.0, False), (2.97, False), (3.93, False)], ["due"], id="jitter"),
        pytest.param([(2.0, True), (2.05, True), (2.1, True)], ["due"], id="three-confirmations"),
        pytest.param([(1.6, True), (2.0, False), (2.5, True), (3.0, False), (4.0, False)], ["due"], id="both"),
        pytest.param([(1.7, False), (2.4, False), (3.4, False)], [], id="one-out-of-turn"),
        pytest.param([(1.8, True), (1.85, True), (2.0, False)], [], id="two-confirmations-and-the-turn-after-them"),
    ],
)
def test_at_most_one_outcome_counts_in_a_period(failures: list[tuple[float, bool]], found: list[str]) -> None:
    """Due is what counted for certain, though all that came later was unknown; confirmations count besides."""
    mine = [Probe(at, LISTED[A], "refused", 0.0, edge=edge) for at, edge in failures]
    seen = sorted([*probes(A, "+"), *mine, *probes(A, "  uuuuuuuu", phase=0.4)])
    assert sorted(set(laws([BOTH], seen + SOUND, until=11.0))) == found


def test_a_host_proven_sound_must_come_back() -> None:
    """A host that answers again must not stay out."""
    assert set(laws([ALONE], probes(A, "-+++++++++") + SOUND, until=11.0)) == {"due"}


def test_what_is_not_settled_is_not_judged() -> None:
    """A manifest may be seen before the log line that explains it: the last moments wait for the next look."""
    versions = [BOTH, version(3.0, [B], [A])]
    assert laws(versions, probes(A, "++") + SOUND, until=2.9) == []
    assert laws(versions, probes(A, "++") + SOUND, until=3.1) == ["I2"]


def test_probes_are_read_from_the_log() -> None:
    """Of the log only lines of ended probes matter; wall time becomes monotonic by the offset."""
    line = {
        "event": "probe",
        "timestamp": "1970-01-01T00:01:40.500000Z",
        "address": A,
        "port": 6379,
        "reason": "ok",
        "latency_seconds": 0.25,
        "witness": True,
        "edge": True,
    }
    assert read_probes([{"event": "host.ready"}, line], offset=90.0) == [Probe(10.5, (A, 6379), "ok", 0.25, True, True)]


AWAY = Outage(10.0, 13.0, 13.0, held=True)
GONE = Outage(10.0, 12.0, 15.0, held=False)


@pytest.mark.parametrize(
    ("outage", "writes", "found"),
    [
        pytest.param(AWAY, [(14.0, [B], [A])], [], id="one-write-after-it"),
        pytest.param(AWAY, [(11.5, [B], [A])], ["I5"], id="stored-meanwhile"),
        pytest.param(GONE, [(19.5, [B], [A])], [], id="late-for-it-was-away"),
        pytest.param(None, [(19.5, [B], [A])], ["due"], id="late-without-a-reason"),
    ],
)
def test_an_outage_delays_and_nothing_else(
    outage: Outage | None, writes: list[tuple[float, list[str], list[str]]], found: list[str]
) -> None:
    """I5: nothing is stored while the API server is away; what was proven meanwhile is due after its return."""
    history = [BOTH, *(version(*write) for write in writes)]
    evidence = sorted([*probes(A, "++++++++---" + "-" * 9), *probes(B, "+" * 20, phase=0.01)])
    outages = [outage] if outage else []
    assert sorted({*laws(history, evidence, until=20.0, outages=outages)}) == found


def test_a_write_that_was_held_back_is_older_than_it_looks() -> None:
    """I2: what failed while the last write was on its way to a frozen server counts for the write after that."""
    evidence = probes(A, "+---uuu++---+", phase=0.01) + probes(B, "+" * 20)
    history = [BOTH, version(4.02, [B], [A]), version(13.1, [A, B]), version(13.2, [B], [A])]
    assert laws(history, evidence, until=14.0, outages=[Outage(9.005, 13.0, 13.0, held=True)]) == []


def test_a_write_that_a_starting_server_held_is_older_than_it_looks() -> None:
    """I2: a server that starts lets a write wait; what failed meanwhile counts for the write after that."""
    evidence = sorted([*probes(A, "-" * 9 + "++---+", phase=0.01), *probes(B, "+" * 20)])
    history = [ALONE, version(14.9, [A, B]), version(15.0, [B], [A])]
    assert laws(history, evidence, until=15.3, outages=[GONE]) == []
    assert laws(history, evidence, until=15.3) == ["I2"]


def test_a_write_that_a_stalled_machine_shows_late_is_older_than_it_looks() -> None:
    """I1: both successes came after the fall, which the reader saw late, as the machine let nobody run."""
    evidence = sorted([*probes(A, "+---++", phase=0.01), *probes(B, "+" * 20)])
    history = [BOTH, version(6.6, [B], [A]), version(6.62, [A, B])]
    assert laws(history, evidence, until=6.7) == ["I1"]
    assert laws(history, evidence, until=6.7, stalls=[Stall(6.6, 2.0)]) == []


def test_an_outcome_that_a_stalled_machine_logs_late_counts() -> None:
    """I2: the third failure was logged after the write that followed from it."""
    evidence = sorted([*probes(A, "+---", phase=0.8), *probes(B, "+" * 20)])
    history = [version(1.82, [A, B]), version(4.2, [B], [A])]
    assert laws(history, evidence, until=4.9) == ["I2"]
    assert laws(history, evidence, until=4.9, stalls=[Stall(4.8, 0.6)]) == []


def test_what_an_outage_held_back_takes_one_write() -> None:
    """I5: two addresses that fell meanwhile leave by one write; a second only where one was under way."""
    history = [version(1.02, [A, B]), version(15.5, [B], [A]), version(15.6, [], [A, B])]
    evidence = [*probes(A, "++++++++---" + "-" * 9, phase=0.2), *probes(B, "++++++++---" + "-" * 9, phase=0.3)]
    known = {"until": 20.0, "outages": [GONE]}
    assert laws(history, evidence, **known) == ["I5"]  # type: ignore[arg-type]
    known = {"until": 20.0, "outages": [GONE._replace(held=True)]}
    assert laws(history, evidence, **known) == []  # type: ignore[arg-type]
    together = [version(1.02, [A, B]), version(15.5, [], [A, B])]
    assert laws(together, evidence, until=20.0, outages=[GONE]) == []


def test_what_may_have_been_unknown_while_away_owes_no_write() -> None:
    """I5: silence before the first answer of others is unknown until later, so its write may come by itself."""
    history = [version(1.02, [A, B]), version(15.5, [A], [B]), version(15.6, [], [A, B])]
    evidence = [*probes(A, "++++++++" + "s" * 12, phase=0.2), *probes(B, "++++++++" + "-" * 12, phase=0.3)]
    assert "I5" not in laws(history, evidence, until=20.0, outages=[GONE])


def test_a_later_fall_that_may_have_been_unknown_owes_no_write() -> None:
    """I5: B fell while the server was away, and rose; that it fell again by silence is another matter."""
    history = [
        version(1.02, [A, B]),
        version(15.5, [], [A, B]),
        version(17.5, [B], [A]),
        version(21.4, [], [A, B]),
    ]
    evidence = sorted(
        [*probes(A, "++++++++" + "-" * 16, phase=0.2), *probes(B, "++++++++---+++++++sss+", phase=0.3)],
    )
    assert "I5" not in laws(history, evidence, until=21.8, outages=[Outage(8.5, 12.0, 15.0, held=False)])


def test_a_write_that_changes_only_its_record_is_a_rewrite() -> None:
    """I7: who wrote when is no content."""
    records = [{"metadata": {"managedFields": [{"time": str(second)}]}, "subsets": []} for second in (1, 2)]
    history = [Version("default/redis", 1.0 + n, json.dumps(one)) for n, one in enumerate(records)]
    assert "I7" in laws(history, probes(A, "++"), until=3.0)
