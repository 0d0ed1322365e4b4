"""Reports to systemd how the daemon is, by sd_notify(3), where systemd started it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

from mooring.model.events import ConfigRefused, ConfigReloaded, Event, LeaderChanged
from mooring.observe import log
from mooring.observe.outbox import Outbox

SEND_SECONDS = 1.0
MOST_STATUS = 256
BOUND = 100
TURNS = 4
"""Pings per watchdog interval, so that one missed ping does not trigger a restart."""


class Notifier:
    """A listener, and the reports of `run` beside it. Never raises and never waits, whatever systemd does.

    ``environ`` is read for $NOTIFY_SOCKET (sd_notify(3)), $WATCHDOG_USEC and $WATCHDOG_PID (sd_watchdog_enabled(3)).
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._interval = _interval(environ)
        self._facts = {"role": "runs", "file": "", "hung": ""}
        self._lock = threading.Lock()
        self.outbox = Outbox("systemd", self._post, _report_dropped, BOUND)

    def ready(self) -> None:
        """The daemon has started."""
        self._send("READY=1", self._status())

    def reloading(self, begins: bool) -> None:  # noqa: FBT001 -- the signature of ``Reloader.on_reload``
        """A reload begins, or has ended, with or without success."""
        if begins:
            self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        else:
            self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1", self._status(role="ends"))

    def write(self, event: Event) -> None:
        """A listener: reports what is worth a line of `systemctl status`."""
        match event:
            case ConfigReloaded():
                self._send(self._status(file=f"took up the file {event.hash[:12]}"))
            case ConfigRefused():
                self._send(self._status(file=f"refused the changed file: {event.problems[0]}"))
            case LeaderChanged():
                others = f"stands by for {event.holder}" if event.holder else "stands by"
                self._send(self._status(role="leads" if event.leading else others))
            case _:
                return

    def watch(self, still: Callable[[], str | None]) -> None:
        """Feeds the watchdog, if there is one, while ``still`` returns None; else it names what stands still."""
        if self._address and self._interval:
            threading.Thread(target=self._feed, args=(self._interval, still), name="watchdog", daemon=True).start()

    def _feed(self, interval: float, still: Callable[[], str | None]) -> None:
        while True:
            why = still()
            fed = ["WATCHDOG=1"] if why is None else []
            self._send(*fed, *self._changed(why or ""))
            time.sleep(interval)

    def _changed(self, hung: str) -> list[str]:
        return [] if hung == self._facts["hung"] else [self._status(hung=hung)]

    def _status(self, **facts: str) -> str:
        """What is known with these news, in one line: a line end would begin another assignment."""
        with self._lock:
            self._facts |= facts
            text = "; ".join(fact for fact in self._facts.values() if fact)
        return "STATUS=" + " ".join(text.split())[:MOST_STATUS]

    def _send(self, *lines: str) -> None:
        if self._address and lines:
            self.outbox.put(lines)

    def _post(self, lines: tuple[str, ...]) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(SEND_SECONDS)
            sender.connect(self._address or "")
            sender.send("\n".join(lines).encode())


def _report_dropped(count: int) -> None:
    log.say("warning", "systemd.dropped", {"count": count, "means": "systemd did not take what Mooring reports"})


def _address(named: str) -> str | None:
    """A path, or a name of the abstract namespace, which is written with @ in place of the leading zero byte."""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else None


def _interval(environ: Mapping[str, str]) -> float | None:
    """Seconds from one feeding to the next; None where the watchdog is off, or watches another process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    usec = environ.get("WATCHDOG_USEC", "")
    return int(usec) / 1e6 / TURNS if usec.isdecimal() and int(usec) else None
