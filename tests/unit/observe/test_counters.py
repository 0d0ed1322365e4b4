"""What is counted between two scrapes."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from lab.values import member, report, target, with_check
from mooring.model.damping import Damper, Hold
from mooring.model.events import HostChanged, SessionsKilled
from mooring.model.host_events import HostHeld
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.model.spec import ServiceKey
from mooring.model.verdicts import HostState, Verdict
from mooring.observe.counters import Counters, Distribution, labels

A, B = member("10.20.0.11"), member("10.20.0.12")
AGAIN = member("10.20.0.11", service=ServiceKey("other", "mysql"))


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        pytest.param(0.0, [1, 1, 1], id="below all"),
        pytest.param(0.1, [1, 1, 1], id="a bound belongs to its bucket"),
        pytest.param(0.11, [0, 1, 1], id="between"),
        pytest.param(9.0, [0, 0, 1], id="beyond all"),
    ],
)
def test_a_value_counts_in_each_bucket_that_it_fits(value: float, counts: list[int]) -> None:
    """Buckets are cumulative, and the last has no bound."""
    found = Distribution((0.1, 1.0))
    found.observe(value)
    assert found.buckets() == [*zip(["0.1", "1.0", "+Inf"], counts, strict=True)]
    assert found.total == value


def test_a_copy_stays_as_it_was() -> None:
    """What is shown in a scrape does not change while it is written."""
    found = Distribution((1.0,))
    copy = found.copy()
    found.observe(0.5)
    assert copy.buckets() == [("1.0", 0.0), ("+Inf", 0.0)]


def test_a_probe_counts_for_every_service_that_lists_the_host() -> None:
    """A host in two Services has its own count in each; a target that nobody lists has none."""
    counters = Counters()
    counters.track([A, AGAIN, B])
    counters.probed([report(A.target, Reason.REFUSED)])
    counters.probed([report(target("10.20.0.99"))])
    counts = {host: probes for host, (probes, _) in counters.hosts().items()}
    assert counts == {labels(A): {Reason.REFUSED: 1}, labels(AGAIN): {Reason.REFUSED: 1}, labels(B): {}}
    assert counters.durations()["tcp"].buckets()[-1] == ("+Inf", 2)


def test_an_answer_is_counted_as_each_service_takes_it() -> None:
    """Where one Service expects another answer, the same probe is a success here and a failure there."""
    counters = Counters()
    counters.track([A, other := with_check(AGAIN, expect="0")])
    seen = replace(report(A.target), observation=Observation(Reason.OK, answer="1"))
    counters.probed([seen], [(other, Reason.OFFLINE)])
    assert [probes for probes, _ in counters.hosts().values()] == [{Reason.OK: 1}, {Reason.OFFLINE: 1}]


def test_counts_go_on_while_a_host_is_listed_and_end_with_it() -> None:
    """A counter never falls while its host is listed, though it be probed in another way; then its series is gone."""
    counters = Counters()
    counters.track([A, B])
    counters.probed([report(A.target)])
    elsewhere = replace(A, target=target("10.99.0.11"))
    counters.track([elsewhere])
    counters.probed([report(A.target)])
    counters.probed([report(elsewhere.target)])
    assert {host: probes for host, (probes, _) in counters.hosts().items()} == {labels(A): {Reason.OK: 2}}


def test_both_ways_of_a_verdict_are_counted_from_nought() -> None:
    """A series that begins with its first increase would hide it from rate(): both are there at once."""
    counters = Counters()
    counters.track([A])
    counters.changed(HostChanged(A, HostState(Verdict.READY), Verdict.NOT_READY, 2))
    counters.changed(HostChanged(B, HostState(Verdict.READY), Verdict.NOT_READY, 2))
    assert [transitions for _, transitions in counters.hosts().values()] == [{Verdict.READY: 1, Verdict.NOT_READY: 0}]


def test_ended_sessions_are_counted_for_each_host() -> None:
    """What was ended on a host that left the file meanwhile is counted nowhere."""
    counters = Counters()
    counters.track([A])
    for one in (A, A, B):
        counters.killed(SessionsKilled(one, ("app",), 3))
    assert counters.sessions() == {labels(A): 6}


def test_a_verdict_that_was_held_back_is_counted_by_the_rule() -> None:
    """How often, for each host; hosts that nobody lists do not count."""
    counters, one = Counters(), member()
    counters.track([one])
    state = HostState(held=Hold(Damper.FLAP))
    for host in (one, one, member("10.20.0.99")):
        counters.held(HostHeld(host, state))
    assert list(counters.holds().values()) == [{Damper.FLAP: 2}]


def test_no_probe_of_many_threads_is_lost() -> None:
    """Counts are exact, from however many threads probes end."""
    counters = Counters()
    counters.track([A])

    def count() -> None:
        for _ in range(2000):
            counters.probed([report(A.target)])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.hosts()[labels(A)][0] == {Reason.OK: 8000}
