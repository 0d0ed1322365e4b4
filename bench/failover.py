# ruff: noqa: INP001, S603, SLF001 -- a script, no package; fixed commands; a switchover cut into its steps
"""Seconds from a flip of the primary to the first fresh login at the new one through the Service's ClusterIP.

    PYTHONPATH=tools .venv/bin/python -m bench.failover [TIMES [PERIOD]]

MariaDB with two replicas and a whole real cluster, in namespaces of this machine. An application logs in anew every
20 ms. Planned: ``read_only`` is set on the old primary and unset on the new one; counted from then. Crash: SIGKILL, the
Service empties, a replica is promoted; counted from the promotion. The aim is a period and 0.3 s.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.usage import spread, tell

from kube import login_loop
from kube.daemon import ClusterDaemon
from kube.full_cluster import Cluster
from kube.versions import Versions
from lab.configuration import file, service
from lab.network import inside
from lab.topologies.replication import Member, Replication
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER

PORT, EVERY = 3306, 0.02
Flip = Callable[[ClusterDaemon, Replication, Member], float]


def planned(_daemon: ClusterDaemon, replication: Replication, new: Member) -> float:
    old = replication.primary
    old.run("SET GLOBAL read_only=1")
    new.catch_up(old)
    new.lead()
    flipped = time.monotonic()
    new.run("SET GLOBAL read_only=0")
    return flipped


def crash(daemon: ClusterDaemon, replication: Replication, new: Member) -> float:
    replication.kill()
    daemon.wait_ready("default/rw", [], timeout=30)
    new.lead()
    flipped = time.monotonic()
    new.run("SET GLOBAL read_only=0")
    return flipped


@contextlib.contextmanager
def logging_in(cluster: Cluster, ip: str) -> Iterator[list[dict[str, Any]]]:
    """Fills the list when it ends."""
    words = ["mysql", ip, str(PORT), APPLICATION, PASSWORD, str(EVERY)]
    pipe, told = subprocess.PIPE, list[dict[str, Any]]()
    with inside(cluster.application.netns):
        process = subprocess.Popen(
            [sys.executable, login_loop.__file__, *words],
            stdin=pipe,
            stdout=pipe,
            text=True,
            env={"PYTHONPATH": "tools"},
        )
    with process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("the application ended before its first login")
        yield told
        told += json.loads(process.communicate(timeout=30)[0])


def once(daemon: ClusterDaemon, replication: Replication, cluster: Cluster, ip: str, flip: Flip) -> float:
    """Afterwards all three replicate again."""
    old, new = replication.primary, replication.replicas[0]
    with logging_in(cluster, ip) as logins:
        flipped = flip(daemon, replication, new)
        daemon.wait_ready("default/rw", [new.address], timeout=30)
        time.sleep(2)
    at = [one["at"] for one in logins if one["server"] == new.address and one["at"] >= flipped]
    if not old.running:
        replication.revive(old)
        replication.primary = new
        replication.rebuild(old)
    replication._gather(new)
    replication.wait_replicating()
    daemon.wait_ready("default/ro", sorted(one.address for one in replication.replicas), timeout=60)
    return float(at[0]) - flipped


def text(replication: Replication, period: float, secret: Path) -> str:
    secret.write_text(PASSWORD)
    login = {"user": PROBER, "passwordFile": str(secret)}
    hosts = [server.address for server in replication.servers]
    roles = {"rw": "primary", "ro": "replica"}
    services = [service(name, "mysql", hosts, block={**login, "role": role}) for name, role in roles.items()]
    return file(*services, period=period, timeout=min(1.0, period))


def main() -> None:
    told = dict(enumerate(sys.argv[1:]))
    times, period = int(told.get(0, "10")), float(told.get(1, "1"))
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        replication = stack.enter_context(Replication([cluster.host(number) for number in (1, 2, 3)]))
        secret = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "password"
        ip = ""
        for name in ("ro", "rw"):
            body = {"metadata": {"name": name}, "spec": {"ports": [{"name": "mysql", "port": PORT}]}}
            ip = cluster.rest.create("/api/v1/namespaces/default/services", body)["spec"]["clusterIP"]
        history = stack.enter_context(Versions(cluster, "default"))
        daemon = stack.enter_context(ClusterDaemon(text(replication, period, secret), cluster))
        daemon.wait_ready("default/rw", [replication.primary.address], timeout=30)
        for name, flip in {"planned switchover": planned, "crash and promotion": crash}.items():
            taken = [once(daemon, replication, cluster, ip, flip) for _ in range(times)]
            aim = f"<= {period + 0.3:g}"
            tell(f"{name} to the first login, period {period:g} s: seconds", aim, spread(taken, ".2f"))
        versions = [json.loads(one.text or "{}").get("subsets") or [] for one in history.of("default/rw")]
        most = max(sum(len(subset.get("addresses") or ()) for subset in one) for one in versions)
        tell("most ready addresses in a stored version of rw", "1", str(most), f"{len(versions)} versions")


if __name__ == "__main__":
    main()
