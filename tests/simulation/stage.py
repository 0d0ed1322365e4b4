"""Puts simulated threads, clocks, sockets and an API server where Mooring's modules look for the real ones.

Nothing of Mooring is copied or replaced but what stands at the edge of the process: ``threading``, ``time``, ``queue``,
``epoll``, the connect of a socket, the login of a protocol, and the HTTP client of the API server.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import pkgutil
import select
import socket
import sys
import types
from typing import Any

import apscheduler.schedulers.background
import apscheduler.schedulers.base
import apscheduler.schedulers.blocking

import mooring
from mooring.model.reasons import Reason
from mooring.probe.lookup import Lookup
from mooring.protocols.protocol import Protocol
from mooring.protocols.transport.failure import Failure
from simulation import locks, threads
from simulation.kernel import Kernel
from simulation.locks import World
from simulation.name_server import Asyncio, NameServer
from simulation.network import Network
from simulation.sockets import Epoll, EventFd, Socket

ROOMS = (
    "daemon",
    "cluster",
    "demotion",
    "judge",
    "leader",
    "model",
    "observe",
    "plan",
    "probe",
    "protocols",
    "publish",
    "config",
)
_networks: list[Network] = []
_name_servers: list[NameServer] = []


def network() -> Network:
    return _networks[-1]


def enter(kernel: Kernel, of: Network, names: NameServer) -> None:
    """From now on this world is the one that is simulated."""
    World.kernel = kernel
    _networks[:], _name_servers[:] = [of], [names]


def set_up() -> None:
    """Once a process, before the first world."""
    for module in _modules():
        for name, stand_in in (("threading", threads.threading), ("time", threads.time)):
            if isinstance(getattr(module, name, None), types.ModuleType):
                setattr(module, name, stand_in)
        if hasattr(module, "SimpleQueue"):
            module.SimpleQueue = threads.SimpleQueue  # type: ignore[attr-defined]
        if hasattr(module, "Inbox"):
            module.Inbox = threads.SimpleQueue  # type: ignore[attr-defined]
    _set_up_scheduler()
    _set_up_sockets()
    _set_up_names()
    _set_up_protocols()
    _set_up_client()


def _modules() -> list[types.ModuleType]:
    for found in pkgutil.walk_packages(mooring.__path__, "mooring."):
        room = found.name.split(".")[1]
        if room in ROOMS and not found.name.endswith("document"):
            importlib.import_module(found.name)
    return [module for name, module in sorted(sys.modules.items()) if name.startswith("mooring.")]


def _set_up_scheduler() -> None:
    base, blocking = apscheduler.schedulers.base, apscheduler.schedulers.blocking
    background = apscheduler.schedulers.background
    base.RLock, base.datetime = locks.RLock, threads.Datetime
    blocking.Event = background.Event = locks.Event
    background.Thread = threads.Thread


class _Os:
    """The module ``os`` with simulated event descriptors."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def eventfd(_initial: int, _flags: int = 0) -> int:
        return network().number(EventFd())

    @staticmethod
    def eventfd_write(number: int, value: int) -> None:
        network().files[number].write(value)

    @staticmethod
    def close(number: int) -> None:
        network().files.pop(number, None)


class _Select:
    def __getattr__(self, name: str) -> Any:
        return getattr(select, name)

    @staticmethod
    def epoll(*_: Any) -> Epoll:
        return Epoll(network())


class _Fcntl:
    def __getattr__(self, name: str) -> Any:
        return getattr(fcntl, name)

    @staticmethod
    def ioctl(number: int, _request: int, _given: bytes) -> bytes:
        return int(network().files[number].unread).to_bytes(4, sys.byteorder)


def _connecting(address: str, port: int) -> Socket:
    kernel = World.kernel
    if kernel.machine.name in network().without_route:
        raise Failure(Reason.LOCAL, "no route to host (on our side, connecting)")
    sock = Socket(network(), kernel.process)
    sock.connect(address, port)
    return sock


def _set_up_sockets() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("mooring.probe"):
            for attribute, stand_in in (("os", _Os()), ("select", _Select()), ("fcntl", _Fcntl())):
                if isinstance(getattr(module, attribute, None), types.ModuleType):
                    setattr(module, attribute, stand_in)
    sys.modules["mooring.probe.connect"].connecting = _connecting  # type: ignore[attr-defined]


async def _look_up(name: str) -> Lookup:
    return _name_servers[-1].answer(World.kernel.machine.name, name)


def _set_up_names() -> None:
    resolve = importlib.import_module("mooring.probe.resolve")
    resolve.asyncio = Asyncio  # type: ignore[attr-defined]
    resolve.Names.__init__.__defaults__ = (_look_up, None)


def _set_up_protocols() -> None:
    """The block of the file is Redis'; what goes over the wire is ``hosts``'."""
    registry = importlib.import_module("mooring.protocols.registry")
    real = registry.PROTOCOLS
    true = real["redis"]
    stand_in = Protocol(true.options, "simulation.hosts", first_bytes=b"P\n", ports=true.ports)
    protocols = {**real, "redis": stand_in}
    for module in list(sys.modules.values()):
        if getattr(module, "PROTOCOLS", None) is real:
            vars(module)["PROTOCOLS"] = protocols


class _OneOverseer:
    """A process has one thread that ends its calls."""

    def __getattr__(self, name: str) -> Any:
        deadline = importlib.import_module("mooring.cluster.deadline")
        memory = World.kernel.process.memory
        if self not in memory:
            memory[self] = deadline._Overseer()
        return getattr(memory[self], name)


class _Socket:
    """The module ``socket``, of what cuts a call of the client."""

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    class socket:  # noqa: N801 -- as the library's
        @staticmethod
        def shutdown(line: Any, _how: int) -> None:
            line.shutdown()

    @staticmethod
    def gethostname() -> str:
        return World.kernel.process.name


class _Secrets:
    @staticmethod
    def token_hex(size: int) -> str:
        return f"{World.kernel.chance.getrandbits(8 * size):0{2 * size}x}"


def _set_up_client() -> None:
    sys.modules["mooring.cluster.transport"]._sending = threads.Local()  # type: ignore[attr-defined]
    deadline = sys.modules["mooring.cluster.deadline"]
    deadline._overseer, deadline.socket = _OneOverseer(), _Socket()  # type: ignore[attr-defined]
    daemon = sys.modules["mooring.daemon"]
    daemon.socket, daemon.secrets = _Socket(), _Secrets()  # type: ignore[attr-defined]
