"""One line an event."""

from __future__ import annotations

import errno
import json
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

import pytest
import structlog

from lab.values import member, report, target
from lab.waiting import wait_until
from mooring.model.events import (
    HostChanged,
    Overrun,
    Probed,
)
from mooring.model.reasons import Reason
from mooring.model.verdicts import HostState, Outcome, Verdict
from mooring.observe import log, streams
from mooring.observe.overruns import OverrunLog

DOWN = HostChanged(
    member(), HostState(Verdict.NOT_READY, outcome=Outcome(Reason.REFUSED, "connection refused")), Verdict.READY, 3
)


@pytest.fixture(autouse=True)
def _whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error is the process's: a line that another test could not write leaves nothing to make good here."""
    monkeypatch.setattr(log._STDERR, "_torn", False)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    log.configure("json", "debug")
    log._state.overruns = OverrunLog()
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_line_of_json(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """With its level, its name, its facts and the time in UTC."""
    log.write(DOWN)
    (line,) = lines()
    assert (line["level"], line["event"], line["reason"], line["streak"]) == ("info", "host.not_ready", "refused", 3)
    assert line["timestamp"].endswith("Z")


def test_overruns_of_a_host_are_one_line_a_minute(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """A thousand hosts that overrun each period do not fill the log; the line has their count."""
    one, two = target(port=1), target(port=2)
    for event in [Overrun(one)] * 100 + [Overrun(two)] * 100:
        log.write(event)
    assert [(line["port"], line["count"]) for line in lines()] == [(1, 1), (2, 1)]


def test_probes_are_only_logged_for_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    """At the ordinary level a transition is a line, and a probe is none."""
    log.configure("json", "info")
    log.write(Probed(report(target())))
    log.write(DOWN)
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


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "asyncio", "root"])
def test_no_thread_writes_what_a_library_says(lines: Callable[[], list[dict[str, Any]]], name: str) -> None:
    """Otherwise Python writes it to standard error at once, and a reader that hangs holds up who renews the Lease."""
    logging.getLogger(name).warning("the pool is full")
    assert [(line["library"], line["message"]) for line in lines()] == [(name, "the pool is full")]


def test_what_a_library_warns_of_is_a_line_too(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """As of a certificate that nobody checks."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        log.configure("json", "info")
        warnings.warn("nobody checks it", UserWarning, stacklevel=1)
    logging.captureWarnings(False)
    (line,) = lines()
    assert line["library"] == "py.warnings"
    assert "nobody checks it" in line["message"]


def test_lines_of_many_threads_do_not_mix(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """Every line is whole JSON, however many threads write."""

    def write() -> None:
        for _ in range(100):
            log.write(DOWN)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines()) == 800


@pytest.fixture
def log_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that writes the log of a daemon; it stays behind, idle."""
    monkeypatch.setattr(log._state, "outbox", None)
    log.configure("json", "info")
    log.start()


class Disk:
    """Stands for standard error; hangs, or is full."""

    def __init__(self) -> None:
        self.turns = threading.Event()
        self.full = False
        self.text = ""

    def write(self, _stream: TextIO, text: str) -> None:
        self.turns.wait(60)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.text += text


@pytest.fixture
def disk(log_thread: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk()
    monkeypatch.setattr(streams, "write", disk.write)
    yield disk
    disk.turns.set()


def test_a_hung_disk_delays_nobody_who_logs(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events, lines of our own and of libraries wait for no log; when it is back, a line says how many are lost."""
    monkeypatch.setattr(log._state.outbox, "_bound", 5)
    for _ in range(100):
        log.write(DOWN)
        log.say("info", "daemon.started", {})
        logging.getLogger("apscheduler.scheduler").warning("a job was missed")
    lost = log.dropped()
    assert 294 <= lost <= 295
    disk.turns.set()
    log.flush(60)
    wait_until(lambda: "log.dropped" in disk.text, 60, "the line")
    lines = [json.loads(line) for line in disk.text.splitlines()]
    assert (lines[-1]["event"], lines[-1]["count"]) == ("log.dropped", lost)
    assert len(lines) == 301 - lost


def test_a_full_disk_loses_lines_and_nothing_else(disk: Disk) -> None:
    """They are counted, and the line that says so comes once there is space again."""
    disk.turns.set()
    disk.full = True
    for _ in range(3):
        log.write(DOWN)
    log.flush(60)
    wait_until(lambda: log.dropped() >= 3, 60, "the lines to be lost")
    disk.full = False
    log.say("info", "space.again", {})
    log.flush(60)
    wait_until(lambda: "log.dropped" in disk.text, 60, "the line")
    lines = [json.loads(line) for line in disk.text.splitlines() if line]
    assert [line["event"] for line in lines] == ["space.again", "log.dropped"]


def test_a_line_has_the_time_at_which_it_happened(disk: Disk) -> None:
    """Not the time at which a slow log took it."""
    log.say("info", "before", {})
    now = datetime.now(UTC)
    time.sleep(0.05)
    disk.turns.set()
    log.flush(60)
    line = json.loads(disk.text)
    assert datetime.fromisoformat(line["timestamp"]) <= now


def test_a_line_that_cannot_be_rendered_is_reported(disk: Disk) -> None:
    """A defect of one line costs that line; the ones after it are written."""

    class Defect:
        def __repr__(self) -> str:
            raise RuntimeError("a defect of a fact")

    disk.turns.set()
    log.say("info", "bad", {"fact": Defect()})
    log.say("info", "good", {})
    log.flush(60)
    assert "a defect of a fact" in disk.text
    assert json.loads(disk.text.splitlines()[-1])["event"] == "good"


def test_json_begins_with_when_how_bad_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    """A viewer that cuts its lines at the right shows these."""
    log.configure("json", "info")
    log.write(DOWN)
    assert list(json.loads(capsys.readouterr().err))[:3] == ["timestamp", "level", "event"]
