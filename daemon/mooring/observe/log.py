"""Structured logs: one line an event, JSON when not on a terminal."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from typing import Any, Literal

import structlog

from mooring.events import Event
from mooring.observe.lines import line

Format = Literal["auto", "json", "console"]


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
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_stderr,
        cache_logger_on_first_use=False,
    )
    _wanted["probes"] = level == "debug"
    library = logging.getLogger("apscheduler")
    library.handlers = [_Forward(logging.WARNING)]
    library.propagate = False


_wanted: dict[str, bool] = {"probes": True}


def wants_probes() -> bool:
    """Whether ``Probed`` is written at all: a thousand of them in a second are not made for nobody."""
    return _wanted["probes"]


class _Stderr:
    """Writes to whatever ``sys.stderr`` is at that moment: a live table puts itself in between."""

    _lock = threading.Lock()

    def msg(self, message: str) -> None:
        with self._lock:
            sys.stderr.write(message + "\n")
            sys.stderr.flush()

    log = debug = info = warn = warning = error = critical = exception = fatal = failure = msg


def _to_stderr(*_: object) -> _Stderr:
    return _Stderr()


class _Forward(logging.Handler):
    """A library's own log, as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning("library", library=record.name, message=record.getMessage()[:256])


def write(event: Event) -> None:
    """A listener: one line for the event."""
    say(*line(event))


def say(level: str, name: str, facts: Mapping[str, Any]) -> None:
    """One line."""
    getattr(structlog.get_logger(), level)(name, **facts)
