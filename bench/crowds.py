# ruff: noqa: INP001 -- a program, no package
"""What very many targets cost, and whether they are asked in time.

    PYTHONPATH=tools .venv/bin/python -m bench.crowds held          memory of 1,000 held sessions, MySQL and Redis
    PYTHONPATH=tools .venv/bin/python -m bench.crowds many [HOSTS]  10,000 Redis targets at 5 s: CPU and memory
    PYTHONPATH=tools .venv/bin/python -m bench.crowds late [HOSTS]  the same, when each was asked
    PYTHONPATH=tools .venv/bin/python -m bench.crowds hung          1,000 targets, 200 of them on frozen servers

Real servers listen on so many addresses of a namespace: this wants root, and 20,000 descriptors (``ulimit -n``) for
10,000 sessions at both ends. A target's lateness is how much later than in its most punctual period it was asked.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import asked
from bench.beside import addresses, checks, mooring, server, stage
from bench.usage import cpu, quantile, resident, tell

from lab.mooring import Daemon
from lab.process import Server

Place = tuple[str, int]
HELD, MANY, SOUND, HUNG = 500, 10_000, 400, 100
"""Hosts of each protocol; of ``MANY`` there is Redis only."""
MANY_PERIOD, PERIOD = 5.0, 2.0
SETTLE_SECONDS, SECONDS, SCRAPE_SECONDS = 10.0, 45.0, 15.0
MILLI = 1000.0


def places(one: Server, count: int, net: int = 1) -> list[Place]:
    return [(address, one.port) for address in addresses(count, net)]


def held() -> None:
    with stage("mysql", "redis") as (network, (mysql, redis)):
        both = {"mysql": places(mysql, HELD), "redis": places(redis, HELD)}
        with mooring(both, network.node.netns, period=PERIOD, timeout=1.0) as daemon:
            scraped(daemon, SECONDS)
            sessions = len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))
            tell("RSS, 1,000 held sessions", "<= 120 MiB", f"{resident(daemon.pid):.0f} MiB", f"{sessions} descriptors")


def scraped(daemon: Daemon, seconds: float) -> None:
    """Lets it run, and reads its metrics now and then, as Prometheus would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(SCRAPE_SECONDS, max(0.0, until - time.monotonic())))
        checks(daemon)


def many(hosts: int) -> None:
    with stage("redis") as (network, (redis,)):
        crowd = {"redis": places(redis, hosts)}
        with mooring(crowd, network.node.netns, period=MANY_PERIOD, timeout=1.0) as daemon:
            time.sleep(SETTLE_SECONDS)
            done, used = checks(daemon), cpu(daemon.pid)
            time.sleep(SECONDS)
            plain = cpu(daemon.pid) - used
            done = checks(daemon) - done
            scrape = cpu(daemon.pid) - used - plain
            memory = resident(daemon.pid)
    part = 100 * (plain + scrape * SECONDS / SCRAPE_SECONDS) / SECONDS
    what = f"{hosts} targets at {MANY_PERIOD:g} s"
    parts = f"{100 * plain / SECONDS:.1f} % without scrapes; one costs {scrape:.2f} s, each {SCRAPE_SECONDS:g} s"
    tell(f"CPU of one core, {what}", "<= 25 %", f"{part:.1f} %", f"{done / SECONDS:.0f} checks/s; {parts}")
    tell(f"RSS, {what}", "<= 250 MiB", f"{memory:.0f} MiB")


def late(hosts: int) -> None:
    with stage("redis") as (network, (redis,)), notes() as file:
        crowd = {"redis": places(redis, hosts)}
        with noting(crowd, network.node.netns, MANY_PERIOD, file) as daemon:
            time.sleep(SETTLE_SECONDS)
            since = time.monotonic()
            scraped(daemon, SECONDS)
            daemon.stop(30)
        found = lateness(file, MANY_PERIOD, since, set(crowd["redis"]))
    show(f"p99 lateness, {hosts} targets at {MANY_PERIOD:g} s", found)


def hung() -> None:
    with stage("mysql", "redis") as (network, sound), notes() as file, contextlib.ExitStack() as stack:
        netns = network.node.netns
        frozen = [stack.enter_context(server(name, netns, port=9000 + n)) for n, name in enumerate(("mysql", "redis"))]
        answering = [places(one, SOUND, net) for net, one in enumerate(sound, 1)]
        silent = [places(one, HUNG, net) for net, one in enumerate(frozen, 3)]
        crowd = dict(zip(("mysql", "redis"), map(interleaved, answering, silent), strict=True))
        with noting(crowd, netns, PERIOD, file) as daemon:
            time.sleep(SETTLE_SECONDS)
            for one in frozen:
                one.freeze()
            since = time.monotonic()
            scraped(daemon, SECONDS)
            daemon.stop(30)
        of = {place for those in answering for place in those}
        show("p99 lateness, 1,000 targets of which 200 hang: the others", lateness(file, PERIOD, since, of))


def interleaved(many: list[Place], few: list[Place]) -> list[Place]:
    """Both, the few spread among the many."""
    every = len(many) // len(few)
    return [place for n, one in enumerate(few) for place in (one, *many[n * every : (n + 1) * every])]


@contextlib.contextmanager
def notes() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "asked")


def noting(
    crowd: dict[str, list[Place]], netns: str, period: float, file: Path
) -> contextlib.AbstractContextManager[Daemon]:
    """As ``mooring``, and it writes down when each target was asked."""
    program = (sys.executable, "-P", asked.__file__)
    return mooring(crowd, netns, period=period, timeout=1.0, program=program, env={asked.FILE: str(file)})


def lateness(file: Path, period: float, since: float, of: set[Place]) -> list[float]:
    """Milliseconds, of each probe of these places that began after that monotonic second."""
    phases: dict[Place, list[float]] = {}
    for line in file.read_text().splitlines():
        address, port, started = line.split()
        if (address, int(port)) in of and float(started) >= since:
            phases.setdefault((address, int(port)), []).append(float(started))
    missing = of - phases.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} targets were never asked")
    return [MILLI * late for times in phases.values() for late in behind(times, period)]


def behind(times: list[float], period: float) -> list[float]:
    """By how much each is later than the most punctual one of them; turns that were left out count as so much later."""
    shifts = [at - number * period for number, at in enumerate(times)]
    return [shift - min(shifts) for shift in shifts]


def show(figure: str, late: list[float]) -> None:
    kinds = (("median", 0.5), ("p99.9", 0.999), ("worst", 1.0))
    parts = ", ".join(f"{name} {quantile(late, part):.1f} ms" for name, part in kinds)
    tell(figure, "<= 100 ms", f"{quantile(late, 0.99):.1f} ms", f"{len(late)} probes: {parts}")


def main() -> None:
    told = dict(enumerate(sys.argv[1:]))
    what, hosts = told.get(0, "held"), int(told.get(1, MANY))
    {"held": held, "many": lambda: many(hosts), "late": lambda: late(hosts), "hung": hung}[what]()


if __name__ == "__main__":
    main()
