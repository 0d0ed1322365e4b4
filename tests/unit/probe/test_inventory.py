"""The hosts of a file as members on the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial
from ipaddress import ip_network

from lab.values import KEY, spec, stored
from lab.waiting import wait_until
from mooring.judge.ports import FoundPorts
from mooring.judge.store import HealthStore
from mooring.model.events import AddressLeftOut, Event
from mooring.model.spec import HostSpec, Port, ServiceKey
from mooring.model.verdicts import Verdict
from mooring.probe.inventory import Inventory
from mooring.probe.lookup import Lookup, look_up
from support.nameserver import nameserver

SPEC = replace(spec("10.20.0.11"), hosts=(HostSpec("db1", "10.20.0.11"), HostSpec("db3", "db3.example.com")))


def holding(*addresses: str) -> Callable[[str], Awaitable[Lookup]]:
    """Lookups that find these."""

    async def look(_: str) -> Lookup:
        return Lookup(addresses)

    return look


class Desk:
    """An inventory with its health store, and the events that it emitted."""

    def __init__(self, allowed: str | None = None) -> None:
        self.store, self.events, self.changes = HealthStore(), list[Event](), list[Collection[ServiceKey]]()
        networks = (ip_network(allowed),) if allowed else ()
        self.inventory = Inventory([SPEC], self.store, networks, self.events.append, self.changes.append)

    def addresses(self) -> list[str]:
        return [member.address for member, _ in self.store.service(KEY).hosts]


def test_only_names_are_looked_up() -> None:
    """An IP address needs no lookup; a name without an address yet is shown as unresolved."""
    desk = Desk()
    desk.inventory.refresh()
    assert list(desk.inventory.names.addresses()) == ["db3.example.com"]
    assert desk.addresses() == ["10.20.0.11"]
    assert [host.name for host in desk.store.service(KEY).unresolved] == ["db3"]


def test_what_a_name_holds_becomes_members() -> None:
    """Every address of a name is a member; a change is reported, so that Mooring probes and publishes it."""
    desk = Desk()
    with nameserver() as server:
        server.records["db3.example.com"] = ["10.20.0.13", "10.20.0.14"]
        desk.inventory.names._look = partial(look_up, make=server.resolver)
        desk.inventory.refresh()
        desk.inventory.names.refresh()
        wait_until(lambda: desk.changes, 5, "the change")
    assert desk.addresses() == ["10.20.0.11", "10.20.0.13", "10.20.0.14"]
    assert desk.store.service(KEY).unresolved == ()
    assert desk.changes == [{KEY}]


def test_an_address_that_becomes_a_name_keeps_its_verdict() -> None:
    """Until the name is resolved its host may be the one that was listed by address, and so it begins as that."""
    store = HealthStore()
    plain = spec("10.20.0.11", "10.20.0.12")
    inventory = Inventory([plain], store, (), lambda _event: None, lambda _keys: None)
    inventory.start()
    store.seed(KEY, stored(ready=("10.20.0.11", "10.20.0.12")))
    hosts = (*plain.hosts[:1], HostSpec("db2", "db2.example.com"))
    inventory.names._look = holding()
    inventory.replace([replace(plain, hosts=hosts)])
    assert [member.address for member, _ in store.service(KEY).hosts] == ["10.20.0.11"]
    inventory.names._look = holding("10.20.0.12")
    inventory.names.learn("db2.example.com")
    ready = dict.fromkeys(("10.20.0.11", "10.20.0.12"), Verdict.READY)

    def both_ready() -> bool:
        return {member.address: state.verdict for member, state in store.service(KEY).hosts} == ready

    wait_until(both_ready, 10, "both to be ready")  # the lookup that the new file began may have come first


def test_ports_that_the_service_names_are_probed() -> None:
    """Mooring takes the ports from the cluster where the file has none, probes hosts there, and reports a change."""
    store, changes = HealthStore(), list[int]()
    bare = replace(spec("10.20.0.11"), ports=())
    inventory = Inventory([bare], store, (), lambda _event: None, lambda _keys: changes.append(1))
    inventory.start()
    assert store.targets() == {}
    for _ in range(2):
        inventory.set_ports(KEY, FoundPorts((Port("mysql", 3307),)))
    assert [(target.address, target.port) for target in store.targets()] == [("10.20.0.11", 3307)]
    assert changes == [1]


def test_an_address_outside_the_allowed_cidrs_is_left_out_and_reported_once() -> None:
    """Control of a DNS name is no right to publish any address."""
    desk = Desk("10.20.0.0/24")
    desk.inventory.names._look = holding("10.20.0.13", "127.0.0.1", "192.0.2.1")
    desk.inventory.resolve_all()
    desk.inventory.refresh()
    assert desk.addresses() == ["10.20.0.11", "10.20.0.13"]
    left_out = [event for event in desk.events if isinstance(event, AddressLeftOut)]
    assert [event.address for event in left_out] == ["127.0.0.1", "192.0.2.1"]
