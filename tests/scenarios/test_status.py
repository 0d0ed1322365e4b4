"""`mooring status` beside a real daemon."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.configuration import at, file, service
from lab.mooring import PROGRAM, Daemon
from lab.servers import Redis
from lab.waiting import wait_until

pytestmark = pytest.mark.needs_servers

SERVICE, ONE = "default/redis", "10.20.0.21"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Redis() as redis:
        text = file(service("redis", "redis", [at(ONE, redis)]))
        with Daemon(text, tmp_path_factory.mktemp("state")) as daemon:
            daemon.wait_ready(SERVICE, [ONE])
            yield daemon


class Output:
    """What a program writes to a pipe or to a terminal, read as it comes."""

    def __init__(self, *, terminal: bool) -> None:
        self._reading, self.end = pty.openpty() if terminal else os.pipe()
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._reading, 4096):
                self.text += piece.decode(errors="replace")
        except OSError:
            return  # a terminal whose other end was closed
        finally:
            os.close(self._reading)

    def whole(self) -> str:
        """All of it, once nobody writes any more."""
        os.close(self.end)
        self._reader.join(60)
        return self.text


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_watch_ends_cleanly_with_ctrl_c(daemon: Daemon, form: str, *, terminal: bool) -> None:
    """It is shown anew every two seconds until Ctrl-C, which is how a watch ends: 0, and no traceback."""
    output = Output(terminal=terminal)
    command = [*PROGRAM, "status", "-w", "-o", form, "--url", f"http://127.0.0.1:{daemon.port}"]
    watch = subprocess.Popen(command, stdout=output.end, stderr=output.end, env=os.environ | {"COLUMNS": "200"})
    try:
        wait_until(lambda: output.text.count(ONE) >= 2, 20, "the table, twice")
        watch.send_signal(signal.SIGINT)
        assert watch.wait(60) == 0
    finally:
        watch.kill()
        watch.wait()
    shown = output.whole()
    assert "Traceback" not in shown
    assert ("\x1b[2J" in shown) == (terminal and form == "table")


def test_a_watch_outlives_its_daemon(tmp_path: Path) -> None:
    """Once nobody answers any more, a watch says for how long, beside what was said last; Ctrl-C ends it."""
    with Redis() as redis, Daemon(file(service("redis", "redis", [at(ONE, redis)])), tmp_path) as daemon:
        daemon.wait_ready(SERVICE, [ONE])
        output = Output(terminal=False)
        url = f"http://127.0.0.1:{daemon.port}"
        watch = subprocess.Popen([*PROGRAM, "status", "-w", "--url", url], stdout=output.end, stderr=output.end)
        try:
            wait_until(lambda: ONE in output.text, 20, "the table")
            daemon.stop()
            wait_until(lambda: "No answer for " in output.text, 20, "the silence")
            wait_until(lambda: ONE in output.text.rpartition("No answer for ")[2], 20, "what was said last")
            watch.send_signal(signal.SIGINT)
            assert watch.wait(60) == 0
        finally:
            watch.kill()
            watch.wait()
    assert "Traceback" not in output.whole()
