"""The trial of new ports: who takes part, and when it succeeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import report, spec
from mooring.judge.members import Expanded, members
from mooring.judge.service import ServiceHealth
from mooring.judge.trial import Trial, is_moved, trial_of
from mooring.model.reasons import Reason
from mooring.model.spec import HostSpec, Port, ServiceSpec

A, B = "10.20.0.11", "10.20.0.12"
OLD = spec(A, B)
NEW = replace(OLD, ports=(Port("mysql", 3307),))
OWN_PORT = replace(OLD, hosts=(HostSpec("db1", A, probe_port=3306), HostSpec("db2", B)))


def expanded(listed: ServiceSpec) -> Expanded:
    return members(listed, {}, ())


def judged(listed: ServiceSpec, of: Expanded, **reasons: Reason) -> ServiceHealth:
    """A Service whose hosts (``a``, ``b``) had these outcomes; a host that is left out had none."""
    health = ServiceHealth(listed, seeded=True)
    health.set_members(listed, of)
    take(health, **reasons)
    return health


def take(health: ServiceHealth, **reasons: Reason) -> None:
    for name, reason in reasons.items():
        tracker = health.trackers[{"a": A, "b": B}[name]]
        health.take(tracker, report(tracker.member.target, reason), {}, None)


def begin(old: ServiceSpec = OLD, running: Trial | None = None) -> Trial:
    new = replace(old, ports=NEW.ports)
    return trial_of(new, expanded(new), expanded(old), running)


@pytest.mark.parametrize(
    ("after", "moved"),
    [(NEW, True), (spec(A, B, "10.20.0.13"), True), (OLD, False), (spec(A), False)],
    ids=["another port", "a new host", "nothing", "one host less"],
)
def test_a_new_target_needs_a_trial(after: ServiceSpec, *, moved: bool) -> None:
    """An address that is new, or that Mooring probes at another port; a host that leaves the file is neither."""
    assert is_moved(expanded(OLD), expanded(after)) is moved


def test_a_host_with_its_own_port_takes_no_part() -> None:
    """Mooring probes a host with a ``probePort`` at the same port before and after."""
    assert list(begin(OWN_PORT).health.trackers) == [B]


@pytest.mark.parametrize(
    ("old", "new", "succeeds"),
    [
        ({"a": Reason.OK, "b": Reason.OK}, {}, False),
        ({"a": Reason.OK, "b": Reason.OK}, {"a": Reason.REFUSED, "b": Reason.REFUSED}, False),
        ({"a": Reason.OK, "b": Reason.OK}, {"a": Reason.OK}, False),
        ({"a": Reason.OK, "b": Reason.OK}, {"a": Reason.OK, "b": Reason.REFUSED}, True),
        ({"a": Reason.REFUSED, "b": Reason.REFUSED}, {"a": Reason.OK}, True),
    ],
    ids=["nobody asked", "nobody ready", "one not asked yet", "all asked, one ready", "nobody serves"],
)
def test_when_a_trial_succeeds(old: dict[str, Reason], new: dict[str, Reason], *, succeeds: bool) -> None:
    """Once a host is ready there; while the old ports serve, not before each host has had an outcome."""
    trial = begin()
    take(trial.health, **new)
    assert trial.succeeded(judged(OLD, expanded(OLD), **old)) is succeeds


def test_a_trial_that_ends_hands_over_its_verdicts() -> None:
    """From then on the Service has the new ports, and a host that failed there is not ready."""
    main, trial = judged(OLD, expanded(OLD), a=Reason.OK, b=Reason.OK), begin()
    take(trial.health, a=Reason.OK, b=Reason.REFUSED)
    trial.end(main)
    assert main.spec.ports == NEW.ports
    assert {one.member.target.port for one in main.trackers.values()} == {3307}
    assert {address: one.ready for address, one in main.trackers.items()} == {A: True, B: False}
    assert [run.target.port for run in main.trackers[A].record.runs] == [3306, 3307], "what it has been through stays"


def test_a_trial_of_the_same_ports_goes_on() -> None:
    """A reload that leaves the new ports as they are forgets no verdict."""
    running = begin()
    take(running.health, a=Reason.OK)
    again = begin(running=running)
    assert [address for address, one in again.health.trackers.items() if one.ready] == [A]
