"""The real daemon as a child process, asked only by what every user has: its log, its manifests, its status."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from lab import leftovers
from lab.free_ports import free_port
from lab.history import addresses
from lab.network import inside
from lab.waiting import wait_until

PROGRAM = (sys.executable, "-m", "mooring")
_USUAL_PORT = 8080
_NO_TIME = "had no time to look for the answer"


class Daemon:
    """``mooring run`` over a folder of manifests. ``with Daemon(text, directory) as daemon`` starts and ends it.

    ``program`` is another command than the installed one, ``args`` are further options of ``run``, ``env`` is added
    to the environment. It listens on loopback, inside ``netns`` where one is given.
    """

    def __init__(
        self,
        config: str,
        state_dir: Path,
        *,
        netns: str | None = None,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.state_dir = state_dir
        self.netns = netns
        self.port = _USUAL_PORT if netns else free_port()
        self.output: list[str] = []
        self._config_text = config
        self._args = tuple(args)
        self._env = dict(env or {})
        self._program = tuple(program)
        self._scratch = leftovers.scratch("mooring")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.directory = self._scratch.__enter__()
        self.config = self.directory / "config.yaml"
        self.config.write_text(self._config_text)
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._scratch.__exit__(None, None, None)

    def _command(self) -> list[str]:
        how = ["--config", str(self.config), "--log-format", "json", "--listen", f"127.0.0.1:{self.port}"]
        return [*self._program, "run", *self._where(), *how, *self._args]

    def _where(self) -> list[str]:
        """The options that say which cluster."""
        return ["--cluster", "local", "--state-dir", str(self.state_dir.absolute())]

    def start(self) -> Self:
        """Starts it; also again after ``kill`` or ``stop``, on the same file and folder. Does not wait."""
        with inside(self.netns):
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.directory,
                env={**os.environ, **self._env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="daemon log", daemon=True)
        self._reader.start()
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            self.output.extend(line.rstrip("\n") for line in process.stdout)

    @property
    def process(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the daemon was not started")
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM; returns the exit code, negative where a signal ended it.

        Raises:
            TimeoutError: it did not end in time; it is killed then.
        """
        return self._end(signal.SIGTERM, timeout)

    def wait(self, timeout: float = 60) -> int:
        """Waits until it ends by itself; returns the exit code."""
        return self._end(None, timeout)

    def _end(self, how: signal.Signals | None, timeout: float = 60) -> int:
        if how is not None:
            self.process.send_signal(how)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise TimeoutError(f"the daemon did not end within {timeout:g} s; {self._tail()}") from None
        finally:
            self.process.wait()
            self._reader.join()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _tail(self) -> str:
        return "its last output:\n" + "\n".join(self.output[-20:])

    def logs(self, event: str | None = None, *, after: int = 0, **fields: object) -> list[dict[str, Any]]:
        """The log lines of an event with these fields, the oldest first; without ``event``, all of them.

        ``after`` leaves out so many lines of output: ``after=len(daemon.output)`` taken before means "from now on".
        """
        lines = [_parsed(line) for line in self.output[after:] if event is None or event in line]
        return [
            line
            for line in lines
            if line
            and event in (None, line.get("event"))
            and all(line.get(key) == value for key, value in fields.items())
        ]

    def wait_log(self, event: str, *, timeout: float = 10, after: int = 0, **fields: object) -> dict[str, Any]:
        """The first such line, which may have been there before.

        Raises:
            TimeoutError: there was none in time, or the daemon ended; the message has its last output.
        """
        try:
            found = wait_until(
                lambda: self.logs(event, after=after, **fields) or not self.running, timeout, f"{event} {fields}"
            )
        except TimeoutError as error:
            raise TimeoutError(f"{error}; {self._tail()}") from None
        if found is True:
            self._reader.join()
            found = self.logs(event, after=after, **fields)
        if not found:
            raise TimeoutError(f"the daemon ended without {event} {fields}; {self._tail()}")
        return found[0]

    def manifest(self, service: str) -> dict[str, Any] | None:
        """The Endpoints that is stored for ``NAMESPACE/NAME``; None where there is none."""
        try:
            text = (self.state_dir / f"{service}.yaml").read_text()
        except FileNotFoundError:
            return None
        loaded: dict[str, Any] = yaml.safe_load(text)
        return loaded

    def ready(self, service: str) -> list[str]:
        return addresses(self.manifest(service), "addresses")

    def not_ready(self, service: str) -> list[str]:
        return addresses(self.manifest(service), "notReadyAddresses")

    def wait_ready(self, service: str, wanted: Sequence[str], *, timeout: float = 10) -> None:
        """Waits until exactly these addresses are published as ready.

        Raises:
            TimeoutError: the message has the daemon's last output.
        """
        try:
            wait_until(lambda: self.ready(service) == list(wanted), timeout, f"{service} to have {list(wanted)} ready")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it has {self.ready(service)}; {self._tail()}") from None

    def get(self, path: str) -> tuple[int, bytes]:
        """Asks its HTTP server: status code and body. Raises OSError where it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            with inside(self.netns):
                connection.connect()
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """The document of ``/status``."""
        loaded: dict[str, Any] = json.loads(self.get("/status")[1])
        return loaded


def timely(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those without the outcomes of which the daemon says that it was itself too late: they say nothing of a host."""
    return [line for line in lines if not str(line.get("message", "")).startswith(_NO_TIME)]


def _parsed(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
