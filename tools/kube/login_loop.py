"""An application that logs in through a Service again and again, and what became of each login.

As a program (``python login_loop.py PROTOCOL HOST PORT USER PASSWORD EVERY``) it logs in every so many seconds until
its standard input ends, then prints the logins as JSON; ``Steady`` runs it where the application is.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from select import select
from typing import Any, Self

from kube.databases import PASSWORD, Outside
from lab.network import inside


class Steady:
    """``with Steady(out, cluster_ip) as steady``: the first login was made.

    Afterwards ``steady.logins``: at, server, error, seconds of each.
    """

    def __init__(self, out: Outside, host: str, *, every: float = 0.02) -> None:
        kind = out.kind
        words = [kind.protocol, host, str(kind.port), kind.user, PASSWORD, str(every)]
        self._command = [sys.executable, str(Path(__file__)), *words]
        self._out = out
        self.logins: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        with inside(self._out.cluster.application.netns):
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": _TOOLS}
            )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == BEGUN, "it ended before its first login"
        return self

    def __exit__(self, *_: object) -> None:
        told = self._process.communicate(timeout=60)[0]
        self.logins = json.loads(told)

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [login for login in self.logins if login["error"]]

    @property
    def lost(self) -> list[dict[str, Any]]:
        """The failed logins; none where only one was refused, as a gap of 40 ms would cost two of them.

        Once in a while a single connection is refused while kube-proxy changes its rules, though the slices that it
        reads name a sound host all the time; the tests say so of the slices.
        """
        return [] if len(self.failed) == 1 and "refused" in self.failed[0]["error"] else self.failed


BEGUN = "begun\n"
_TOOLS = str(Path(__file__).parent.parent)


def _until_told(login: Callable[[], str], every: float) -> list[dict[str, Any]]:
    from kube.login import attempt  # noqa: PLC0415 -- only the program has use for clients of databases

    made: list[dict[str, Any]] = []
    begun = time.monotonic()
    while not select([sys.stdin], [], [], max(0.0, begun + len(made) * every - time.monotonic()))[0]:
        at = time.monotonic()
        made.append({"at": at, **attempt(login)})
        if len(made) == 1:
            sys.stdout.write(BEGUN)
            sys.stdout.flush()
    return made


def main(protocol: str, host: str, *more: str) -> None:
    from kube.login import LOGINS  # noqa: PLC0415 -- as above

    port, user, password, every = more
    outcomes = _until_told(lambda: LOGINS[protocol](host, int(port), user, password), float(every))
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
