"""The file changes under a running daemon: as kubelet swaps it, as editors write it, and as it should not be."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lab.configuration import at, file, service
from lab.history import History
from lab.mooring import Daemon
from lab.process import start_all
from lab.servers import Redis
from lab.waiting import wait_until
from support.mounted_folder import Mounted
from support.oracle import Rules
from support.oracle_feed import Watch
from support.twenty_hosts import Field

pytestmark = pytest.mark.needs_servers

ONE, TWO, THREE = "10.77.0.21", "10.77.0.22", "10.77.0.23"
STABLE, MOVING, GUEST = "default/stable", "default/moving", "default/guest"
SWAPS = 20
PERIOD = 0.2
SOON_SECONDS = 10.0
"""From a swap to what it says being in force; a busy machine may stretch one of many."""


@pytest.fixture(scope="module")
def redis() -> Iterator[dict[str, Redis]]:
    with ExitStack() as undo:
        servers = {address: Redis() for address in (ONE, TWO, THREE)}
        for server in servers.values():
            undo.callback(server.close)
        start_all(*servers.values())
        yield servers


@pytest.fixture(autouse=True)
def alive(redis: dict[str, Redis]) -> None:
    for server in redis.values():
        if not server.running:
            server.start()


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "mounted")


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts the daemon on a file that exists already."""
    with ExitStack() as undo:

        def begin(config: Path, *args: str, **options: Any) -> Daemon:
            given = ("--config", str(config), "--log-level", "debug", *args)
            daemon = undo.enter_context(Daemon("", tmp_path / "state", args=given, **options))
            daemon.wait_log("daemon.started")
            return daemon

        yield begin


def listed(name: str, redis: dict[str, Redis], *addresses: str, **more: Any) -> dict[str, Any]:
    return service(name, "redis", [at(address, redis[address]) for address in addresses], **more)


def row(daemon: Daemon, name: str, address: str) -> dict[str, Any]:
    (found,) = (one for one in daemon.status()["services"] if one["name"] == name)
    return next(one for one in found["hosts"] if one["address"] == address)


class Bystander(Field):
    """The Service that no swap is about, for the oracle."""

    def __init__(self, redis: dict[str, Redis]) -> None:
        self._targets = {address: (redis[address].address, redis[address].port) for address in (ONE, TWO)}

    def rules(self) -> list[Rules]:
        return [Rules(STABLE, self._targets, 2, 3, PERIOD, PERIOD)]


def _variant(number: int, redis: dict[str, Redis]) -> str:
    """One host comes and goes, so does a whole Service; thresholds change from swap to swap."""
    moving = [ONE, THREE] if number % 2 else [THREE]
    services = [listed("stable", redis, ONE, TWO)]
    services += [listed("moving", redis, *moving, check={"failureThreshold": 3 + number % 5})]
    services += [listed("guest", redis, THREE)] if number % 4 < 2 else []
    return file(*services, period=PERIOD)


def test_twenty_swaps_are_taken_up_and_leave_all_others_alone(
    redis: dict[str, Redis], mounted: Mounted, begin: Callable[..., Daemon], tmp_path: Path
) -> None:
    """A swap of the mounted folder is in force within a second; a Service that it is not about is probed on, unmoved.

    A host that is removed leaves both lists; a Service that is removed keeps its object.
    """
    mounted.write(config=_variant(0, redis))
    with History(tmp_path / "state") as history:
        daemon = begin(mounted.config, "--allowed-cidrs", "10.77.0.0/24")
        with Watch(Bystander(redis), daemon, history) as watch:
            daemon.wait_ready(STABLE, [ONE, TWO])
            seconds = [_swap(number, redis, mounted, daemon) for number in range(1, SWAPS + 1)]
            time.sleep(1.0)
            oracle = watch.oracle(0.5)
    assert oracle.violations() == []
    assert history.missed == 0
    first = next(number for number, one in enumerate(history.of(STABLE)) if one.ready == [ONE, TWO])
    assert len(history.of(STABLE)) == first + 1, "a Service that did not change was written"
    assert all(version.text is not None for version in history.of(GUEST))
    print(f"swap to in force: median {sorted(seconds)[SWAPS // 2]:.3f} s, most {max(seconds):.3f} s")  # noqa: T201
    assert sorted(seconds)[SWAPS // 2] < SOON_SECONDS


def _swap(number: int, redis: dict[str, Redis], mounted: Mounted, daemon: Daemon) -> float:
    """Seconds from the swap until it is said to be in force."""
    after, begun = len(daemon.output), time.time()
    mounted.write(config=_variant(number, redis))
    told = daemon.wait_log("config.reloaded", after=after)
    wanted = [ONE, THREE] if number % 2 else [THREE]
    wait_until(lambda: daemon.ready(MOVING) == wanted, 10, f"{MOVING} to have {wanted} ready")
    assert daemon.not_ready(MOVING) == []
    return datetime.fromisoformat(told["timestamp"]).timestamp() - begun


@pytest.mark.fault(
    "file",
    "The file is changed while a host is failing",
    "Its failures go on being counted where they stood.",
    within="F x P + T",
)
def test_a_streak_and_a_verdict_go_on_over_a_reload(
    redis: dict[str, Redis], mounted: Mounted, begin: Callable[..., Daemon]
) -> None:
    """A host that is failing goes on being counted where it stood, and its verdict is as old as it was."""
    patient = listed("stable", redis, ONE, TWO, check={"failureThreshold": 100})
    mounted.write(config=file(patient, listed("moving", redis, THREE), period=PERIOD))
    daemon = begin(mounted.config)
    daemon.wait_ready(STABLE, [ONE, TWO])
    redis[TWO].kill()
    before = wait_until(lambda: (found := row(daemon, "stable", TWO))["consecutive"] >= 3 and found, 10, "a streak")
    mounted.write(config=file(patient, listed("moving", redis, ONE, THREE), period=PERIOD))
    daemon.wait_log("config.reloaded")
    after = row(daemon, "stable", TWO)
    assert after["consecutive"] >= before["consecutive"]
    assert (after["verdict"], after["since"]) == ("ready", before["since"])


@pytest.mark.fault(
    "file",
    "A reload names a password file that is not there",
    "`unknown: local`; the daemon keeps what it has.",
    within="nothing moves",
)
def test_what_a_check_says_takes_effect(
    redis: dict[str, Redis], mounted: Mounted, begin: Callable[..., Daemon], tmp_path: Path
) -> None:
    """Thresholds, maintenance and options of a running check change; a password file that is missing is `local`.

    At the start a missing file is an error; later the daemon keeps what it has, and shows it.
    """
    mounted.write(config=file(listed("stable", redis, ONE, TWO), period=PERIOD))
    daemon = begin(mounted.config)
    daemon.wait_ready(STABLE, [ONE, TWO])
    resting = at(TWO, redis[TWO], maintenance=True)
    login = {"user": "default", "passwordFile": str(tmp_path / "missing")}
    hosts = [at(ONE, redis[ONE]), resting]
    changed = service("stable", "redis", hosts, block=login, check={"failureThreshold": 7})
    mounted.write(config=file(changed, period=PERIOD))
    daemon.wait_ready(STABLE, [ONE])
    assert daemon.not_ready(STABLE) == [TWO]
    found = wait_until(lambda: (one := row(daemon, "stable", ONE))["reason"] == "local" and one, 10, "local")
    assert (found["verdict"], found["threshold"]) == ("ready", 7)
    resting_row = row(daemon, "stable", TWO)
    assert (resting_row["maintenance"], resting_row["maintenanceSource"]) == (True, "file")


def test_a_removed_service_keeps_its_object_and_a_returning_one_begins_with_it(
    redis: dict[str, Redis], mounted: Mounted, begin: Callable[..., Daemon]
) -> None:
    """What left the file is told and left as it is; when it comes back, what is stored is its verdict, and no news."""
    both = file(listed("stable", redis, ONE, TWO), listed("guest", redis, THREE), period=PERIOD)
    mounted.write(config=both)
    daemon = begin(mounted.config)
    daemon.wait_ready(GUEST, [THREE])
    daemon.wait_log("endpoints.written", service=STABLE, ready=[ONE, TWO])
    kept = daemon.manifest(GUEST)
    mounted.write(config=file(listed("stable", redis, ONE, TWO), period=PERIOD))
    daemon.wait_log("service.released", service=GUEST)
    daemon.wait_log("config.reloaded")
    redis[THREE].kill()
    gone = len(daemon.output)
    wait_until(lambda: len(daemon.logs("probe", after=gone)) > 20, 20, "the others being probed on")
    assert daemon.logs("probe", after=gone, port=redis[THREE].port) == []
    assert daemon.manifest(GUEST) == kept
    redis[THREE].start()
    mounted.write(config=both)
    daemon.wait_log("config.reloaded", after=gone)
    wait_until(lambda: row(daemon, "guest", THREE)["reason"] == "ok", 10, "a probe of the returned host")
    assert row(daemon, "guest", THREE)["verdict"] == "ready"
    assert daemon.logs("host.ready", after=gone) == daemon.logs("endpoints.written", after=gone) == []


BAD = {
    "not-yaml": ("version: 1\nservices: [\n", ["config.yaml:3:1: is not valid YAML"]),
    "two-errors": (
        "version: 1\nservices:\n  - name: stable\n    hosts: [127.0.0.1]\n    check: {tcp: {}, wrong: 1}\n",
        ["config.yaml:4:13: services[0].hosts[0]: 127.0.0.1", "config.yaml:5:22: services[0].check.wrong: "],
    ),
    "no-ports": ("version: 1\nservices: [{name: a, hosts: [10.77.0.1], check: {tcp: {}}}]\n", ["ports: is missing"]),
    "outside": ("version: 1\nservices: [{name: a, hosts: [10.1.1.1], check: {tcp: {}}}]\n", ["10.1.1.1"]),
    "empty": ("", ["config.yaml:1:1: is empty"]),
}


@pytest.mark.fault(
    "file",
    "The file is changed to a wrong one",
    "The one before stays; log and status have each error with its place.",
    within="nothing moves",
)
@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_wrong_file_changes_nothing_and_is_told_with_its_lines(
    redis: dict[str, Redis], mounted: Mounted, begin: Callable[..., Daemon], text: str, said: list[str]
) -> None:
    """The file before stays in force; log and status have each error with its place, until a right file comes."""
    good = file(listed("stable", redis, ONE, TWO), period=PERIOD)
    mounted.write(config=good)
    daemon = begin(mounted.config, "--allowed-cidrs", "10.77.0.0/24")
    daemon.wait_ready(STABLE, [ONE, TWO])
    before = daemon.status()["config"]
    mounted.write(config=text)
    told = daemon.wait_log("config.refused")
    for words in said:
        assert any(words in problem for problem in told["problems"])
    config = daemon.status()["config"]
    assert config["error"] == "\n".join(told["problems"])
    assert {**config, "error": None} == before
    assert daemon.ready(STABLE) == [ONE, TWO]
    assert daemon.get("/readyz")[0] == daemon.get("/livez")[0] == 200
    mounted.write(config=good)
    daemon.wait_log("config.reloaded", config=before["hash"])
    assert daemon.status()["config"]["error"] is None


@pytest.mark.fault("file", "The file vanishes and comes back", "Each change is noticed once.", within="1 s")
def test_a_plain_file_may_be_replaced_written_and_removed(
    redis: dict[str, Redis], begin: Callable[..., Daemon], tmp_path: Path
) -> None:
    """An editor's rename, a write in place, a file that vanishes and comes back: each is noticed once."""
    plain, one, both = (
        tmp_path / "plain.yaml",
        file(listed("stable", redis, ONE), period=PERIOD),
        file(listed("stable", redis, ONE, TWO), period=PERIOD),
    )
    plain.write_text(one)
    daemon = begin(plain)
    daemon.wait_ready(STABLE, [ONE])
    (tmp_path / "plain.yaml.swp").write_text(both)
    (tmp_path / "plain.yaml.swp").rename(plain)
    daemon.wait_ready(STABLE, [ONE, TWO])
    with plain.open("r+") as open_file:
        open_file.write(one.ljust(len(both)))  # at once: who looks at the wrong moment sees no half of it
    daemon.wait_ready(STABLE, [ONE])
    plain.unlink()
    assert "No such file" in daemon.wait_log("config.refused")["problems"][0]
    assert daemon.ready(STABLE) == [ONE]
    (tmp_path / "plain.yaml.swp").write_text(both)
    (tmp_path / "plain.yaml.swp").rename(plain)
    daemon.wait_ready(STABLE, [ONE, TWO])
    wait_until(lambda: len(daemon.logs("config.reloaded")) >= 3, 10, "the word of each")
    assert len(daemon.logs("config.reloaded")) == 3
    assert len(daemon.logs("config.refused")) == 1


def test_a_hangup_reloads_also_what_did_not_change(
    redis: dict[str, Redis], mounted: Mounted, begin: Callable[..., Daemon]
) -> None:
    """SIGHUP is answered at once, with the word that the file is in force; many of them are no more than one each."""
    mounted.write(config=file(listed("stable", redis, ONE), period=PERIOD))
    daemon = begin(mounted.config)
    daemon.wait_ready(STABLE, [ONE])
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log("config.reloaded", config=daemon.status()["config"]["hash"])
    for _ in range(50):
        daemon.process.send_signal(signal.SIGHUP)
    after = len(daemon.output)
    mounted.write(config=file(listed("stable", redis, ONE, TWO), period=PERIOD))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_log("config.reloaded", after=after)
    daemon.wait_ready(STABLE, [ONE, TWO])
    assert len(daemon.logs("config.reloaded")) <= 60
    assert daemon.stop() == 0


@pytest.mark.needs_root
def test_a_file_that_is_mounted_alone_is_warned_about(
    redis: dict[str, Redis], begin: Callable[..., Daemon], tmp_path: Path
) -> None:
    """A `subPath` mount never changes under a running container; the daemon says so when it starts."""
    alone = tmp_path / "config.yaml"
    alone.write_text(file(listed("stable", redis, ONE), period=PERIOD))
    mount = 'mount --bind "$0" "$0" && exec "$@"'
    program = ("unshare", "--mount", "sh", "-c", mount, str(alone), sys.executable, "-m", "mooring")
    daemon = begin(alone, program=program)
    assert daemon.wait_log("config.mounted_alone")["file"] == str(alone)
