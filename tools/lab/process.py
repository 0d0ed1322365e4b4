"""A server as a throw-away process: its own directory, its own port, ended for certain."""

from __future__ import annotations

import abc
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from lab import leftovers
from lab.child import Child
from lab.free_ports import free_port
from lab.network import inside
from lab.waiting import wait_until

UNPRIVILEGED = 65534  # nobody, everywhere
_SYSTEM = "/usr/sbin:/sbin:/usr/local/sbin"


def command(name: str) -> str | None:
    """Where a command is, also one that only root has on PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM}")


class Server(Child, abc.ABC):
    """One real server. ``with Kind(...) as server`` starts it, waits until it serves, and removes all of it.

    Without ``port``: the usual one in a namespace of its own (``netns``), otherwise a free one.
    """

    usual_port: int
    starts_as_root = False
    """Where the tests run as root: it drops root itself, once it has made what only root may make."""

    def __init__(self, *, port: int | None = None, address: str = "127.0.0.1", netns: str | None = None) -> None:
        self.address = address
        self.port = port or (self.usual_port if netns else free_port(address))
        self.netns = netns
        self._undo = contextlib.ExitStack()
        self.directory = self._undo.enter_context(leftovers.scratch(self.kind))

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Fills the directory, before the first start."""

    @abc.abstractmethod
    def _command(self) -> Sequence[str]: ...

    def _environment(self) -> Mapping[str, str] | None:
        """Of the process; None: that of the tests."""
        return None

    @abc.abstractmethod
    def serves(self) -> bool:
        """Whether it answers a question on its control socket."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def control(self) -> Path:
        """Its unix socket, which no fault of the network touches."""
        return self.directory / "control.sock"

    def listening(self) -> bool:
        """Whether somebody listens on the control socket; client libraries leak a socket where nobody does."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.control)) == 0

    def start(self, *, wait: bool = True) -> Self:
        """Starts the process; without ``wait`` it may not serve yet (see ``wait``)."""
        if self.running:
            raise RuntimeError(f"{self.kind} runs already")
        if self._process is None:
            self._prepare()
            self._hand_over()
        user = UNPRIVILEGED if os.getuid() == 0 and not self.starts_as_root else None
        with (self.directory / "output").open("ab") as output, inside(self.netns):
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                start_new_session=True,  # an interrupt of the terminal is not for it
            )
        return self.wait() if wait else self

    def _hand_over(self) -> None:
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", f"{UNPRIVILEGED}:{UNPRIVILEGED}", self.directory], check=True)

    def wait(self, timeout: float = 30) -> Self:
        """Returns when it serves.

        Raises:
            RuntimeError: it ended instead; the message has the end of its output.
        """
        wait_until(lambda: not self.running or (self.listening() and self.serves()), timeout, f"{self.kind} to serve")
        if not self.running:
            output = (self.directory / "output").read_text(errors="replace")
            raise RuntimeError(f"{self.kind} did not start:\n{output[-2000:]}")
        return self

    def restart(self) -> None:
        """Stops and starts it on the same data and port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Ends the process, whatever state it is in, and removes its directory."""
        self.kill()
        self._undo.close()


def start_all(*servers: Server) -> None:
    """Starts several at once, and returns when all serve."""
    for server in servers:
        server.start(wait=False)
    for server in servers:
        server.wait()
