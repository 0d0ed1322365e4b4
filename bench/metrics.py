# ruff: noqa: INP001 -- a script, no package
"""CPU of metrics: a scrape over HTTP at so many hosts, and what counting adds to each probe.

    PYTHONPATH=tools .venv/bin/python bench/metrics.py [HOSTS]

CPU is that of the whole process, its client included, at the median of the scrapes; the client reads and does not
parse. A collector of prometheus-client's own, one labelled counter and one histogram, is measured beside.
"""

from __future__ import annotations

import statistics
import sys
import time
import urllib.request
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from lab.health_stores import service, store_of
from lab.values import report
from mooring.judge.store import HealthStore
from mooring.model.probes import Report
from mooring.model.reasons import Reason
from mooring.observe.http import Server
from mooring.observe.metrics import Metrics

SCRAPES = 30
PROBES = 200_000


def store(hosts: int) -> HealthStore:
    return store_of(service(*(f"10.20.{n // 250}.{n % 250 + 1}" for n in range(hosts))))


def scraped(metrics: Metrics) -> tuple[float, int]:
    """CPU seconds of one scrape, and the bytes of its answer."""
    server = Server(
        ("127.0.0.1", 0), HealthStore(), alive=lambda: None, ready=lambda: None, status=dict, metrics=metrics.page
    )
    server.start()
    used, size = [], 0
    for _ in range(SCRAPES):
        before = time.process_time()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
            size = len(answer.read())
        used.append(time.process_time() - before)
    server.stop()
    return statistics.median(used), size


def each(count: Callable[[Report], None], reports: list[Report]) -> float:
    """CPU seconds that counting adds to a probe."""
    before = time.process_time()
    for number in range(PROBES):
        count(reports[number % len(reports)])
    return (time.process_time() - before) / PROBES


def by_the_library() -> Callable[[Report], None]:
    registry = CollectorRegistry()
    words = ("namespace", "service", "host", "address", "outcome", "reason")
    probes = Counter("probes", "probes", words, registry=registry)
    durations = Histogram("probe_seconds", "durations", ("protocol",), registry=registry)

    def count(made: Report) -> None:
        address = made.target.address
        probes.labels("default", "mysql-external", address, address, "success", made.observation.reason.value).inc()
        durations.labels(made.target.protocol).observe(made.ended - made.started)

    return count


def main() -> None:
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    held = store(hosts)
    metrics = Metrics(held, dict, time.time(), lambda: True)
    metrics.track()
    targets = list(held.targets())
    reports = [report(target, reason) for reason in (Reason.OK, Reason.TIMEOUT) for target in targets]
    for made in reports:
        held.take([made])
    ours, theirs = each(lambda one: metrics.probed([one]), reports), each(by_the_library(), reports)
    seconds, size = scraped(metrics)
    sys.stdout.write(f"hosts {hosts}\n")
    sys.stdout.write(f"scrape               {1000 * seconds:8.1f} ms CPU, {size} bytes\n")
    sys.stdout.write(f"counting a probe     {1e6 * ours:8.2f} us CPU\n")
    sys.stdout.write(f"by prometheus-client {1e6 * theirs:8.2f} us CPU\n")


if __name__ == "__main__":
    main()
