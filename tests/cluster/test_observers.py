"""Three real daemons in three network namespaces: whose word counts where one of them cannot reach a database."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

import pytest

from kube.daemon import ClusterDaemon
from kube.databases import Outside
from kube.full_cluster import Cluster
from lab.network import Host
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

SECONDS = 40.0
"""For what takes about five on an idle machine."""
LASTS = 5.0
"""How long a fault lasts that must change nothing: without observers a host is out after two."""
MANY_LOGINS = 30


class Voices:
    """``with Voices(cluster, out, namespace) as voices``: three daemons, one of which leads."""

    def __init__(self, cluster: Cluster, out: Outside, namespace: str) -> None:
        self.cluster, self.out, self.namespace = cluster, out, namespace
        self.places = [cluster.host(number) for number in (3, 4, 5)]
        self.ip = out.make_service(namespace)

    def __enter__(self) -> Self:
        text = self.out.file(self.namespace, observers={"agree": "majority"})
        lease = ("--lease-namespace", self.namespace, "--lease-name", "mooring")
        with contextlib.ExitStack() as undo:
            self.daemons = []
            for place in self.places:
                made = ClusterDaemon(text, self.cluster, args=lease, netns=place.netns)
                self.daemons.append(undo.enter_context(made))
                wait_until(self._is_ready, SECONDS, "the daemon to be ready")
            wait_until(lambda: self.published() == (self.out.addresses, []), SECONDS, "both to be published")
            wait_until(lambda: len(self._observers()) == len(self.places), SECONDS, "three observers")
            time.sleep(8)  # what they state counts a while after they joined
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.daemons[-1].get("/readyz")[0] == 200
        return False

    def _observers(self) -> list[str]:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"
        found = self.cluster.rest.get(path)["items"]
        return [one["metadata"]["name"] for one in found if "-observer-" in one["metadata"]["name"]]

    def published(self) -> tuple[list[str], list[str]]:
        daemon = self.daemons[0]
        service = f"{self.namespace}/{self.out.kind.service}"
        return daemon.ready(service), daemon.not_ready(service)

    @property
    def leader(self) -> int:
        """The number of the daemon that leads. An outvoted one hands the Lease over, so that it changes."""

        def found() -> list[int]:
            leading = [number for number, leads in enumerate(self.leads()) if leads]
            return leading if len(leading) == 1 else []

        return wait_until(found, SECONDS, "one to lead")[0]

    def row(self, daemon: int, number: int) -> dict[str, Any]:
        """How a daemon sees a host."""
        (service,) = self.daemons[daemon].status()["services"]
        found: dict[str, Any] = service["hosts"][number]
        return found

    def all_see(self) -> bool:
        return all(self.row(one, number)["reason"] == "ok" for one in range(len(self.daemons)) for number in (0, 1))

    def leads(self) -> list[bool]:
        return [bool(daemon.status()["leader"]) for daemon in self.daemons]

    def wait_published(self, ready: Sequence[str], not_ready: Sequence[str]) -> None:
        wanted = list(ready), list(not_ready)
        wait_until(lambda: self.published() == wanted, SECONDS, f"{wanted} to be stored", every=0.05)

    def stays(self) -> None:
        """Both stay published for a while, and each login through the ClusterIP works."""
        until = time.monotonic() + LASTS
        while time.monotonic() < until:
            assert self.published() == (self.out.addresses, [])
            time.sleep(0.1)
        logins = self.out.logins(self.namespace, self.ip, MANY_LOGINS)
        assert [login.error for login in logins if login.error] == []


def cut(place: Host, address: str, *hooks: str) -> None:
    """Packets between this namespace and that address vanish: those that come (``input``), those that go, or both."""
    match = {"input": "saddr", "output": "daddr"}
    chains = " ".join(
        f"chain {hook} {{ type filter hook {hook} priority 0; ip {match[hook]} {address} drop; }};" for hook in hooks
    )
    place.nft(f"table inet ground {{ {chains} }}")


@pytest.fixture(scope="module")
def voices(cluster: Cluster, redis_outside: Outside) -> Iterator[Voices]:
    with cluster.namespace() as namespace, Voices(cluster, redis_outside, namespace) as made:
        yield made


@pytest.fixture(autouse=True)
def _mended(voices: Voices) -> Iterator[None]:
    """Each test begins and ends with three daemons that see everything."""
    yield
    for host in voices.cluster.network.hosts:
        host.heal()
    voices.out.revive()
    voices.wait_published(voices.out.addresses, [])
    wait_until(voices.all_see, SECONDS, "each daemon to see both")
    time.sleep(2)


@pytest.mark.parametrize("hooks", [("input",), ("output",), ("input", "output")], ids=["in", "out", "both ways"])
def test_a_host_that_only_the_leader_cannot_reach_stays(voices: Voices, hooks: tuple[str, ...]) -> None:
    """The others see it: nothing moves, and the status says so."""
    leader = voices.leader
    cut(voices.places[leader], voices.out.addresses[0], *hooks)
    wait_until(lambda: voices.row(leader, 0)["reason"] == "outvoted", SECONDS, "the leader to be outvoted")
    voices.stays()
    wait_until(
        lambda: said(voices.row(leader, 0)) == ("ready", "it is silent to us, and 2 of 3 observers see it"),
        SECONDS,
        "the status to say so",
    )


def said(row: dict[str, Any]) -> tuple[str, str]:
    return row["verdict"], row["message"]


@pytest.mark.fault(
    "mooring",
    "With observers, the leader alone is cut off from one database",
    "The database stays, and the leader hands over to a replica that sees it.",
    within="5 to 10 s, at most once in 30 s",
)
def test_an_outvoted_leader_hands_over_to_one_that_sees_the_host(voices: Voices) -> None:
    """At most once in 30 s; the host stays all the while, and the new leader sees what it says."""
    leader = voices.leader
    cut(voices.places[leader], voices.out.addresses[0], "input", "output")
    wait_until(lambda: not voices.leads()[leader], 2 * SECONDS, "the Lease to be handed over")
    assert voices.row(voices.leader, 0)["reason"] == "ok"
    voices.stays()


def test_what_a_standby_cannot_reach_stays(voices: Voices) -> None:
    """The leader sees it."""
    cut(voices.places[voices.leader - 1], voices.out.addresses[1], "input", "output")
    voices.stays()


def test_a_host_that_most_cannot_reach_leaves(voices: Voices) -> None:
    """Two of three: the third one alone sees it."""
    leader = voices.leader
    for number in (leader, leader - 1):
        cut(voices.places[number], voices.out.addresses[0], "input", "output")
    voices.wait_published(voices.out.addresses[1:], voices.out.addresses[:1])


def test_a_host_that_falls_silent_to_all_leaves(voices: Voices) -> None:
    """As a machine that lost its power; the other one takes the logins."""
    voices.cluster.host(1).drop()
    voices.wait_published(voices.out.addresses[1:], voices.out.addresses[:1])
    voices.out.wait_balanced(voices.namespace, voices.out.addresses[1:])
    logins = voices.out.logins(voices.namespace, voices.ip, MANY_LOGINS)
    assert [login.error for login in logins if login.error] == []


def test_a_database_that_is_killed_leaves_without_a_vote(voices: Voices) -> None:
    """Its machine refuses: that word needs nobody else's."""
    voices.out.servers[0].kill()
    voices.wait_published(voices.out.addresses[1:], voices.out.addresses[:1])


def test_a_standby_without_the_api_server_has_no_voice(voices: Voices) -> None:
    """What it sees is not read any more: of the two that are left one sees the host, which is no majority."""
    leader = voices.leader
    cut(voices.places[leader - 1], voices.cluster.address, "input", "output")
    time.sleep(13)
    cut(voices.places[leader], voices.out.addresses[0], "input", "output")
    wait_until(lambda: voices.row(leader, 0)["reason"] == "outvoted", SECONDS, "the leader to be outvoted")
    voices.stays()
