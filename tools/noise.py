"""What Mooring at its defaults leaves behind at each server: ``python -m noise``.

``NOISE_SECONDS`` says how long (600); with ``NOISE_WRONG`` set the password of its account is a wrong one. Prints the
table of docs/servers.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.configuration import at, service
from lab.matrix import roots
from lab.matrix.servers import RootedMysql
from lab.matrix.versions import VERSIONS, Version
from lab.mooring import Daemon
from lab.process import Server
from lab.servers import Redis, SqlServer

SECONDS = float(os.environ.get("NOISE_SECONDS", "600"))
WRONG = bool(os.environ.get("NOISE_WRONG"))
SETTLE_SECONDS = 10.0
USER, PASSWORD = "mooring", "throw-away-of-a-test"
HEAD = ("", "log lines", "Aborted_connects", "Aborted_clients", "Connection_errors", "errorstats")


@dataclass(frozen=True, slots=True)
class Count:
    """What a server has counted since its start."""

    lines: int
    numbers: dict[str, int] = field(default_factory=dict)
    """Counters of its own, by their names."""


def counted(server: Server) -> Count:
    """Asks over the control socket, which counts nothing of what is looked at but for the asking itself."""
    lines = len((server.directory / "output").read_bytes().splitlines())
    return Count(lines, dict(_numbers(server)))


def _numbers(server: Server) -> Iterator[tuple[str, int]]:
    if isinstance(server, SqlServer):
        yield from ((name, server.status(name)) for name in ("Aborted_connects", "Aborted_clients"))
        rows = server.sql("SHOW GLOBAL STATUS LIKE 'Connection_errors%'")
        yield "Connection_errors", sum(int(value) for _, value in rows)
    elif isinstance(server, Redis):
        found = server.command("INFO", "errorstats")
        yield from ((name.removeprefix("errorstat_"), int(said["count"])) for name, said in found.items())


def _row(title: str, asked: tuple[Count, Count], busy: Count) -> str:
    """``asked``: just before and after one more asking, which counts as itself and is taken off."""

    def grown(name: str) -> int:
        before, begun = (one.numbers.get(name, 0) for one in asked)
        return busy.numbers.get(name, 0) - begun - (begun - before)

    sql = "Aborted_clients" in busy.numbers
    errors = {name: grown(name) for name in busy.numbers if not sql and grown(name) > 0}
    told = ", ".join(f"{name} {count}" for name, count in sorted(errors.items())) or "0"
    counters = [str(grown(name)) if sql else "" for name in HEAD[2:5]]
    return " | ".join([title, str(busy.lines - asked[1].lines), *counters, "" if sql else told])


def _service(number: int, version: Version, server: Server, folder: Path) -> dict[str, Any]:
    block = {"user": USER, "passwordFile": str(folder / "password")}
    if isinstance(server, RootedMysql):
        block["serverPublicKey"] = "request"
    name = version.title.lower().replace(" ", "-").replace(".", "-")
    return service(name, version.protocol, [at(f"10.20.0.{number}", server)], block=block)


def _started(versions: Sequence[Version], undo: contextlib.ExitStack) -> list[Server]:
    """One after the other: a start is heavy."""
    servers = [version.server(accounts={USER: PASSWORD}) for version in versions]
    for server in servers:
        undo.callback(server.close)
        if isinstance(server, Redis):
            server.password = PASSWORD  # as in earnest: who has not said AUTH may do nothing
        server.start()
    return servers


def measured(versions: Sequence[Version], folder: Path, undo: contextlib.ExitStack) -> list[str]:
    """A row for each of these servers, all watched by one daemon."""
    (folder / "password").write_text("not-that-one" if WRONG else PASSWORD)
    servers = _started(versions, undo)
    time.sleep(SETTLE_SECONDS)
    asked = [(counted(server), counted(server)) for server in servers]
    pairs = enumerate(zip(versions, servers, strict=True), 1)
    services = [_service(number, version, server, folder) for number, (version, server) in pairs]
    undo.enter_context(Daemon(json.dumps({"version": 1, "services": services}), folder / "state"))
    time.sleep(SECONDS)
    busy = [counted(server) for server in servers]
    return [_row(version.title, once, then) for version, once, then in zip(versions, asked, busy, strict=True)]


def main() -> int:
    """Runs all that are fetched at once."""
    present = [version for version in VERSIONS if version.root is None or roots.present(version.root)]
    with contextlib.ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        rows = measured(present, folder, undo)
    sys.stdout.write("\n".join([" | ".join(HEAD), " | ".join(["---"] * len(HEAD)), *rows]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
