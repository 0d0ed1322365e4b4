"""Which ports a Service should publish, and which is probed: truth tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.values import stored
from mooring.judge.ports import FoundPorts, find_ports, is_gone, ports_line, probed_port
from mooring.model.memory import Memory
from mooring.model.objects import StoredObjects, Subset
from mooring.model.spec import Port

A = "10.20.0.11"
OWN, THEIRS, OTHER = (Port("mysql", 3306),), (Port("mysql", 13306),), (Port("db", 13306),)
REDIS, BUS = Port("redis", 6379), Port("bus", 16379)


def held(ports: tuple[Port, ...], *, managed: bool = True, service_ports: str = "") -> StoredObjects:
    memory = Memory(((A, ""),) if managed else (), service_ports=service_ports)
    one = replace(stored(ready=(A,), managed=managed), subsets=(Subset((A,), (), ports),), memory=memory)
    return StoredObjects(one)


@pytest.mark.parametrize(
    ("listed", "objects", "found"),
    [
        ((), StoredObjects(), FoundPorts(OWN)),
        ((), held(THEIRS, managed=False), FoundPorts(THEIRS, (), THEIRS, None, ports_line(OWN))),
        ((), held(OTHER, managed=False), FoundPorts(OWN, (), OTHER)),
        ((), held(OWN, managed=False), FoundPorts(OWN, (), OWN)),
        ((), held(THEIRS), FoundPorts(OWN, (), THEIRS)),
        ((), held(THEIRS, service_ports=ports_line(OWN)), FoundPorts(THEIRS, (), THEIRS, None, ports_line(OWN))),
        ((), held(THEIRS, service_ports="mysql:3307/TCP"), FoundPorts(OWN, (), THEIRS)),
        (OWN, held(THEIRS, managed=False), FoundPorts(OWN, OWN, THEIRS)),
        (OWN, held(THEIRS, service_ports=ports_line(OWN)), FoundPorts(OWN, OWN, THEIRS)),
    ],
)
def test_ports_of_an_adopted_object_are_kept(
    listed: tuple[Port, ...], objects: StoredObjects, found: FoundPorts
) -> None:
    """Unless the file has ports, and for as long as the Service has those that it had at adoption."""
    assert find_ports(listed, OWN, objects) == found


@pytest.mark.parametrize(
    ("ports", "before", "default", "probed"),
    [
        ((REDIS, BUS), None, 6379, REDIS),
        ((BUS, REDIS), None, 6379, BUS),
        ((BUS, REDIS), REDIS, 6379, REDIS),
        ((BUS, replace(REDIS, port=6380)), REDIS, 6379, replace(REDIS, port=6380)),
        ((BUS, replace(REDIS, name="data")), REDIS, 6379, replace(REDIS, name="data")),
        ((BUS, Port("x", 6379)), Port("gone", 1), 6379, Port("x", 6379)),
        ((BUS, Port("x", 7)), REDIS, 6379, BUS),
        ((BUS, Port("x", 7)), REDIS, None, BUS),
    ],
)
def test_the_probed_port_stays(ports: tuple[Port, ...], before: Port | None, default: int, probed: Port) -> None:
    """By name and number, by name, by number; where it is gone the protocol's default, else the first."""
    assert probed_port(ports, before, default) == probed


def test_a_port_is_gone_when_neither_its_name_nor_its_number_is_there() -> None:
    """A port is gone where neither its name nor its number is listed."""
    assert is_gone((BUS,), REDIS)
    assert not is_gone((replace(REDIS, port=1),), REDIS)
    assert not is_gone((BUS,), None)
