"""Structured logs: one line an event, JSON when not on a terminal.

The daemon hands its lines to a thread of the log's own (``start``): a log that nobody reads, or whose disk hangs, stops
neither probing nor publishing. The other commands write each line at once.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog

from mooring.model.events import Event, Overrun
from mooring.model.moments import rfc3339
from mooring.observe import streams
from mooring.observe.lines import log_line
from mooring.observe.outbox import Outbox
from mooring.observe.overruns import OverrunLog

Format = Literal["auto", "json", "console"]
Line = tuple[float, str, str, Mapping[str, Any]]
"""Unix seconds, level, name of the event, facts."""
FLUSH_SECONDS = 1.0
_RANKS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def configure(form: Format, level: str) -> None:
    """Sends Mooring's lines and warnings of libraries to standard error; tracebacks show no local variables."""
    on_terminal = form == "console" or (form == "auto" and sys.stderr.isatty())
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[Any] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), sort_keys=False, exception_formatter=structlog.dev.plain_traceback
            )
        ]
        if on_terminal
        else [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.MaybeTimeStamper(fmt="iso", utc=True),
            _head_first,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _STDERR,
        cache_logger_on_first_use=False,
    )
    _state.rank = _RANKS[level]
    # A library's warning without a handler is written by its own thread, which then waits for who reads it.
    logging.getLogger().addHandler(_FORWARD)
    logging.captureWarnings(True)


def start() -> None:
    """From now on a thread of the log's own writes the lines, and nobody waits for it."""
    _state.outbox = _state.outbox or Outbox("log", _render_or_complain, _report_dropped)


def flush(seconds: float = FLUSH_SECONDS) -> None:
    """Waits, at most so long, until what was logged is written."""
    if _state.outbox:
        _state.outbox.flush(seconds)


def dropped() -> int:
    """Lines that were lost: nobody read them in time, or they could not be written."""
    return _state.outbox.dropped if _state.outbox else 0


def wants_probes() -> bool:
    """Whether the log has probes at all: otherwise nobody makes a thousand such events a second."""
    return _state.rank <= _RANKS["debug"]


def write(event: Event) -> None:
    """A listener: one line for the event, but for overruns of a host one a minute."""
    if isinstance(event, Overrun):
        if count := _state.overruns.count(event.target, time.monotonic()):
            level, name, facts = log_line(event)
            say(level, name, {**facts, "count": count})
        return
    say(*log_line(event))


def say(level: str, name: str, facts: Mapping[str, Any]) -> None:
    """One line. Never waits once the log's thread has started."""
    if _RANKS[level] < _state.rank:
        return
    line = time.time(), level, name, facts
    if _state.outbox:
        _state.outbox.put(line)
    else:
        _render(line)


class _State:
    """Of the whole process, as standard error is."""

    rank = _RANKS["debug"]
    outbox: Outbox[Line] | None = None
    overruns = OverrunLog()


_state = _State()


def _render(line: Line) -> None:
    at, level, name, facts = line
    getattr(structlog.get_logger(), level)(name, timestamp=rfc3339(at, 6), **facts)


def _render_or_complain(line: Line) -> None:
    """A line that cannot be rendered is a defect that no other line of the log would report."""
    try:
        _render(line)
    except Exception:  # noqa: BLE001 -- the thread that writes the log must outlive every line
        streams.complain(traceback.format_exc())


def _report_dropped(count: int) -> None:
    means = "the log was not read in time, or could not be written; these lines are lost"
    _render((time.time(), "warning", "log.dropped", {"count": count, "means": means}))


def _head_first(_logger: object, _method: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Time, level and event come first: a log viewer may cut the rest."""
    head = {name: facts.pop(name) for name in ("timestamp", "level", "event")}
    return {**head, **facts}


class _Stderr:
    """Writes to whatever ``sys.stderr`` is at that moment: a live table replaces it.

    A full disk or a reader that has left loses the line, and changes nothing else.
    """

    _lock = threading.Lock()
    _torn = False
    """Only a part of the last line may have been written."""

    def msg(self, message: str) -> None:
        with self._lock:
            try:
                streams.write(sys.stderr, "\n" * self._torn + message + "\n")
                self._torn = False
            except (OSError, ValueError):
                self._torn = True
                if _state.outbox:
                    _state.outbox.drop()

    log = debug = info = warn = warning = error = critical = exception = fatal = failure = msg


_STDERR = _Stderr()


class _Forward(logging.Handler):
    """A library's own log, as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        say("warning", "library", {"library": record.name, "message": record.getMessage()[:256]})


_FORWARD = _Forward(logging.WARNING)
