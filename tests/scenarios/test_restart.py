"""The daemon killed, restarted, and told to end: a restart moves no traffic."""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.configuration import at, file, service
from lab.history import History
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Redis
from lab.waiting import wait_until
from support.rogue_servers import SCRIPTS, rogue
from support.scripted_server import Peer

pytestmark = pytest.mark.needs_servers

SERVICE = "default/redis"
ONE, TWO, FLAPPER = "10.20.0.21", "10.20.0.22", "10.20.0.23"
DEBUG = ("--log-level", "debug")


@pytest.fixture
def redis() -> Iterator[tuple[Redis, Redis]]:
    with ExitStack() as undo:
        servers = Redis(), Redis()
        for server in servers:
            undo.callback(server.close)
        start_all(*servers)
        yield servers


def probed(daemon: Daemon, rounds: int = 1) -> None:
    """Waits until every host was probed so often since now."""
    after = len(daemon.output)
    ports = [line["port"] for line in daemon.logs("probe")]
    wait_until(
        lambda: all(len(daemon.logs("probe", after=after, port=port)) >= rounds for port in set(ports)),
        30,
        f"{rounds} rounds of probes",
    )


@pytest.mark.fault(
    "mooring",
    "It is killed while a host is down, and started again",
    "It finds its verdicts in what is stored: not one write.",
    within="nothing moves",
)
def test_restart_while_a_host_is_down_flips_nothing(redis: tuple[Redis, Redis], tmp_path: Path) -> None:
    """Killed with -9 and started again, the daemon finds its verdicts in what is stored: not one write."""
    text = file(service("redis", "redis", [at(ONE, redis[0]), at(TWO, redis[1])]))
    with History(tmp_path) as history, Daemon(text, tmp_path, args=DEBUG) as daemon:
        daemon.wait_ready(SERVICE, [ONE, TWO])
        redis[1].kill()
        daemon.wait_ready(SERVICE, [ONE])
        for _ in range(3):
            daemon.kill()
            after = len(daemon.output)
            daemon.start()
            daemon.wait_log("probe", after=after)
            probed(daemon, rounds=6)
        assert [version.ready for version in history.of(SERVICE)][-2:] == [[ONE, TWO], [ONE]]
        redis[1].start()
        daemon.wait_ready(SERVICE, [ONE, TWO])
        assert daemon.wait_log("host.ready", address=TWO, before="not-ready")["streak"] == 2
    assert [version.ready for version in history.of(SERVICE)][-3:] == [[ONE, TWO], [ONE], [ONE, TWO]]
    assert history.missed == 0


@pytest.mark.fault(
    "mooring",
    "A host dies while Mooring is away",
    "It leaves at its third failure.",
    within="F x P + T after the start",
)
def test_host_that_died_while_the_daemon_was_away_leaves(redis: tuple[Redis, Redis], tmp_path: Path) -> None:
    """A stored verdict is where the thresholds begin, not the truth: a dead host leaves at its third failure."""
    text = file(service("redis", "redis", [at(ONE, redis[0]), at(TWO, redis[1])]))
    with History(tmp_path) as history, Daemon(text, tmp_path, args=DEBUG) as daemon:
        daemon.wait_ready(SERVICE, [ONE, TWO])
        daemon.kill()
        redis[1].kill()
        after = len(daemon.output)
        daemon.start()
        left = daemon.wait_log("host.not_ready", after=after)
        assert (left["address"], left["reason"], left["streak"], left["before"]) == (TWO, "refused", 3, "ready")
        daemon.wait_ready(SERVICE, [ONE])
    assert [version.ready for version in history.of(SERVICE)][-2:] == [[ONE, TWO], [ONE]]


@pytest.mark.fault(
    "mooring",
    "It crashes again and again beside a host that flaps",
    "A start admits nobody by a single answer.",
    within="nothing moves",
)
def test_crash_loop_admits_no_flapper(redis: tuple[Redis, Redis], tmp_path: Path) -> None:
    """Killed five times within seconds, the daemon never admits a host that answers every other time."""
    turns = itertools.count()

    def every_other_time(peer: Peer) -> None:
        """Every other connection may log in, and is lost with the next question."""
        if next(turns) % 2:
            peer.reset()
        for answer in (b"+PONG\r\n", b"+PONG\r\n", b"-ERR unknown command 'HELLO'\r\n"):
            peer.receive()
            peer.send(answer)
        peer.receive()
        peer.reset()

    with ExitStack() as undo:
        flapper = undo.enter_context(rogue(every_other_time))
        stored = tmp_path / f"{SERVICE}.yaml"
        stored.parent.mkdir()
        stored.write_text(manifest([ONE], [FLAPPER]))
        history = undo.enter_context(History(tmp_path))
        text = file(service("redis", "redis", [at(ONE, redis[0]), at(FLAPPER, flapper)]))
        daemon = undo.enter_context(Daemon(text, tmp_path, args=DEBUG))
        for _ in range(5):
            after = len(daemon.output)
            daemon.wait_log("probe", after=after, port=flapper.port, reason="ok", timeout=30)
            time.sleep(random.uniform(0, 0.4))  # where in a round the kill falls is of no matter
            daemon.kill()
            daemon.start()
        daemon.wait_log("probe", after=len(daemon.output))
        probed(daemon, rounds=6)
        assert {tuple(version.ready) for version in history.of(SERVICE)} == {(ONE,)}
        assert history.missed == 0
        assert not daemon.logs("host.ready")


def manifest(ready: list[str], not_ready: list[str]) -> str:
    """As a daemon of before left it."""
    lists = [("addresses", ready), ("notReadyAddresses", not_ready)]
    lines = [f"  {name}:\n" + "".join(f"  - ip: {ip}\n" for ip in found) for name, found in lists if found]
    return (
        "apiVersion: v1\nkind: Endpoints\nmetadata:\n  name: redis\n  namespace: default\n"
        "  labels: {app.kubernetes.io/managed-by: mooring}\nsubsets:\n-"
        + "".join(lines)[1:]
        + "  ports:\n  - {name: redis, port: 6379, protocol: TCP}\n"
    )


@pytest.fixture
def hanging(redis: tuple[Redis, Redis], tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of which 30 probes hang at any time, for many seconds each."""
    with ExitStack() as undo:
        silent = [undo.enter_context(rogue(SCRIPTS["silent"])) for _ in range(30)]
        hosts = [at(f"10.20.1.{number}", server) for number, server in enumerate(silent, 1)]
        services = [
            service(
                "mysql",
                "mysql",
                hosts[:15],
                block={"user": "mooring"},
                check={"periodSeconds": 100, "timeoutSeconds": 100},
            ),
            service("silent", "redis", hosts[15:], check={"periodSeconds": 100, "timeoutSeconds": 100}),
            service("redis", "redis", [at(ONE, redis[0]), at(TWO, redis[1])]),
        ]
        daemon = undo.enter_context(Daemon(file(*services), tmp_path / "state"))
        daemon.wait_ready(SERVICE, [ONE, TWO])
        wait_until(lambda: sum(server.connections for server in silent) >= 10, 20, "probes that hang")
        yield daemon


@pytest.mark.fault("mooring", "It is told to end while hosts hang", "It ends by exit code 0.", within="2 s")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_ends_at_once_while_hosts_hang(hanging: Daemon, how: signal.Signals) -> None:
    """Told to end, the daemon is gone within two seconds with exit code 0, whatever its probes wait for."""
    told = time.monotonic()
    hanging.process.send_signal(how)
    assert hanging.wait(60) == 0
    assert time.monotonic() - told < 30, "it waited for a probe"
    assert "Traceback" not in "\n".join(hanging.output)
    assert hanging.ready(SERVICE) == [ONE, TWO], "what is stored stays"


def test_ends_at_once_in_the_middle_of_its_start(tmp_path: Path) -> None:
    """A SIGTERM finds it ready to end as soon as it has said its first word."""
    text = file(service("redis", "redis", ["10.20.0.21"]))
    with Daemon(text, tmp_path, args=DEBUG) as daemon:
        wait_until(lambda: daemon.output, 10, "its first word")
        told = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - told < 30
