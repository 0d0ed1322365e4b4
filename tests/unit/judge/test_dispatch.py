"""The inner loop: what a batch of reports sets off, in which order, without a daemon."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.health_stores import service, store_of
from lab.values import KEY, report, spec, stored, target
from mooring.judge.dispatch import Dispatcher
from mooring.model.events import Event, HostChanged, LoginAtRisk, Probed
from mooring.model.facts import Facts
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason
from mooring.model.spec import Requirement, Role, ServiceSpec

A, B = "10.20.0.11", "10.20.0.12"


class Calls:
    """What a dispatcher calls, in order."""

    def __init__(self, listed: ServiceSpec, *, shows_probes: bool = False) -> None:
        self.made: list[tuple[str, object]] = []
        self.dispatcher = Dispatcher(
            store_of(listed, of=stored((A,), (B,))),
            wake=lambda keys: self.made.append(("wake", set(keys))),
            wake_later=lambda key, seconds: self.made.append(("wake later", (key, seconds))),
            ask_witness=lambda one: self.made.append(("ask", one)),
            probe_soon=lambda some: self.made.append(("probe soon", set(some))),
            count=lambda reports, _judged: self.made.append(("count", len(reports))),
            emit=self._emit,
            shows_probes=lambda: shows_probes,
        )

    def _emit(self, event: Event) -> None:
        self.made.append(("emit", type(event)))

    def take(self, *reports: Report) -> list[tuple[str, object]]:
        self.made.clear()
        self.dispatcher.take(reports)
        return self.made


def primary_of_two() -> ServiceSpec:
    plain = spec(A, B)
    return replace(plain, check=replace(plain.check, requirement=Requirement(Role.PRIMARY)))


def test_a_changed_verdict_is_published_before_listeners_run() -> None:
    """The dispatcher wakes the Service first, then counts the probes, then emits the events."""
    calls = Calls(service(A, B))
    refused = [report(target(A), Reason.REFUSED, started=2.0 * turn) for turn in range(3)]
    assert calls.take(*refused) == [("wake", {KEY}), ("count", 3), ("emit", HostChanged)]


def test_an_answer_that_changes_nothing_is_only_counted() -> None:
    """A batch without changes wakes no Service."""
    assert Calls(service(A, B)).take(report(target(A))) == [("count", 1)]


@pytest.mark.parametrize("shows_probes", [False, True])
def test_probes_are_events_only_where_somebody_listens(*, shows_probes: bool) -> None:
    """A thousand probes a second cost no event unless the log shows them."""
    calls = Calls(service(A, B), shows_probes=shows_probes)
    assert (("emit", Probed) in calls.take(report(target(A)))) is shows_probes


def test_a_check_at_risk_is_reported_with_its_hosts() -> None:
    """For the Events of the Services that list the host."""
    calls, emitted = Calls(service(A, B)), list[Event]()
    seen = replace(report(target(A)), observation=Observation(Reason.OK, caution="expires soon"))
    replace(calls.dispatcher, emit=emitted.append).take([seen])
    (risk,) = emitted
    assert isinstance(risk, LoginAtRisk)
    assert ([one.address for one in risk.members], risk.message) == ([A], "expires soon")


def test_a_silent_host_has_another_asked() -> None:
    """A silence is believed only when somebody else answers, so a witness is asked at once."""
    calls = Calls(service(A, B))
    calls.take(*[report(target(B), started=2.0 * turn) for turn in range(2)])
    silent = replace(report(target(A), Reason.TIMEOUT, started=10.0), ended=11.0)
    assert calls.take(silent) == [("ask", target(B)), ("count", 1)]


def test_a_primary_that_steps_down_is_published_a_moment_later() -> None:
    """The other hosts are asked at once, and the write waits shortly for the successor that they may name."""
    calls = Calls(primary_of_two())
    demoted = replace(report(target(A)), observation=Observation(Reason.OK, facts=Facts(read_only="read_only=1")))
    later, soon, *_ = calls.take(demoted)
    assert later[0] == "wake later"
    assert soon == ("probe soon", {target(A), target(B)})
