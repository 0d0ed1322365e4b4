"""The README's two commands on machines that have Debian's Python, make and git, and nothing of ours."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import fresh
from lab.fresh import Machine
from lab.waiting import wait_until
from support.terminal import Terminal

TABLE = {"1 of 1 ready", "2 of 2 ready"}
"""What stands at the two Services of the demonstration once every host is ready."""
SECONDS = 900
"""Bounds all that packages take to arrive, on a machine that does other work."""
pytestmark = [pytest.mark.needs_bare_machine, pytest.mark.timeout(3 * SECONDS)]
ASKED_FOR = {suite: pytest.param(suite, marks=pytest.mark.fresh_machine) for suite in fresh.SUITES}
BOTH = pytest.mark.parametrize("suite", list(ASKED_FOR.values()))
USUAL = pytest.mark.parametrize("suite", ["bookworm", ASKED_FOR["trixie"]])
"""``make test`` runs them for Debian 12."""


@contextmanager
def typed(machine: Machine, script: str, terminal: Terminal) -> Iterator[subprocess.Popen[bytes]]:
    """The command on a terminal of its own, where Ctrl-C is a key; ended with all that it started."""
    words = ["setsid", "--ctty", *machine.line(script)]
    end = terminal.theirs
    with subprocess.Popen(words, stdin=end, stdout=end, stderr=end) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            terminal.close()


def beside(process: subprocess.Popen[bytes], script: str) -> None:
    """Runs a command on the same machine, as from another terminal."""
    first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    words = ["nsenter", "--target", first, "--mount", "--pid", "--root", "--wd", "sh", "-ec", script]
    subprocess.run(words, check=True, timeout=60)


@USUAL
def test_make_run_shows_a_host_leave(suite: str) -> None:
    """As root: it installs what it lacks and shows its table; the hinted kill takes a host out; Ctrl-C ends it all."""
    terminal = Terminal(tty=True)
    with fresh.machine(suite) as machine, typed(machine, "make run", terminal) as process:
        wait_until(lambda: set(re.findall(r"\d of \d ready", terminal.text)) >= TABLE, SECONDS, "the table", every=0.5)
        hint = re.search(r"kill -9 \$\(cat \S+\)", terminal.text)
        assert hint, terminal.text
        beside(process, hint[0])
        wait_until(lambda: "Connection refused" in terminal.text, 60, "the killed host to leave", every=0.5)
        terminal.type("\x03")
        process.wait(60)
        left = [path.name for path in (machine.root / "tmp").iterdir() if path.name.startswith("mooring-")]
        assert not left
        assert str(machine.root) not in Path("/proc/self/mounts").read_text()
    assert "Traceback" not in terminal.text


@BOTH
def test_make_run_names_what_it_lacks(suite: str) -> None:
    """Without root and without servers it names the packages and ends."""
    with fresh.machine(suite, fresh.USER) as machine:
        code, output = machine.ran("make run", 2 * SECONDS)
    assert code == 2
    assert "missing: mariadb-server-core mariadb-client-core redis-server" in output
    assert "Nothing to show: install mariadb-server and redis-server." in output
    assert "Traceback" not in output


@USUAL
def test_make_unit_passes(suite: str) -> None:
    """Without root, and in a checkout that nothing was made in before."""
    with fresh.machine(suite, fresh.USER) as machine:
        code, output = machine.ran("make unit", 2 * SECONDS)
    assert code == 0, output[-8000:]
    assert re.search(r"^=+ \d{4,} passed", output, re.MULTILINE), output[-8000:]


@BOTH
def test_make_test_passes(suite: str) -> None:
    """Without root: what can run there passes, and the rest is listed."""
    with fresh.machine(suite, fresh.USER) as machine:
        code, output = machine.ran("make test", 2 * SECONDS)
    assert code == 0, output[-8000:]
    assert "NOT RUN on this machine" in output
