# ruff: noqa: INP001 -- a program, no package
"""CPU for each check: Mooring's and the database's, beside HAProxy's and what the database spends on that.

    PYTHONPATH=tools .venv/bin/python -m bench.cpu mysql|redis [HOSTS [PERIOD [ROUNDS [SECONDS]]]]

One real server listens on all addresses, in a namespace: this wants root. Both check each address at the same period,
in turns, HAProxy with one thread; what they use to start is not counted. Mooring is the whole daemon with its log, and
its metrics are read once in each round. Its checks are those that it counted, HAProxy's the connections that the server
counted; the full logins that Mooring makes beside its checks are in its CPU and in the server's, and are no checks.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from bench.beside import addresses, checks, mooring, stage
from bench.haproxy import Backend, HaProxy
from bench.usage import cpu, python, spread, tell

from lab.process import Server
from lab.servers import Mariadb, Redis
from mooring.model.spec import LOGIN_SECONDS

SETTLE_SECONDS = 1.1 * LOGIN_SECONDS
"""By then full logins at the default ``loginSeconds`` are being made all the time: an earlier window has none."""
AIM, AIM_DATABASE = 0.5, 0.6


@dataclass(frozen=True, slots=True)
class Cost:
    """One round: checks, and the CPU seconds of the one who checks and of the database."""

    checks: int
    own: float
    database: float
    logins: int

    @property
    def each(self) -> float:
        return 1e6 * self.own / self.checks

    @property
    def database_each(self) -> float:
        return 1e6 * self.database / self.checks


def connections(server: Server) -> int:
    """How often somebody connected to the server; to ask this is one of them."""
    if isinstance(server, Mariadb):
        return server.status("Connections")
    return int(cast("Redis", server).command("INFO", "stats")["total_connections_received"])


def measured(server: Server, pid: int, seconds: float, count: Callable[[], int] | None) -> Cost:
    """Without ``count``, each connection is a check."""
    time.sleep(SETTLE_SECONDS)
    before, done = connections(server), count() if count else 0
    own, database = cpu(pid), cpu(server.pid)
    time.sleep(seconds / 2)
    if count:
        count()  # a scrape, as Prometheus would
    time.sleep(seconds / 2)
    own, database = cpu(pid) - own, cpu(server.pid) - database
    done = count() - done if count else 0
    logins = connections(server) - before - 1
    return Cost(done or logins, own, database, logins)


def ours(server: Server, protocol: str, hosts: int, period: float, seconds: float) -> Cost:
    places = {protocol: [(address, server.port) for address in addresses(hosts)]}
    with mooring(places, server.netns, period=period, timeout=min(1.0, period)) as daemon:
        return measured(server, daemon.pid, seconds, lambda: checks(daemon))


def theirs(server: Server, protocol: str, hosts: int, period: float, seconds: float) -> Cost:
    places = [(address, server.port) for address in addresses(hosts)]
    timing = f"inter {1000 * period:.0f}ms"
    with HaProxy(Backend(protocol, places, timing), netns=server.netns) as haproxy:
        return measured(server, haproxy.pid, seconds, None)


def compare(protocol: str, hosts: int, period: float, rounds: int, seconds: float) -> None:
    with stage(protocol) as (_, (server,)):
        what = (server, protocol, hosts, period, seconds)
        pairs = [(ours(*what), theirs(*what)) for _ in range(rounds)]
    done = [statistics.median(cost.checks for cost in costs) / seconds for costs in zip(*pairs, strict=True)]
    logins = statistics.median(a.logins for a, _ in pairs) / seconds
    rates = f"checks/s: mooring {done[0]:.0f} and {logins:.1f} full logins, haproxy {done[1]:.0f}"
    length = f"{rounds} rounds of {seconds:g} s each"
    crowd = f"{hosts} {protocol} at {period:g} s"
    show(f"CPU for each check, {crowd}", AIM, [(a.each, b.each) for a, b in pairs], rates, length)
    databases = [(a.database_each, b.database_each) for a, b in pairs]
    show(f"the database's own CPU for each check, {crowd}", AIM_DATABASE, databases)


def show(figure: str, aim: float, pairs: list[tuple[float, float]], *details: str) -> None:
    """Pairs of microseconds, mooring first."""
    mine, other = ([pair[place] for pair in pairs] for place in (0, 1))
    each = f"us: mooring {spread(mine, '.1f')}, haproxy {spread(other, '.1f')}"
    tell(f"{figure}: mooring / haproxy", f"<= {aim}", spread([a / b for a, b in pairs]), each, *details, python())


def main() -> None:
    told = dict(enumerate(sys.argv[1:]))
    protocol, hosts, period = told.get(0, "mysql"), int(told.get(1, "500")), float(told.get(2, "0.5"))
    compare(protocol, hosts, period, int(told.get(3, "5")), float(told.get(4, "15")))


if __name__ == "__main__":
    main()
