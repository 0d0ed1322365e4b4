"""Names of hosts, and names that a server asks for, with a real name server that changes, lies and falls silent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lab.configuration import file, service
from lab.history import History
from lab.mooring import Daemon, timely
from lab.network import Network
from lab.process import Server, start_all
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from support.dnsmasq import Dnsmasq, asking

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers, pytest.mark.needs_dnsmasq]

LOOKUPS = 5.0
"""Seconds between two lookups of a name."""
FIRST, SECOND = "10.77.0.11", "10.77.0.12"


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network(hosts=2) as made:
        yield made


@pytest.fixture
def redis(network: Network) -> Iterator[list[Server]]:
    """One on each host."""
    with ExitStack() as undo:
        servers: list[Server] = []
        for host in network.hosts[1:]:
            servers.append(Redis(netns=host.netns, address=host.address))
            undo.callback(servers[-1].close)
        start_all(*servers)
        yield servers


@pytest.fixture
def names(network: Network) -> Iterator[Dnsmasq]:
    with Dnsmasq(network["node"], {}) as server:
        yield server


@pytest.mark.fault(
    "names",
    "A name is gone, or its name server is silent",
    "The addresses stay; one that is forbidden is left out.",
    within="nothing moves",
)
def test_names_follow_their_records(network: Network, redis: list[Server], names: Dnsmasq, tmp_path: Path) -> None:
    """What a name holds is published; a new address enters, an old one leaves after three lookups without it.

    A name that is gone, or a name server that is silent, keeps the set; a forbidden address is left out and told.
    """
    names.tell("moves.test", FIRST)
    names.tell("vanishes.test", FIRST, SECOND)
    names.tell("lies.test", FIRST, "127.0.0.1", "169.254.7.7", "10.99.0.1")
    services = [service(name, "redis", [f"{name}.test"]) for name in ("moves", "vanishes", "lies", "absent")]
    args = ("--allowed-cidrs", "10.77.0.0/16,127.0.0.0/8,169.254.0.0/16")
    daemon = Daemon(file(*services), tmp_path, netns=network.node.netns, args=args)
    with History(tmp_path) as history, ExitStack() as undo:
        asking(names.resolv_conf, lambda: undo.enter_context(daemon))
        follow(daemon, names, history)


def absent(daemon: Daemon) -> dict[str, Any]:
    """The host whose name there never was, in the status."""
    (found,) = (one for one in daemon.status()["services"] if one["name"] == "absent")
    return dict(found["hosts"][0])


def follow(daemon: Daemon, names: Dnsmasq, history: History) -> None:
    daemon.wait_ready("default/moves", [FIRST])
    daemon.wait_ready("default/vanishes", [FIRST, SECOND])
    daemon.wait_ready("default/lies", [FIRST])
    assert daemon.not_ready("default/lies") == []
    wait_until(lambda: len(daemon.logs("address.left_out", host="lies.test")) >= 3, 10, "the words of three addresses")
    left_out = {line["address"]: line["why"] for line in daemon.logs("address.left_out", host="lies.test")}
    assert left_out.keys() == {"127.0.0.1", "169.254.7.7", "10.99.0.1"}
    assert "outside the allowed CIDRs" in left_out["10.99.0.1"]
    assert "loopback" in left_out["127.0.0.1"]
    wait_until(lambda: absent(daemon)["reason"], 10, "the lookup of the name that there is not")
    row = absent(daemon)
    assert (row["verdict"], row["reason"], row["published"]) == ("never-judged", "dns", "none")

    names.tell("vanishes.test")
    changed = time.monotonic()
    names.tell("moves.test", SECOND)
    daemon.wait_ready("default/moves", [FIRST, SECOND], timeout=2 * LOOKUPS)
    daemon.wait_ready("default/moves", [SECOND], timeout=5 * LOOKUPS)
    assert time.monotonic() - changed > 2 * LOOKUPS, "it left before the third lookup without it"
    removed = daemon.wait_log("address.removed", service="default/moves", address=FIRST)
    assert removed["means"] == "no host in the file has it", "the file lists the name as before"

    names.freeze()
    time.sleep(1.5 * LOOKUPS)
    names.thaw()
    assert [version.ready for version in history.of("default/vanishes")][-1] == [FIRST, SECOND]
    assert daemon.ready("default/moves") == [SECOND]
    assert len(daemon.logs("address.left_out", host="lies.test")) == 3, "told once, not once a lookup"
    assert history.missed == 0


@pytest.mark.fault(
    "names",
    "A database waits for a name server before it greets",
    "The probe ends at its deadline; the host beside it stays.",
    within="F x P + T",
)
def test_server_that_waits_for_a_name_is_silent(network: Network, names: Dnsmasq, tmp_path: Path) -> None:
    """A MariaDB that asks a silent name server for our name answers nobody: the probe ends at its deadline.

    The host beside it stays; once names are answered again, the waiting one is published too.
    """
    accounts = {"mooring": "throw-away"}
    secret = tmp_path / "password"
    secret.write_text("throw-away")
    slow = Mariadb(netns=network["db1"].netns, address=FIRST, accounts=accounts, name_resolving=True)
    sound = Mariadb(netns=network["db2"].netns, address=SECOND, accounts=accounts)
    block = {"user": "mooring", "passwordFile": str(secret)}
    text = file(service("mysql", "mysql", [FIRST, SECOND], block=block), period=0.5, timeout=0.4)
    with ExitStack() as undo:
        undo.callback(slow.close)
        undo.enter_context(sound)
        asking(names.resolv_conf, slow.start)
        names.freeze()
        args = ("--log-level", "debug")
        daemon = undo.enter_context(Daemon(text, tmp_path / "state", netns=network.node.netns, args=args))
        daemon.wait_ready("default/mysql", [SECOND])
        wait_until(lambda: len(timely(daemon.logs("probe", address=FIRST))) >= 5, 10, "five probes of the slow one")
        probes = timely(daemon.logs("probe", address=FIRST))
        assert {probe["reason"] for probe in probes} == {"timeout"}
        assert max(probe["latency_seconds"] for probe in probes) < 10
        assert (daemon.ready("default/mysql"), daemon.not_ready("default/mysql")) == ([SECOND], [FIRST])
        late = len(daemon.logs("probe")) - len(timely(daemon.logs("probe")))
        assert len(daemon.logs("probe.overrun")) <= late, "who is late himself may miss a turn"
        names.thaw()
        daemon.wait_ready("default/mysql", [FIRST, SECOND], timeout=20)
