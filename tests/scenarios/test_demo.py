"""What a newcomer sees after ``make run``."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from ground import demo, leftovers
from ground.history import addresses
from ground.servers import Redis
from ground.waiting import wait_until

pytestmark = pytest.mark.needs_servers


class Terminal:
    """A terminal, or a pipe, that keeps what was written to it."""

    def __init__(self, *, tty: bool) -> None:
        self._mine, self.theirs = pty.openpty() if tty else os.pipe()
        self.text = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while data := os.read(self._mine, 4096):
                self.text += data.decode(errors="replace")
        except OSError:
            pass  # how a terminal says that its last user left

    def close(self) -> None:
        os.close(self.theirs)
        self._thread.join(5)
        os.close(self._mine)


@contextmanager
def running(terminal: Terminal, program: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """The demonstration with its output on the terminal; killed if the test fails before it ended."""
    path = str(Path(leftovers.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, *(program or ("-m", "ground.demo"))],
        env={**os.environ, "PYTHONPATH": path, "TERM": "xterm", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            terminal.close()
            leftovers.sweep()


def named(pattern: str, terminal: Terminal) -> str:
    found = wait_until(lambda: re.search(pattern, terminal.text), 30, f"{pattern} to be shown")
    return found[1] if found else ""


@pytest.mark.parametrize(("tty", "how"), [(True, signal.SIGINT), (False, signal.SIGTERM)], ids=["terminal", "pipe"])
def test_newcomer_sees_a_host_leave(tty: bool, how: signal.Signals) -> None:  # noqa: FBT001 -- a table's column
    """The named folder holds real manifests; the hinted kill makes a host leave; an interrupt removes all of it."""
    terminal = Terminal(tty=tty)
    with running(terminal) as process:
        folder = Path(named(r"manifests\s+(\S+)", terminal))
        hint = named(r"(kill -9 \$\(cat \S+\))", terminal)
        wait_until(lambda: ready(folder) == ["10.20.0.21", "10.20.0.22"], 20, "both Redis to be ready")
        pids = [int(path.read_text()) for path in (folder.parents[1] / "pids").iterdir()]
        subprocess.run(["bash", "-c", hint], check=True)
        wait_until(lambda: ready(folder) == ["10.20.0.21"], 20, "the killed host to leave")
        wait_until(lambda: "refused" in terminal.text, 20, "the reason to be shown")
        assert ("PUBLISHED" in terminal.text) is tty, "a live table on a terminal, a log elsewhere"
        process.send_signal(how)
        assert process.wait(20) == 0
    assert len(pids) == 3
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not folder.parents[1].exists()
    assert "Traceback" not in terminal.text


def ready(folder: Path) -> list[str]:
    path = folder / "sessions.yaml"
    return addresses(yaml.safe_load(path.read_text()), "addresses") if path.exists() else []


def test_demonstration_goes_on_without_what_is_missing() -> None:
    """Where MariaDB is not installed, the demonstration says so and shows Redis."""
    without = (
        "import sys; from ground import demo, servers;"
        "servers.missing = lambda: ['mariadbd'];"  # a machine without it cannot be had here
        "sys.exit(demo.main())"
    )
    terminal = Terminal(tty=False)
    with running(terminal, ("-c", without)) as process:
        folder = Path(named(r"manifests\s+(\S+)", terminal))
        wait_until(lambda: len(ready(folder)) == 2, 20, "both Redis to be ready")
        assert "mariadbd is not installed; going on without it" in terminal.text
        assert not (folder / "mysql-external.yaml").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_killed_server_is_started_again(tmp_path: Path) -> None:
    """A server that a reader killed stays away long enough to be seen leaving, then returns under a named pid."""
    with Redis() as server:
        shown = demo.Shown("cache1", "10.20.0.21", server)
        shown.note(tmp_path)
        server.kill()
        shown.tend(tmp_path, now=100.0)
        shown.tend(tmp_path, now=100.0 + demo.BACK_AFTER - 0.1)
        assert not server.running
        shown.tend(tmp_path, now=100.0 + demo.BACK_AFTER)
        server.wait()
        assert int((tmp_path / "cache1").read_text()) == server.pid
        shown.tend(tmp_path, now=200.0)
        assert shown.gone_since is None
