"""Every scripted rogue as a host of a Service, beside a sound server, all under one daemon at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lab.certificates import issue
from lab.configuration import at, file, service
from lab.history import History
from lab.mooring import Daemon, timely
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from mooring.model.reasons import MEANINGS, Effect, Reason
from support.rogue_servers import SCRIPTS, rogue

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "mooring", "throw-away-of-a-test"
SOUND = "10.20.0.1"
PERIOD, TIMEOUT = 2.5, 2.0
ROUNDS = 4
"""As many as follow each other without a wait after `tls`; after refused logins they take 7 s."""
LATE = 10.0
"""Seconds that a probe may end after its deadline on a machine that plays fifty rogues besides."""
OWN_THREADS = 20


@dataclass(frozen=True)
class Case:
    """One script as a host of one Service."""

    protocol: str
    script: str

    @property
    def service(self) -> str:
        return f"{self.protocol}-tls" if SCRIPTS[self.script].tls else self.protocol

    @property
    def reason(self) -> Reason:
        return SCRIPTS[self.script].expected[self.protocol]

    @property
    def verdict(self) -> str:
        """Of an address without history the first definite outcome decides, and unknown ones decide nothing."""
        if MEANINGS[self.reason].effect is Effect.UNKNOWN:
            return "never-judged"
        return "ready" if self.reason is Reason.OK else "not-ready"


CASES = [Case(protocol, name) for name, script in SCRIPTS.items() for protocol in script.expected]
PUBLISHED = {case: f"10.20.1.{number}" for number, case in enumerate(CASES, 1)}
SERVICES = sorted({case.service for case in CASES})


@dataclass(frozen=True)
class Stage:
    daemon: Daemon
    history: History
    ports: Mapping[Case, int]

    def probes(self, case: Case) -> list[dict[str, Any]]:
        return self.daemon.logs("probe", port=self.ports[case])

    def row(self, case: Case) -> dict[str, Any]:
        services = {found["name"]: found["hosts"] for found in self.daemon.status()["services"]}
        return next(dict(row) for row in services[case.service] if row["address"] == PUBLISHED[case])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("rogues")
    with ExitStack() as undo:
        sound = sound_servers(undo, directory)
        rogues = {case: undo.enter_context(rogue(SCRIPTS[case.script])) for case in CASES}
        services = []
        for name in SERVICES:
            beside = [at(PUBLISHED[case], rogues[case], name=case.script) for case in CASES if case.service == name]
            hosts = [at(SOUND, sound[name], name="sound"), *beside]
            services.append(service(name, name.removesuffix("-tls"), hosts, block=block(name, directory)))
        text = file(*services, period=PERIOD, timeout=TIMEOUT)
        history = undo.enter_context(History(directory / "state"))
        daemon = undo.enter_context(Daemon(text, directory / "state", args=("--log-level", "debug")))
        made = Stage(daemon, history, {case: rogues[case].port for case in CASES})
        wait_until(lambda: all(len(made.probes(case)) >= ROUNDS for case in CASES), 60, "some rounds", every=1)
        yield made


def sound_servers(undo: ExitStack, directory: Path) -> dict[str, Server]:
    """What stands beside the rogues of each Service."""
    (directory / "password").write_text(PASSWORD)
    files = issue(directory, "127.0.0.1")
    accounts = {USER: PASSWORD}
    mariadb = Mariadb(accounts=accounts, tls=files)
    redis, secure = Redis(accounts=accounts), Redis(accounts=accounts, tls=files)
    for server in (mariadb, redis, secure):
        undo.callback(server.close)
    start_all(mariadb, redis, secure)
    return {"mysql": mariadb, "mysql-tls": mariadb, "redis": redis, "redis-tls": secure, "tcp": redis}


def block(name: str, directory: Path) -> dict[str, Any]:
    if name == "tcp":
        return {}
    login = {"user": USER, "passwordFile": str(directory / "password")}
    return login | ({"tls": {"caFile": str(directory / "authority.pem")}} if name.endswith("-tls") else {})


@pytest.mark.fault(
    "host",
    "It drips bytes, or answers rubbish or without an end",
    "Each probe ends in time, with the reason that fits.",
    within="F x P + T",
)
@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.protocol}-{case.script}") for case in CASES])
def test_rogue_is_told_by_its_reason_and_gets_no_traffic(stage: Stage, case: Case) -> None:
    """Each probe ends in time with the reason that fits; the host is published as the reason says."""
    probes = timely(stage.probes(case))
    assert {probe["reason"] for probe in probes} == {case.reason}
    assert max(probe["latency_seconds"] for probe in probes) < TIMEOUT + LATE
    row = wait_until(lambda: timely([stage.row(case)]), 30, "a probe that the machine had time for")[0]
    published = "ready" if case.verdict == "ready" else "not-ready"
    assert (row["name"], row["reason"], row["verdict"], row["published"]) == (
        case.script,
        case.reason,
        case.verdict,
        published,
    )


@pytest.mark.parametrize("name", SERVICES)
def test_sound_server_beside_rogues_stays(stage: Stage, name: str) -> None:
    """A sound server is published as ready and never leaves, whatever company it keeps."""
    versions = [version.ready for version in stage.history.of(f"default/{name}")]
    first = next(place for place, ready in enumerate(versions) if SOUND in ready)
    assert all(SOUND in ready for ready in versions[first:])
    assert not stage.daemon.logs("host.not_ready", host="sound")
    assert stage.history.missed == 0


@pytest.mark.fault(
    "host",
    "Many hosts misbehave at once",
    "Periods are kept, threads stay few, nobody is shown the password.",
    within="no other host is late",
)
def test_no_rogue_harms_the_daemon(stage: Stage) -> None:
    """It lives, keeps its periods, holds no more threads than it has targets, and shows nobody the password."""
    threads = Path(f"/proc/{stage.daemon.pid}/status").read_text().partition("Threads:")[2].split()[0]
    assert int(threads) <= len(CASES) + len(SERVICES) + OWN_THREADS
    assert stage.daemon.get("/livez")[0] == 200
    assert stage.daemon.get("/readyz")[0] == 200
    assert not stage.daemon.logs("defect")
    rogues = set(stage.ports.values())
    sound = [
        datetime.fromisoformat(one["timestamp"]) for one in stage.daemon.logs("probe") if one["port"] not in rogues
    ]
    seconds = (max(sound) - min(sound)).total_seconds()
    assert len(sound) >= len(SERVICES) * seconds / PERIOD / 2, "a busy machine may leave every other turn out"
    assert PASSWORD not in "\n".join(stage.daemon.output)
