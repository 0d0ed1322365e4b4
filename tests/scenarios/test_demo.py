"""What a newcomer sees after ``make run``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

import demo
from lab import leftovers
from lab.history import addresses
from lab.servers import Redis
from lab.waiting import wait_until
from support.console import blocks, plain
from support.terminal import Terminal

STAYS_AWAY = ("-c", "import sys; import demo; demo.BACK_AFTER = 600.0; sys.exit(demo.main())")
"""The demonstration, with time to look at the killed server however slow the machine is."""
README = (Path(__file__).parents[2] / "README.md").read_text()
pytestmark = pytest.mark.needs_servers


@contextmanager
def running(terminal: Terminal, program: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """The demonstration with its output on the terminal; killed if the test fails before it ended."""
    path = str(Path(leftovers.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, *(program or ("-m", "demo"))],
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
    with running(terminal, STAYS_AWAY if tty else ()) as process:
        folder = Path(named(r"manifests\s+(\S+)", terminal))
        hint = named(r"(kill -9 \$\(cat \S+\))", terminal)
        wait_until(lambda: ready(folder) == ["10.20.0.21", "10.20.0.22"], 20, "both Redis to be ready")
        pids = [int(path.read_text()) for path in (folder.parents[1] / "pids").iterdir()]
        subprocess.run(["bash", "-c", hint], check=True)
        wait_until(lambda: ready(folder) == ["10.20.0.21"], 20, "the killed host to leave")
        wait_until(lambda: "refused" in terminal.text, 20, "the reason to be shown")
        assert ("of 2 ready" in terminal.text) is tty, "a live table on a terminal, a log elsewhere"
        if tty:
            look(terminal)
        process.send_signal(how)
        assert process.wait(60) == 0
    assert len(pids) == 3
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not folder.parents[1].exists()
    assert "Traceback" not in terminal.text


def look(terminal: Terminal) -> None:
    """The page and the commands that the demonstration names: the status is what the README shows."""
    with urllib.request.urlopen(named(r"page\s+(\S+)", terminal), timeout=60) as page:
        assert b"cache2" in page.read()
    assert "refused" in printed(named(r"(\S+mooring explain sessions/cache2 .*?)\r?\n", terminal))
    status = named(r"status\s+(.*?)\r?\n", terminal)
    wait_until(lambda: " 1 of 1 ready" in printed(status), 20, "the database to be ready, too", every=0.2)
    assert plain(printed(status).splitlines()) == plain(shown())


def printed(line: str) -> str:
    """What a command that the demonstration names prints on a terminal of its own."""
    terminal = Terminal(tty=True)
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    subprocess.run(
        ["sh", "-c", line], env=env, stdout=terminal.theirs, stderr=terminal.theirs, check=False, timeout=120
    )
    terminal.close()
    return terminal.text


def shown() -> tuple[str, ...]:
    """The status as the README shows it."""
    [block] = [block for block in blocks(README) if block.mark == "compared by tests/scenarios/test_demo.py"]
    return block.steps[0].shown


def ready(folder: Path) -> list[str]:
    path = folder / "sessions.yaml"
    return addresses(yaml.safe_load(path.read_text()), "addresses") if path.exists() else []


def test_demonstration_goes_on_without_what_is_missing() -> None:
    """Where MariaDB is not installed, the demonstration says so and shows Redis."""
    without = (
        "import sys; import demo; from lab import servers;"
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
        assert process.wait(60) == 0


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
