"""A log that nobody reads, or that cannot be written, delays neither probing nor publishing."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from lab.history import addresses
from lab.mooring import PROGRAM, Daemon
from lab.waiting import wait_until
from support.many_hosts import ADDRESS, Crowd

DYING, LASTING, FEW = 300, 100, 50
SERVICE = "default/many"
SECONDS = 60.0
"""Before, the daemon stood still for ever; how fast it is, the benches measure."""


class Unread(Daemon):
    """Nobody reads its standard output and error, which are one pipe, while ``reading`` is not set."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type] # as the class has them
        self.reading = threading.Event()

    def _read(self, process: subprocess.Popen[str]) -> None:
        self.reading.wait()
        super()._read(process)

    def kill(self) -> None:
        self.reading.set()
        super().kill()


def config(ports: list[int], period: float = 0.5) -> str:
    hosts = [
        {"address": f"10.20.{number // 250}.{number % 250 + 1}", "probeAddress": ADDRESS, "probePort": port}
        for number, port in enumerate(ports)
    ]
    check = {"periodSeconds": period, "redis": {}}
    return json.dumps(
        {"version": 1, "services": [{"name": "many", "ports": [{"port": 80}], "hosts": hosts, "check": check}]}
    )


def dropped(daemon: Daemon) -> float:
    lines = daemon.get("/metrics")[1].decode().splitlines()
    return next(
        float(line.split()[-1]) for line in lines if line.startswith('mooring_log_dropped_total{listener="log"')
    )


def wait_for_ready(daemon: Daemon, count: int) -> None:
    try:
        wait_until(
            lambda: len(daemon.ready(SERVICE)) == count or not daemon.running, SECONDS, f"{count} ready", every=0.1
        )
    except TimeoutError as error:
        raise TimeoutError(f"{error}; {len(daemon.ready(SERVICE))} are; {others(daemon, count)}") from None
    assert daemon.running, daemon.output[-20:]


def others(daemon: Daemon, count: int) -> list[str]:
    """What its status says of some hosts that are not as they should be: its log is not read."""
    hosts = [host for service in daemon.status()["services"] for host in service["hosts"]]
    return [json.dumps(host) for host in hosts if (host["published"] == "ready") != (count > 0)][:5]


@pytest.mark.fault(
    "mooring", "Nobody reads its log", "All is published, and lost lines are counted.", within="as without it"
)
def test_a_log_that_nobody_reads_delays_nothing(tmp_path: Path) -> None:
    """300 of 400 hosts die, then the others: all is published, /livez stays 200, and the lost lines are counted.

    Every probe is logged, so that the pipe and the queue behind it are full long before.
    """
    with ExitStack() as undo:
        dying, lasting = Crowd(answering=DYING), Crowd(answering=LASTING)
        ports = [port for crowd in (dying, lasting) for port in undo.enter_context(crowd).ports["answering"]]
        daemon = undo.enter_context(Unread(config(ports), tmp_path, args=("--log-level", "debug")))
        wait_for_ready(daemon, DYING + LASTING)
        wait_until(lambda: dropped(daemon) > 0, SECONDS, "lines to be lost")
        dying.__exit__()
        wait_for_ready(daemon, LASTING)
        lasting.__exit__()
        wait_for_ready(daemon, 0)
        assert len(daemon.not_ready(SERVICE)) == DYING + LASTING
        assert daemon.get("/livez")[0] == 200
        daemon.reading.set()
        line = daemon.wait_log("log.dropped", timeout=SECONDS)
        assert line["count"] > 0
        assert daemon.stop() == 0
    assert {"timestamp", "level", "event"} <= set(line)


def test_the_daemon_ends_though_its_log_is_not_read(tmp_path: Path) -> None:
    """SIGTERM waits for the reader a second at most, and the exit code is 0."""
    with Crowd(answering=100) as crowd, Unread(config(crowd.ports["answering"]), tmp_path) as daemon:
        wait_for_ready(daemon, 100)
        crowd.__exit__()
        wait_for_ready(daemon, 0)
        daemon.process.terminate()
        assert daemon.process.wait(SECONDS) == 0


@pytest.mark.fault(
    "mooring", "Its log is closed, or on a full disk", "Hosts are probed and published.", within="as without it"
)
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&1 | head -n 1", ">&- 2>&-", "<&- >&- 2>&-"])
def test_the_daemon_goes_on_whatever_its_log_is(tmp_path: Path, redirection: str) -> None:
    """Closed, on a full disk, or to a reader that leaves: hosts are probed and published, and SIGTERM ends it by 0."""
    script = f'{{ "$@" & echo $! > {tmp_path}/pid; wait $!; echo $? > {tmp_path}/code; }} {redirection}'
    program = ("sh", "-c", script, "sh", *PROGRAM)
    with Crowd(answering=3) as crowd, Daemon(config(crowd.ports["answering"]), tmp_path, program=program) as daemon:
        wait_for_ready(daemon, 3)
        crowd.__exit__()
        wait_for_ready(daemon, 0)
        assert daemon.get("/livez")[0] == 200
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
        daemon.wait(SECONDS)
    assert (tmp_path / "code").read_text().strip() == "0"


def test_a_dry_run_ends_with_its_reader(tmp_path: Path) -> None:
    """`mooring run --dry-run | head -n 1`: the diffs go nowhere, so that there is nothing left to do.

    The first diff creates the object; the second one, with the hosts ready, has no reader.
    """
    program = ("sh", "-c", '"$@" 2>log | head -n 1', "sh", *PROGRAM)
    with Crowd(answering=3) as crowd:
        ports = crowd.ports["answering"]
        with Daemon(config(ports), tmp_path, program=program, args=("--dry-run",)) as daemon:
            wait_until(lambda: daemon.output, SECONDS, "the first diff")
            assert daemon.wait(SECONDS) == 0
            said = (daemon.directory / "log").read_text()
    assert "diffs.failed" in said
    assert "Broken pipe" in said


@pytest.mark.fault(
    "mooring",
    "Its terminal stands still (Ctrl-S)",
    "Hosts are published, and it ends by SIGTERM.",
    within="as without it",
)
def test_a_terminal_that_stands_still_delays_nothing(tmp_path: Path) -> None:
    """Ctrl-S, or a connection that hangs: the table and the log stop, hosts are published, and SIGTERM ends it."""
    folder, theirs = tmp_path / "state", tmp_path / "config.yaml"
    ours, terminal = pty.openpty()
    with Crowd(answering=FEW) as crowd, ExitStack() as undo:
        theirs.write_text(config(crowd.ports["answering"]))
        where = ["--cluster", "local", "--state-dir", str(folder), "--listen", "none"]
        child = subprocess.Popen(
            [*PROGRAM, "run", "--config", str(theirs), *where], stdin=terminal, stdout=terminal, stderr=terminal
        )
        undo.callback(child.wait)
        undo.callback(child.kill)

        def ready() -> int:
            path = folder / "default" / "many.yaml"
            return len(addresses(yaml.safe_load(path.read_text()), "addresses")) if path.exists() else -1

        wait_until(lambda: ready() == FEW, SECONDS, "all to be ready")
        crowd.__exit__()
        wait_until(lambda: ready() == 0, SECONDS, "all to be out")
        child.terminate()
        assert child.wait(SECONDS) == 0
    os.close(terminal)
    os.close(ours)
