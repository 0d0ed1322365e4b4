"""A mount that hangs under a password file is the trouble of those who need that file, and of nobody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.configuration import at, file, service
from lab.mooring import PROGRAM, Daemon
from lab.servers import Redis
from lab.waiting import wait_until
from support.hung_mount import APART, beneath, hung

pytestmark = [
    pytest.mark.needs_servers,
    pytest.mark.needs_root,
    pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="mounts a file system of FUSE"),
]
PASSWORD = "swordfish"
SOUND = ["10.20.0.11", "10.20.0.12"]
PERIOD = 0.2
NEEDY = 60
"""Services, each with a password of its own on the mount: more than may log in at the same time."""


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name, count in (("sound", 1), ("hung", NEEDY)):
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"password-{number}").write_text(PASSWORD)
    return tmp_path


@pytest.fixture
def redis() -> Iterator[list[Redis]]:
    with Redis(password=PASSWORD) as first, Redis(password=PASSWORD) as second, Redis(password=PASSWORD) as third:
        yield [first, second, third]


def config(secrets: Path, redis: list[Redis]) -> str:
    def login(folder: str, number: int) -> dict[str, str]:
        return {"passwordFile": str(secrets / folder / f"password-{number}")}

    sound = [at(address, server) for address, server in zip(SOUND, redis, strict=False)]
    needy = [
        service(f"needy-{number}", "redis", [at("10.21.0.1", redis[2])], block=login("hung", number))
        for number in range(NEEDY)
    ]
    return file(service("sound", "redis", sound, block=login("sound", 0)), *needy, period=PERIOD, loginSeconds=1)


def unread(daemon: Daemon) -> bool:
    """Whether it has told of a file on the mount that it cannot read."""
    return any(": no answer for " in line["message"] for line in daemon.logs("probe", reason="local"))


def seconds_to_leave(daemon: Daemon, server: Redis, left: list[str]) -> float:
    began = time.monotonic()
    server.kill()
    daemon.wait_ready("default/sound", left, timeout=30)
    return time.monotonic() - began


@pytest.mark.fault(
    "account",
    "A mount under the passwords hangs",
    "A host that does not need it dies and leaves as ever.",
    within="as without it",
)
def test_a_mount_that_begins_to_hang_delays_nobody(secrets: Path, redis: list[Redis], tmp_path: Path) -> None:
    """Sixty Services need a file on it each second; a host that does not need it dies and leaves as ever."""
    with Daemon(
        config(secrets, redis), tmp_path / "state", program=(*APART, *PROGRAM), args=("--log-level", "debug")
    ) as daemon:
        daemon.wait_ready("default/sound", SOUND, timeout=30)
        daemon.wait_log("endpoints.written", service="default/needy-59", ready=["10.21.0.1"], timeout=30)
        with hung(daemon.pid, secrets / "hung"):
            time.sleep(3)
            assert seconds_to_leave(daemon, redis[0], SOUND[1:]) < 60
            redis[2].kill()
            redis[2].start()
            wait_until(lambda: unread(daemon), 30, "a probe that has no password")
            assert daemon.get("/livez")[0] == 200
        assert daemon.stop() == 0


@pytest.mark.fault(
    "account",
    "Mooring starts while that mount hangs",
    "Who needs it is `unknown: local`; all others are served.",
    within="nothing moves",
)
def test_a_start_while_a_mount_hangs_serves_all_others(secrets: Path, redis: list[Redis], tmp_path: Path) -> None:
    """Who needs it is `unknown: local`; the daemon neither waits for it nor ends."""
    began = time.monotonic()
    with Daemon(config(secrets, redis), tmp_path / "state", program=beneath(secrets / "hung", PROGRAM)) as daemon:
        daemon.wait_ready("default/sound", SOUND, timeout=30)
        assert time.monotonic() - began < 45
        said = daemon.wait_log("host.unknown", service="default/needy-59", timeout=30)
        assert said["reason"] == "local"
        assert seconds_to_leave(daemon, redis[1], SOUND[:1]) < 60
        assert daemon.stop() == 0
