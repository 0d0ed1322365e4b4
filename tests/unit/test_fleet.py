"""The hosts of a file as members on the board."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from ground.nameserver import nameserver
from ground.values import KEY, spec, stored
from ground.waiting import wait_until
from mooring import resolve
from mooring.board import Board
from mooring.events import AddressLeftOut, Event
from mooring.fleet import Fleet
from mooring.model import Verdict
from mooring.spec import HostSpec, Port

SPEC = replace(spec("10.20.0.11"), hosts=(HostSpec("db1", "10.20.0.11"), HostSpec("db3", "db3.example.com")))


class Desk:
    """A fleet with its board, and what it told."""

    def __init__(self, allowed: str | None = None) -> None:
        self.board, self.events, self.changes = Board(), list[Event](), 0
        networks = (ip_network(allowed),) if allowed else ()
        self.fleet = Fleet([SPEC], self.board, networks, self.events.append, self._count)

    def _count(self) -> None:
        self.changes += 1

    def addresses(self) -> list[str]:
        return [member.address for member, _ in self.board.view(KEY)]


def test_only_names_are_looked_up() -> None:
    """An IP address needs no lookup; a name without an address yet is shown as unresolved."""
    desk = Desk()
    desk.fleet.muster()
    assert list(desk.fleet.names.addresses()) == ["db3.example.com"]
    assert desk.addresses() == ["10.20.0.11"]
    assert [host.name for host in desk.board.unresolved(KEY)] == ["db3"]


def test_what_a_name_holds_becomes_members() -> None:
    """Every address of a name is a member, and a change is told so that it is probed and published."""
    desk = Desk()
    with nameserver() as server:
        server.records["db3.example.com"] = ["10.20.0.13", "10.20.0.14"]
        desk.fleet.names._look = lambda name: resolve.lookup(name, server.resolver)
        desk.fleet.muster()
        desk.fleet.names.refresh()
        wait_until(lambda: desk.changes, 5, "the change")
    assert desk.addresses() == ["10.20.0.11", "10.20.0.13", "10.20.0.14"]
    assert desk.board.unresolved(KEY) == ()


def test_an_address_that_becomes_a_name_keeps_its_verdict() -> None:
    """Until the name is resolved its host may be the one that was listed by address, and so it begins as that."""
    board = Board()
    plain = spec("10.20.0.11", "10.20.0.12")
    fleet = Fleet([plain], board, (), lambda _event: None, lambda: None)
    fleet.begin()
    board.seed(KEY, stored(ready=("10.20.0.11", "10.20.0.12")))
    hosts = (*plain.hosts[:1], HostSpec("db2", "db2.example.com"))
    fleet.names._look = lambda _name: None
    fleet.replace([replace(plain, hosts=hosts)])
    assert [member.address for member, _ in board.view(KEY)] == ["10.20.0.11"]
    fleet.names._look = lambda _name: ("10.20.0.12",)
    fleet.names.learn("db2.example.com")
    assert {member.address: state.verdict for member, state in board.view(KEY)} == {
        "10.20.0.11": Verdict.READY,
        "10.20.0.12": Verdict.READY,
    }


def test_ports_that_the_service_names_are_probed() -> None:
    """A file without ports leaves them to the cluster; once known, hosts are probed there, and a change is told."""
    board, changes = Board(), list[int]()
    bare = replace(spec("10.20.0.11"), ports=())
    fleet = Fleet([bare], board, (), lambda _event: None, lambda: changes.append(1))
    fleet.begin()
    assert board.targets() == {}
    for _ in range(2):
        fleet.learn_ports(KEY, (Port("mysql", 3307),))
    assert [(target.address, target.port) for target in board.targets()] == [("10.20.0.11", 3307)]
    assert changes == [1]


def test_an_address_outside_the_allowed_cidrs_is_left_out_and_told_once() -> None:
    """Whoever controls a name must not be able to publish any address."""
    desk = Desk("10.20.0.0/24")
    desk.fleet.names._look = lambda _name: ("10.20.0.13", "127.0.0.1", "192.0.2.1")
    desk.fleet.learn()
    desk.fleet.muster()
    assert desk.addresses() == ["10.20.0.11", "10.20.0.13"]
    left_out = [event for event in desk.events if isinstance(event, AddressLeftOut)]
    assert [event.address for event in left_out] == ["127.0.0.1", "192.0.2.1"]
