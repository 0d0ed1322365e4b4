"""The probes across a network of the test's own: what loopback cannot show."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.certificates import issue
from lab.matrix.versions import VERSIONS, Version
from lab.network import Host, Network, inside
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from support.probe_once import SECONDS, ask

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_servers]

PORT = 3306
PROTOCOLS = ["mysql", "redis", "tcp"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Network]:
    with Network(hosts=1) as network:
        yield network


@pytest.fixture
def network(shared: Network) -> Iterator[Network]:
    """A network without faults."""
    yield shared
    shared["db1"].heal()


def _ask(network: Network, protocol: str, address: str, port: int = PORT, timeout: float = SECONDS) -> Observation:
    with inside(network.node.netns):
        return ask(protocol, address, port, timeout=timeout)


@pytest.mark.fault(
    "network",
    "A firewall answers by ICMP",
    "`unreachable` counts: it is the network's word on the host.",
    within="F x P + T",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("host-unreachable", Reason.UNREACHABLE),
        ("admin-prohibited", Reason.UNREACHABLE),
        ("port-unreachable", Reason.REFUSED),
        ("tcp-reset", Reason.REFUSED),
    ],
)
def test_a_firewall_that_answers(network: Network, protocol: str, how: str, reason: Reason) -> None:
    """An ICMP answer that comes back is the network's word on the host, not our own fault."""
    network["db1"].reject(how)  # type: ignore[arg-type]  # the table's strings are of that type
    assert _ask(network, protocol, network["db1"].address).reason is reason


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_firewall_that_says_nothing(network: Network, protocol: str) -> None:
    """Dropped packets are a timeout, at the deadline."""
    network["db1"].drop()
    seen = _ask(network, protocol, network["db1"].address, timeout=0.3)
    assert seen.reason is Reason.TIMEOUT
    assert seen.latency is not None
    assert 0.3 <= seen.latency < 10


@pytest.mark.fault(
    "network", "There is no route to a host", "`unknown: local`: connect() itself failed.", within="nothing moves"
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_no_route_is_our_fault(network: Network, protocol: str, address: str) -> None:
    """connect() itself gives the error: nothing is known of the host."""
    seen = _ask(network, protocol, address)
    assert seen.reason is Reason.LOCAL
    assert "on our side" in seen.message


@pytest.mark.fault(
    "network", "Mooring's own routing table forbids the way", "`unknown: local`.", within="nothing moves"
)
@pytest.mark.parametrize("kind", ["unreachable", "prohibit", "blackhole"])
def test_a_route_that_forbids_is_our_fault(network: Network, kind: str) -> None:
    """A routing table of our own that lets nothing out says nothing of the host."""
    network.node.ip("route", "add", kind, "198.51.100.0/24")
    try:
        seen = _ask(network, "tcp", "198.51.100.1")
    finally:
        network.node.ip("route", "del", kind, "198.51.100.0/24")
    assert seen.reason is Reason.LOCAL, seen


@pytest.mark.fault(
    "network", "A connection on loopback meets itself", "A refusal, and no host that listens.", within="F x P"
)
def test_our_own_socket_is_no_server(network: Network) -> None:
    """On loopback a connection to a closed port can meet itself; that is a refusal, not a host that listens."""
    with inside(network.node.netns):
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40000")
        try:
            seen = ask("tcp", "127.0.0.1", 40000)
        finally:
            Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("32768 60999")
    assert (seen.reason, "our own socket" in seen.message) == (Reason.REFUSED, True)


@pytest.mark.fault(
    "account", "Redis in protected mode denies us", "Unknown: it says nothing of its state.", within="nothing moves"
)
def test_a_protected_redis_denies_us(network: Network) -> None:
    """Protected mode: Redis takes no strangers from outside; an unknown outcome."""
    host = network["db1"]
    with Redis(address=host.address, netns=host.netns, extra=["protected-mode yes"]) as server:
        seen = _ask(network, "redis", server.address, server.port)
    assert seen.reason is Reason.AUTH
    assert seen.message.startswith("DENIED Redis is running in protected mode")


@pytest.mark.fault("account", "No account of the server lets our address in", "Unknown.", within="nothing moves")
def test_a_host_that_may_not_connect_is_our_fault(network: Network) -> None:
    """1130: no account lets our address in at all."""
    host = network["db1"]
    with Mariadb(address=host.address, netns=host.netns) as server:
        seen = _ask(network, "mysql", server.address, server.port)
    assert (seen.reason, seen.message[:6]) == (Reason.AUTH, "1130: ")


@pytest.mark.fault(
    "account",
    "The server has blocked our address",
    "`unknown: blocked`; 50 refused logins of ours do not cause it.",
    within="nothing moves",
)
def test_a_blocked_address_is_unknown_and_probes_do_not_block_it(network: Network) -> None:
    """With names resolved and max_connect_errors=1, 50 refused logins do no harm; one broken connection blocks us."""
    host = network["db1"]
    extra = ["--max-connect-errors=1"]
    with (
        _name_server(host),
        Mariadb(
            address=host.address, netns=host.netns, accounts={"somebody": ""}, name_resolving=True, extra=extra
        ) as server,
    ):
        for _ in range(50):
            assert _ask(network, "mysql", server.address, server.port).reason is Reason.AUTH
        broken = server.status("Aborted_connects")
        with inside(network.node.netns), socket.create_connection((server.address, server.port), 5) as raw:
            raw.recv(4)  # the greeting has begun, and is never answered
        wait_until(lambda: server.status("Aborted_connects") > broken, 10, "the server to count that")
        seen = _ask(network, "mysql", server.address, server.port)
    assert (seen.reason, seen.message[:6]) == (Reason.BLOCKED, "1129: ")


_BLOCKING = [one for one in VERSIONS if one.number in ("9.7", "8.0.31", "11.8", "10.11")]


@pytest.mark.fault(
    "account",
    "A certificate fails, and the server blocks addresses after broken connections",
    "`tls`; an hour of probes breaks one connection, so applications at the same address are not blocked.",
    within="F x P",
)
@pytest.mark.parametrize(
    "version",
    [
        pytest.param(one, id=one.title, marks=[pytest.mark.needs_packages(one.root)] if one.root else [])
        for one in _BLOCKING
    ],
)
def test_a_certificate_that_fails_does_not_get_our_address_blocked(
    network: Network, version: Version, tmp_path: Path
) -> None:
    """With names resolved and max_connect_errors=3, after twenty failures a login with the right name gets in."""
    host, certificate = network["db1"], issue(tmp_path, "db1.example.com")
    (tmp_path / "password").write_text("secret")
    extra = ("--skip-name-resolve=OFF", "--max-connect-errors=3")
    accounts = {"mooring": "secret"}
    block = {"user": "mooring", "passwordFile": str(tmp_path / "password")}

    def seen(name: str) -> Reason:
        tls = {"caFile": str(certificate.authority), "serverName": name}
        with inside(network.node.netns):
            return ask("mysql", server.address, server.port, timeout=20, **block, tls=tls).reason

    with (
        _name_server(host),
        version.server(
            address=host.address, netns=host.netns, accounts=accounts, tls=certificate, extra=extra
        ) as server,
    ):
        assert [seen("db2.example.com") for _ in range(20)] == [Reason.TLS] * 20
        assert seen("db1.example.com") is Reason.OK


@contextlib.contextmanager
def _name_server(host: Host) -> Iterator[None]:
    """A name server in the host's namespace, at the address that this machine's resolver uses, that knows no name.

    A fake: MariaDB counts errors only of addresses whose lookup was answered.
    """
    configured = re.findall(r"^nameserver\s+([\d.]+)\s*$", Path("/etc/resolv.conf").read_text(), re.MULTILINE)
    addresses = configured or ["127.0.0.1"]
    with contextlib.ExitStack() as running:
        for address in addresses:
            if not address.startswith("127."):
                host.ip("address", "add", f"{address}/32", "dev", "lo")
                running.callback(host.ip, "address", "del", f"{address}/32", "dev", "lo")
            with inside(host.netns):
                sock = running.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                sock.bind((address, 53))
            thread = threading.Thread(target=_knows_no_name, args=(sock,), daemon=True)
            thread.start()
            running.callback(thread.join, 5)
            running.callback(_wake, sock, host)
        yield


def _knows_no_name(sock: socket.socket) -> None:
    while (received := sock.recvfrom(4096))[0]:
        query, client = received
        # RFC 1035, section 4.1.1: the query comes back as an answer with RCODE 3, "Name Error".
        sock.sendto(query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:], client)


def _wake(sock: socket.socket, host: Host) -> None:
    with inside(host.netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.sendto(b"", sock.getsockname())
