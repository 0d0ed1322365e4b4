"""One line an event."""

from __future__ import annotations

import json
import logging
import threading
import typing
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from ground.values import KEY, PORTS, member, report, stored, target
from mooring.errors import Conflict
from mooring.events import (
    AddressLeftOut,
    AddressRemoved,
    BlindChanged,
    ClockJumped,
    ConfigRefused,
    ConfigReloaded,
    DrainChanged,
    DrainUnknown,
    Event,
    HazardFound,
    HostChanged,
    HostKnown,
    HostUnknown,
    KeptLast,
    LeaderChanged,
    LeaseFailed,
    NotPublished,
    Overrun,
    Probed,
    Published,
    Repaired,
    ServiceReleased,
    SessionsKilled,
    SplitBrain,
    SplitBrainEnded,
    WriteFailed,
)
from mooring.model import Change, HostState, Outcome, Subset, Verdict
from mooring.observe import log
from mooring.picture import Condition, Endpoint, Slice, SliceChange, StoredSlice
from mooring.reasons import Reason

WHO = {"service": "default/mysql-external", "host": "10.20.0.11", "address": "10.20.0.11"}
DOWN = HostState(Verdict.NOT_READY, outcome=Outcome(Reason.REFUSED, "connection refused"))
UP = HostState(Verdict.READY, outcome=Outcome(Reason.OK))
CHANGE = Change(KEY, stored(ready=("10.20.0.11",)), (Subset((), ("10.20.0.11",), PORTS),))
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
            "means": "applications may still be connected to a host that is the primary no more",
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
        {**WHO, "reason": "auth", "means": "turns our login away; its state cannot be known"},
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
    "drain-unknown": (DrainUnknown(KEY, "db9"), "warning", "drain.unknown", {"entry": "db9"}),
    "removed": (AddressRemoved(KEY, "10.20.0.99"), "warning", "address.removed", {"address": "10.20.0.99"}),
    "repaired": (Repaired(KEY, "helm"), "warning", "endpoints.repaired", {"manager": "helm"}),
    "left-out": (
        AddressLeftOut(KEY, "db3", "127.0.0.1", "loopback"),
        "warning",
        "address.left_out",
        {"host": "db3", "why": "loopback"},
    ),
    "written": (
        Published(CHANGE, 0.25),
        "info",
        "endpoints.written",
        {"ready": [], "not_ready": ["10.20.0.11"], "seconds": 0.25},
    ),
    "refused": (NotPublished(KEY, "it is theirs", refused=True), "error", "endpoints.refused", {"why": "it is theirs"}),
    "slice": (
        Published(SliceChange(KEY, None, SLICE)),
        "info",
        "slice.written",
        {"slice": "db-mooring-ipv4-0", "ready": ["10.20.0.11"], "last_resort": ["10.20.0.12"]},
    ),
    "slice deleted": (
        Published(SliceChange(KEY, StoredSlice("1", "mooring", SLICE), None)),
        "info",
        "slice.deleted",
        {"slice": "db-mooring-ipv4-0"},
    ),
    "hazard": (
        HazardFound(KEY, "NotMirrored", "it reaches nobody"),
        "error",
        "service.hazard",
        {"kind": "NotMirrored", "why": "it reaches nobody"},
    ),
    "failed": (NotPublished(KEY, "no answer", refused=False), "error", "endpoints.failed", {"why": "no answer"}),
    "jump": (ClockJumped(-3600.0004), "warning", "clock.jumped", {"seconds": -3600.0}),
    "acquired": (LeaderChanged(leading=True, holder="me"), "info", "leader.acquired", {"holder": "me"}),
    "lost": (LeaderChanged(leading=False, holder="a", led=True), "warning", "leader.lost", {"holder": "a"}),
    "seen": (LeaderChanged(leading=False, holder="a"), "info", "leader.seen", {"holder": "a"}),
    "no-lease": (LeaseFailed("403", refused=True), "error", "leader.failed", {"why": "403", "refused": True}),
    "overrun": (Overrun(target()), "warning", "probe.overrun", {"address": "10.20.0.11", "port": 3306}),
}


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    log.configure("json", "debug")
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(("event", "level", "name", "facts"), CASES.values(), ids=CASES)
def test_an_event_is_one_line_of_json(
    lines: Callable[[], list[dict[str, Any]]], event: Event, level: str, name: str, facts: dict[str, object]
) -> None:
    """Each event has its name and level, and its facts are keys."""
    log.write(event)
    (line,) = lines()
    assert (line["level"], line["event"]) == (level, name)
    assert {key: line[key] for key in facts} == facts
    assert line["timestamp"].endswith("Z")


def test_every_event_has_its_line() -> None:
    """No event that a listener may be told is without a log line."""
    assert {type(event) for event, *_ in CASES.values()} == set(typing.get_args(Event))


def test_probes_are_only_logged_for_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    """At the ordinary level a transition is a line, and a probe is none."""
    log.configure("json", "info")
    log.write(CASES["probe"][0])
    log.write(CASES["down"][0])
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["host.not_ready"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str], form: log.Format) -> None:
    """A defect is logged with its traceback, but no password that some variable held goes with it."""
    log.configure(form, "info")

    def fail(password: str) -> None:
        raise RuntimeError("a defect")

    try:
        fail("hunter2-not-a-real-one")
    except RuntimeError as error:
        structlog.get_logger().error("defect", exc_info=error)
    shown = capsys.readouterr().err
    assert "a defect" in shown
    assert shown.count("hunter2") == (1 if form == "console" and 'fail("hunter2' in shown else 0)


def test_what_a_library_says_is_forwarded_from_warnings_up(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """APScheduler's two lines for each run stay out of the log; its warnings do not."""
    logging.getLogger("apscheduler.scheduler").info("Running job")
    logging.getLogger("apscheduler.scheduler").warning("a job was missed")
    assert [(line["library"], line["message"]) for line in lines()] == [("apscheduler.scheduler", "a job was missed")]


def test_lines_of_many_threads_do_not_mix(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """Every line is whole JSON, however many threads write."""

    def write() -> None:
        for _ in range(100):
            log.write(CASES["down"][0])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines()) == 800
