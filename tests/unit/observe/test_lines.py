"""What the log says of each event."""

from __future__ import annotations

import json
import typing

import pytest

from lab.values import KEY, PORTS, member, report, stored, target
from mooring.model.damping import Damper, Hold
from mooring.model.errors import Conflict
from mooring.model.events import (
    AddressLeftOut,
    AddressRemoved,
    BlindChanged,
    ClockJumped,
    ConfigRefused,
    ConfigReloaded,
    DrainChanged,
    DrainEnded,
    DrainUnknown,
    Event,
    HostChanged,
    HostUnknown,
    KeptLast,
    LeaderChanged,
    LeaseFailed,
    LoginAtRisk,
    NotPublished,
    Overrun,
    Probed,
    Published,
    Repaired,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
    SplitBrainEnded,
    TrafficWarningFound,
    WriteFailed,
)
from mooring.model.host_events import HostHeld, HostKnown
from mooring.model.lease_events import (
    ClocksDisagree,
    LeaseAbsurd,
    LeaseHandedOver,
    LeaseShared,
    ObserverFailed,
    ObserverSpare,
)
from mooring.model.objects import Condition, Endpoint, EndpointsWrite, Slice, SliceWrite, StoredSlice, Subset
from mooring.model.overrides import Pause
from mooring.model.publish_events import (
    AddressesHeld,
    AdmissionChanged,
    Adopted,
    Contested,
    Effective,
    KeptByManifest,
    LastReadyDrained,
    PauseChanged,
    PortsChanged,
    PortsPending,
    ProbedPortGone,
    TrustChanged,
    TrustUnknown,
)
from mooring.model.reasons import Reason
from mooring.model.spec import Port
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.observe.lines import log_line

WHO = {"service": "default/mysql-external", "host": "10.20.0.11", "address": "10.20.0.11"}
DOWN = HostState(Verdict.NOT_READY, outcome=Outcome(Reason.REFUSED, "connection refused"))
UP = HostState(Verdict.READY, outcome=Outcome(Reason.OK))
CHANGE = EndpointsWrite(KEY, stored(ready=("10.20.0.11",)), (Subset((), ("10.20.0.11",), PORTS),))
SLICE = Slice(
    "db-mooring-ipv4-0",
    "IPv4",
    (Endpoint("10.20.0.11", Condition.READY), Endpoint("10.20.0.12", Condition.LAST_RESORT)),
    PORTS,
)
CASES: dict[str, tuple[Event, str, str, dict[str, object]]] = {
    "split": (
        SplitBrain(KEY, ("db1", "db2")),
        "error",
        "service.split_brain",
        {
            "service": "default/mysql-external",
            "hosts": ["db1", "db2"],
            "means": "several hosts take writes for themselves; make all but one of them read-only",
        },
    ),
    "killed": (
        SessionsKilled(member(), ("app", "web"), 7),
        "info",
        "sessions.killed",
        {**WHO, "users": ["app", "web"], "count": 7},
    ),
    "not-killed": (
        SessionsKilled(member(), ("app",), 0, "1227: denied; GRANT PROCESS"),
        "warning",
        "sessions.killed",
        {
            **WHO,
            "users": ["app"],
            "count": 0,
            "error": "1227: denied; GRANT PROCESS",
            "means": "applications may still be connected to a host that is no longer the primary",
        },
    ),
    "one-writer": (SplitBrainEnded(KEY), "info", "service.one_writer", {"service": "default/mysql-external"}),
    "down": (
        HostChanged(member(), DOWN, Verdict.READY, 3),
        "info",
        "host.not_ready",
        {**WHO, "reason": "refused", "message": "connection refused", "streak": 3, "before": "ready"},
    ),
    "up": (HostChanged(member(), UP, Verdict.NOT_READY, 2), "info", "host.ready", {**WHO, "reason": "ok"}),
    "unknown": (
        HostUnknown(member(), Outcome(Reason.AUTH, "Access denied")),
        "warning",
        "host.unknown",
        {**WHO, "reason": "auth", "means": "refuses our login; its state cannot be known"},
    ),
    "host-held": (
        HostHeld(member(), HostState(Verdict.NOT_READY, outcome=Outcome(Reason.OK), held=Hold(Damper.FLAP, 30.0))),
        "warning",
        "host.held",
        {**WHO, "reason": "ok", "verdict": "not-ready", "by": "flap", "until": "1970-01-01T00:00:30Z"},
    ),
    "known": (HostKnown(member(), UP), "info", "host.known", {**WHO, "verdict": "ready", "reason": "ok"}),
    "write failed": (
        WriteFailed(CHANGE, Conflict("changed by somebody else")),
        "debug",
        "endpoints.write_failed",
        {"service": "default/mysql-external", "why": "changed by somebody else"},
    ),
    "probe": (Probed(report(target())), "debug", "probe", {"address": "10.20.0.11", "port": 3306, "reason": "ok"}),
    "blind": (BlindChanged(blind=True, targets=4), "error", "blind.start", {"targets": 4}),
    "seeing": (BlindChanged(blind=False, targets=4), "warning", "blind.end", {"targets": 4}),
    "kept": (KeptLast(KEY, ("10.20.0.11",)), "error", "service.kept_last", {"addresses": ["10.20.0.11"]}),
    "reloaded": (ConfigReloaded("ab12", 1.0), "info", "config.reloaded", {"config": "ab12"}),
    "not-reloaded": (
        ConfigRefused(("config.yaml:3:5: services: is no list",), 1.0),
        "error",
        "config.refused",
        {"problems": ["config.yaml:3:5: services: is no list"]},
    ),
    "released": (ServiceReleased(KEY), "warning", "service.released", {"service": "default/mysql-external"}),
    "drained": (DrainChanged(KEY, ("db1",)), "info", "service.drained", {"hosts": ["db1"]}),
    "drain-ended": (DrainEnded(KEY, "db1"), "info", "drain.ended", {"host": "db1"}),
    "drain-unknown": (DrainUnknown(KEY, "db9"), "warning", "drain.unknown", {"entry": "db9"}),
    "removed": (AddressRemoved(KEY, "10.20.0.99"), "warning", "address.removed", {"address": "10.20.0.99"}),
    "held": (
        AddressesHeld(KEY, ("10.20.0.13",), ("db3.example.com",)),
        "warning",
        "address.held",
        {"names": ["db3.example.com"]},
    ),
    "held-no-more": (AddressesHeld(KEY, ()), "info", "address.released", {"addresses": []}),
    "contested": (Contested(KEY, "helm"), "error", "service.contested", {"manager": "helm"}),
    "two-moorings": (Contested(KEY, "b-2", mooring=True), "error", "service.two_moorings", {"manager": "b-2"}),
    "relabelled": (
        AdmissionChanged(KEY, ("labels",), again=False),
        "warning",
        "endpoints.admission_changed",
        {"changed": ["labels"]},
    ),
    "ports-moved": (
        AdmissionChanged(KEY, ("addresses or ports",), again=True),
        "error",
        "endpoints.admission_changed",
        {"means": "an admission step of the cluster changes what Mooring writes; it is tried again"},
    ),
    "paused": (
        PauseChanged(KEY, Pause(1_700_000_000.0, "ada", "moving the disk")),
        "warning",
        "service.paused",
        {"until": 1_700_000_000.0, "by": "ada", "reason": "moving the disk"},
    ),
    "resumed": (PauseChanged(KEY, None), "info", "service.resumed", {"service": "default/mysql-external"}),
    "ports-pending": (
        PortsPending(KEY, (Port("mysql", 3306),), (Port("mysql", 3307),)),
        "warning",
        "service.ports_pending",
        {"service": "default/mysql-external", "published": ["mysql:3306"], "wanted": ["mysql:3307"]},
    ),
    "ports-changed": (
        PortsChanged(KEY, (Port("mysql", 3306),), (Port("mysql", 3307),)),
        "info",
        "service.ports_changed",
        {"service": "default/mysql-external"},
    ),
    "probed-port-gone": (
        ProbedPortGone(KEY, Port("redis", 6379), Port("bus", 16379)),
        "warning",
        "service.probed_port_gone",
        {"service": "default/mysql-external"},
    ),
    "effective": (Effective(KEY, (0.25,)), "debug", "service.effective", {"latencies": [0.25]}),
    "adopted": (Adopted(KEY), "info", "endpoints.adopted", {"service": "default/mysql-external"}),
    "last-ready-drained": (LastReadyDrained(KEY, ("db1",)), "error", "drain.last_ready", {"hosts": ["db1"]}),
    "kept-by-manifest": (
        KeptByManifest(KEY, "Argo CD"),
        "warning",
        "endpoints.kept_by_manifest",
        {"keeper": "Argo CD"},
    ),
    "trusted": (TrustChanged(KEY, ("db1",)), "warning", "service.trusted", {"hosts": ["db1"]}),
    "trust-unknown": (TrustUnknown(KEY, "db9"), "warning", "trust.unknown", {"entry": "db9"}),
    "repaired": (Repaired(KEY, "helm"), "warning", "endpoints.repaired", {"manager": "helm"}),
    "left-out": (
        AddressLeftOut(KEY, "db3", "127.0.0.1", "loopback"),
        "warning",
        "address.left_out",
        {"host": "db3", "why": "loopback"},
    ),
    "written": (
        Published(CHANGE, (0.25, 0.125)),
        "info",
        "endpoints.written",
        {"ready": [], "not_ready": ["10.20.0.11"], "seconds": 0.25},
    ),
    "refused": (NotPublished(KEY, "it is theirs", refused=True), "error", "endpoints.refused", {"why": "it is theirs"}),
    "slice": (
        Published(SliceWrite(KEY, None, SLICE)),
        "info",
        "slice.written",
        {"slice": "db-mooring-ipv4-0", "ready": ["10.20.0.11"], "last_resort": ["10.20.0.12"]},
    ),
    "slice deleted": (
        Published(SliceWrite(KEY, StoredSlice("1", "mooring", SLICE), None)),
        "info",
        "slice.deleted",
        {"slice": "db-mooring-ipv4-0"},
    ),
    "traffic warning": (
        TrafficWarningFound(KEY, "NotMirrored", "it reaches nobody"),
        "error",
        "service.traffic_warning",
        {"kind": "NotMirrored", "why": "it reaches nobody"},
    ),
    "failed": (NotPublished(KEY, "no answer", refused=False), "error", "endpoints.failed", {"why": "no answer"}),
    "jump": (ClockJumped(-3600.0004), "warning", "clock.jumped", {"seconds": -3600.0}),
    "acquired": (LeaderChanged(leading=True, holder="me"), "info", "leader.acquired", {"holder": "me"}),
    "lost": (LeaderChanged(leading=False, holder="a", led=True), "warning", "leader.lost", {"holder": "a"}),
    "seen": (LeaderChanged(leading=False, holder="a"), "info", "leader.seen", {"holder": "a"}),
    "handed-over": (
        LeaseHandedOver("a", "it is blind"),
        "warning",
        "leader.handed_over",
        {"to": "a", "why": "it is blind"},
    ),
    "absurd": (LeaseAbsurd("a", 2e9, 60.0), "error", "lease.absurd", {"holder": "a", "seconds": 2e9}),
    "shared": (LeaseShared("a", "apart"), "error", "lease.shared", {"other": "a", "why": "apart"}),
    "clocks": (ClocksDisagree(3600.04), "warning", "leader.clocks_disagree", {"seconds": 3600.04}),
    "no-observer": (ObserverFailed("403"), "warning", "observer.failed", {"why": "403"}),
    "spare": (ObserverSpare(("a", "b")), "warning", "observer.spare", {"observers": ["a", "b"]}),
    "no-lease": (LeaseFailed("403", refused=True), "error", "leader.failed", {"why": "403", "refused": True}),
    "at-risk": (
        LoginAtRisk(target(), "by its cache alone"),
        "warning",
        "login.at_risk",
        {"address": "10.20.0.11", "port": 3306, "message": "by its cache alone"},
    ),
    "overrun": (Overrun(target()), "warning", "probe.overrun", {"address": "10.20.0.11", "port": 3306}),
}


@pytest.mark.parametrize(("event", "level", "name", "facts"), CASES.values(), ids=CASES)
def test_an_event_has_a_level_a_name_and_its_facts(
    event: Event, level: str, name: str, facts: dict[str, object]
) -> None:
    """Facts are keys whose values JSON can hold, so that a log can be searched by them."""
    line = log_line(event)
    assert (line.level, line.name) == (level, name)
    held = json.loads(json.dumps(dict(line.facts)))
    assert {key: held[key] for key in facts} == facts


def test_every_event_has_its_line() -> None:
    """No event that a listener may get is without a log line."""
    assert {type(event) for event, *_ in CASES.values()} == set(typing.get_args(Event))
