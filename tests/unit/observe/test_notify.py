"""What systemd is told, over a socket as its own."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.values import KEY
from mooring.model.events import ConfigRefused, ConfigReloaded, LeaderChanged, ServiceReleased
from mooring.observe.notify import Notifier


class Manager:
    """The receiving end of sd_notify(3), at a path or (``@``) in the abstract namespace."""

    def __init__(self, name: str) -> None:
        self.environ = {"NOTIFY_SOCKET": name}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(10)
        self._socket.bind("\0" + name[1:] if name.startswith("@") else name)

    def close(self) -> None:
        self._socket.close()

    def told(self) -> list[str]:
        """The lines of the next message."""
        return self._socket.recv(4096).decode().split("\n")

    def silent(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)
        try:
            return not self.told()
        except TimeoutError:
            return True


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify") if request.param == "path" else f"@mooring-{secrets.token_hex(8)}")
    yield made
    made.close()


def test_a_life_is_told(manager: Manager) -> None:
    """Up, each change of the file, and the end; nothing else is systemd's business."""
    notifier = Notifier(manager.environ)
    notifier.ready()
    assert manager.told() == ["READY=1", "STATUS=runs"]
    notifier.write(ServiceReleased(KEY))
    notifier.write(ConfigReloaded("0123456789abcdef", 0.0))
    assert manager.told() == ["STATUS=runs; took up the file 0123456789ab"]
    notifier.stopping()
    assert manager.told() == ["STOPPING=1", "STATUS=ends; took up the file 0123456789ab"]


@pytest.mark.parametrize(
    ("event", "role"),
    [
        (LeaderChanged(leading=True, holder="db1-0a"), "leads"),
        (LeaderChanged(leading=False, holder="db2-0b"), "stands by for db2-0b"),
        (LeaderChanged(leading=False, holder="", led=True), "stands by"),
    ],
)
def test_the_status_says_who_leads(manager: Manager, event: LeaderChanged, role: str) -> None:
    """On a host that stands by, `systemctl status` names the one to look at."""
    notifier = Notifier(manager.environ)
    notifier.write(event)
    assert manager.told() == [f"STATUS={role}"]
    notifier.ready()
    assert manager.told() == ["READY=1", f"STATUS={role}"]


def test_a_reload_has_a_beginning_and_an_end(manager: Manager) -> None:
    """RELOADING comes with the moment it was sent, in microseconds of CLOCK_MONOTONIC, as `notify-reload` wants it."""
    notifier = Notifier(manager.environ)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.reloading(True)
    state, stamp = manager.told()
    assert state == "RELOADING=1"
    assert before <= int(stamp.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.reloading(False)
    assert manager.told() == ["READY=1"]


def test_a_refused_file_says_why_in_one_line(manager: Manager) -> None:
    """`systemctl status` shows the first problem; what stands in a file cannot become a message of its own."""
    problem = "config.yaml:3:5: services[0].name: is\nWATCHDOG=1 " + "x" * 500
    Notifier(manager.environ).write(ConfigRefused((problem, "another"), 0.0))
    (line,) = manager.told()
    assert line.startswith("STATUS=runs; refused the changed file: config.yaml:3:5: services[0].name: is WATCHDOG=1 xx")
    assert len(line) == len("STATUS=") + 256


def test_the_watchdog_is_fed_only_while_all_turns(manager: Manager) -> None:
    """What stands still is shown, and systemd hears no WATCHDOG=1 until it turns again."""
    answers = iter([None, "the writer stands still", "the writer stands still"])
    Notifier({**manager.environ, "WATCHDOG_USEC": "40000"}).watch(lambda: next(answers, None))
    told = [manager.told() for _ in range(4)]
    hung, again = "STATUS=runs; the writer stands still", ["WATCHDOG=1", "STATUS=runs"]
    assert told == [["WATCHDOG=1"], [hung], again, ["WATCHDOG=1"]]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid() + 1)},
    ],
    ids=["off", "zero", "nonsense", "another process"],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(manager: Manager, more: dict[str, str]) -> None:
    """A child that inherited the environment must not speak for its parent."""
    Notifier({**manager.environ, **more}).watch(lambda: None)
    assert manager.silent(0.05)


@pytest.mark.parametrize("named", ["", "relative", "vsock:2:1234", "/nowhere/notify", "@mooring-nobody-listens"])
def test_without_a_manager_nothing_happens(named: str) -> None:
    """By hand, in a pod, or under a manager that has gone, the daemon runs just the same."""
    notifier = Notifier({"NOTIFY_SOCKET": named, "WATCHDOG_USEC": "1000"} if named else {})
    notifier.ready()
    notifier.reloading(True)
    notifier.stopping()
