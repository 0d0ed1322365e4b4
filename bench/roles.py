# ruff: noqa: INP001 -- a program, no package
"""CPU for each check of a replica's role and lag: Mooring's and the database's, beside HAProxy's.

    PYTHONPATH=tools .venv/bin/python -m bench.roles mysql|redis [HOSTS [PERIOD [ROUNDS [SECONDS]]]]

As ``bench.cpu``, but the server is a real replica of a primary that is written to all the time, and Mooring asks it for
its role and its lag. HAProxy asks Redis PING and INFO replication; MySQL it can only log in to (``mysql-check``).
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.beside import EVERY, addresses, checks, mooring
from bench.cpu import AIM_DATABASE, Cost, measured, show
from bench.haproxy import USER, Backend, HaProxy

from lab.network import Network
from lab.topologies.replication import Replication
from lab.topologies.sentinel import RedisReplication
from lab.topologies.topology import PASSWORD, PROBER

AIMS = {"mysql": 0.6, "redis": 0.5}
HAPROXY = {"mysql": "mysql", "redis": "redis-info"}
WRITE_SECONDS = 0.02


@dataclass(frozen=True)
class _Place:
    address: str
    netns: str | None


@contextlib.contextmanager
def written(write: Callable[[int], object]) -> Iterator[None]:
    """Somebody writes to the primary all the time."""
    ending = threading.Event()

    def run() -> None:
        for number in itertools.count():
            if ending.wait(WRITE_SECONDS):
                return
            write(number)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


@contextlib.contextmanager
def replica(protocol: str) -> Iterator[Replication | RedisReplication]:
    """A primary and one replica, which stands at all addresses of a namespace, while somebody writes."""
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network(hosts=1))
        places = (network["db1"], _Place(EVERY, network.node.netns))
        if protocol == "redis":
            redis = stack.enter_context(RedisReplication(places, extra=("maxclients 15000",)))
            stack.enter_context(written(lambda number: redis.primary.command("SET", "number", number)))
            yield redis
            return
        extra = ("--max-connections=4000", "--back-log=1000", "--max-connect-errors=1000000")
        mysql = stack.enter_context(Replication(places, extra=extra))
        mysql.primary.run(f"CREATE USER IF NOT EXISTS '{USER}'@'%'")
        session = stack.enter_context(mysql.primary.session())
        stack.enter_context(written(lambda number: session.execute("REPLACE INTO app.written VALUES (%s)", (number,))))
        yield mysql


def compare(protocol: str, hosts: int, period: float, rounds: int, seconds: float) -> None:
    with replica(protocol) as replication:
        server = replication.servers[1]
        places = [(address, server.port) for address in addresses(hosts)]

        def ours() -> Cost:
            block = {"role": "replica", "user": PROBER, "maxReplicationLagSeconds": 60}
            with mooring(
                {protocol: places},
                server.netns,
                period=period,
                timeout=min(1.0, period),
                block=block,
                password=PASSWORD,
            ) as daemon:
                return measured(server, daemon.pid, seconds, lambda: checks(daemon))

        def theirs() -> Cost:
            backend = Backend(HAPROXY[protocol], places, f"inter {1000 * period:.0f}ms")
            with HaProxy(backend, netns=server.netns) as haproxy:
                return measured(server, haproxy.pid, seconds, None)

        pairs = [(ours(), theirs()) for _ in range(rounds)]
    done = [statistics.median(cost.checks for cost in costs) / seconds for costs in zip(*pairs, strict=True)]
    crowd = f"{hosts} {protocol} replicas at {period:g} s"
    rates = f"checks/s: mooring {done[0]:.0f}, haproxy {done[1]:.0f}; {rounds} rounds of {seconds:g} s each"
    show(f"CPU for each check of role and lag, {crowd}", AIMS[protocol], [(a.each, b.each) for a, b in pairs], rates)
    databases = [(a.database_each, b.database_each) for a, b in pairs]
    show(f"the database's own CPU for each of them, {crowd}", AIM_DATABASE, databases)


def main() -> None:
    told = dict(enumerate(sys.argv[1:]))
    protocol, hosts, period = told.get(0, "mysql"), int(told.get(1, "500")), float(told.get(2, "0.5"))
    compare(protocol, hosts, period, int(told.get(3, "5")), float(told.get(4, "15")))


if __name__ == "__main__":
    main()
