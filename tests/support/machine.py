"""A machine of its own for a test: a real systemd, a real MariaDB, and Mooring beside it."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from lab import installed, leftovers
from lab.containers import ENGINE, LIMITS, new_name
from lab.images import ROOT
from lab.network import Host
from lab.waiting import wait_until

UNIT = "mooring.service"
_BOOT = ("sh", "-c", "mount --make-rshared / && exec /sbin/init")
"""Mounts are shared where a kernel boots; systemd relies on that to show a unit its credentials."""
_DATABASE = """
[mariadbd]
bind-address = {address}
skip-name-resolve
innodb-buffer-pool-size = 8M
innodb-log-file-size = 4M
performance-schema = OFF
"""


class Machine:
    """A container with systemd as its first process, in the network namespace of ``host``.

    ``with Machine(host) as machine`` boots it. ``accounts`` may log in to its MariaDB from everywhere. A ``bare`` one
    has no Mooring in /opt/mooring.
    """

    def __init__(self, host: Host, accounts: Mapping[str, str], *, bare: bool = False) -> None:
        self.host = host
        self._bare = bare
        self.name = new_name(host.name)
        self._accounts = dict(accounts)
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._begin()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        database = self._undo.enter_context(leftovers.scratch("machine")) / "tests.cnf"
        database.write_text(_DATABASE.format(address=self.host.address))
        environment = () if self._bare else (f"{installed.environment()}:{installed.PLACE}:ro",)
        mounts = (*environment, f"{ROOT}:/src:ro", f"{database}:/etc/mysql/mariadb.conf.d/99-tests.cnf:ro")
        where = ["--network", f"ns:/run/netns/{self.host.netns}", "--hostname", self.host.name, "--systemd=always"]
        volumes = [f"--volume={mount}" for mount in mounts]
        line = [*ENGINE, "run", "--rm", "--detach", "--name", self.name, "--privileged", *LIMITS, *where, *volumes]
        done = subprocess.run([*line, installed.image(), *_BOOT], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"podman run: {done.stderr.strip()}")

    def booted(self) -> Self:
        """Waits until its MariaDB lets the accounts in."""
        wait_until(
            lambda: self._said("is-active", "mariadb") == "active", 60, f"MariaDB on {self.host.name}", every=0.1
        )
        create = "CREATE USER IF NOT EXISTS '{}'@'%' IDENTIFIED BY '{}';"
        self.run("mariadb", stdin="".join(create.format(*account) for account in self._accounts.items()))
        return self

    def close(self) -> None:
        leftovers.remove_container(self.name)
        self._undo.close()

    def power_cut(self) -> None:
        """Off the network, and every process gone in the same moment: nothing says goodbye."""
        self.host.link_down()
        leftovers.remove_container(self.name)

    def _exec(self, words: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[str]:
        line = [*ENGINE, "exec", "--interactive", self.name, *words]
        return subprocess.run(line, input=stdin, capture_output=True, text=True, timeout=300, check=False)

    def run(self, *words: str, stdin: str = "") -> str:
        """Runs a command there as root; returns what it printed. Raises RuntimeError: it failed."""
        done = self._exec(words, stdin)
        if done.returncode:
            raise RuntimeError(f"{self.host.name}: {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def both(self, *words: str) -> str:
        """As ``run``, with what it said on standard error."""
        return self.run("sh", "-c", 'exec "$@" 2>&1', "sh", *words)

    def shell(self, script: str) -> str:
        return self.run("sh", "-ec", script)

    def write(self, path: str, text: str) -> None:
        """Puts a file there, as an editor does: under another name first."""
        self.run("sh", "-ec", 'mkdir -p "${0%/*}"; cat >"$0.new"; mv "$0.new" "$0"', path, stdin=text)

    def copy(self, file: Path, folder: str) -> None:
        """Puts a file of this machine there. Raises RuntimeError."""
        line = [*ENGINE, "cp", str(file), f"{self.name}:{folder}"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError(f"podman cp: {done.stderr.strip()}")

    def _said(self, *words: str) -> str:
        return self._exec(("systemctl", *words), "").stdout.strip()

    def show(self, name: str) -> str:
        """One property of the unit (systemctl(1), "show")."""
        return self._said("show", "--value", "--property", name, UNIT)

    def verdicts(self) -> set[str]:
        """All that its Mooring holds of hosts."""
        told = json.loads(self.run(f"{installed.PLACE}/bin/mooring", "status", "-o", "json"))
        return {host["verdict"] for service in told["services"] for host in service["hosts"]}

    def journal(self, output: str = "short-precise") -> str:
        """All that systemd keeps of the unit, in this form (journalctl(1), "--output")."""
        return self.run("journalctl", "--unit", UNIT, "--output", output, "--no-pager")

    def logs(self, event: str) -> list[dict[str, Any]]:
        """Mooring's lines of this event in the journal, the oldest first."""
        found = [json.loads(line) for line in self.journal("cat").splitlines() if line.startswith("{")]
        return [line for line in found if line.get("event") == event]

    def install(self, files: Mapping[str, str]) -> None:
        """Mooring, as docs/install.md says, with these files in the folder where it is done."""
        for name, text in files.items():
            self.write(f"/root/{name}", text)
        steps = "\n".join(installed.commands(1))
        try:
            self.shell(f"cd /root; ln -sfn /src/deploy deploy\n{steps}")
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"{error}\n{self.journal()}") from None
