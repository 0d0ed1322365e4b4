# ruff: noqa: INP001, S311 -- a program, no package; moments are drawn, no secrets
"""From kill -9 of a database to fresh logins that all succeed, through the Service's ClusterIP on a whole cluster.

    PYTHONPATH=tools .venv/bin/python -m bench.logins [KILLS]

Real MariaDB and Redis servers stand outside the cluster, two of each; kube-proxy, kubelet and all else are real, in
namespaces: this wants root and what tools/bootstrap.sh scenarios and cluster install. Mooring has its defaults.
An application on the node logs in anew every 20 ms; counted is from the kill to the end of the first login after the
last that failed.
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.usage import spread, tell

from kube.daemon import ClusterDaemon
from kube.databases import MYSQL, REDIS, Outside, outside
from kube.full_cluster import Cluster
from kube.login_loop import Steady
from lab import configuration

PERIOD, TIMEOUT = 2.0, 1.0
AFTER_SECONDS = 1.5
QUIET_SECONDS = 2.2
"""Between changes: for a second after one, kube-proxy itself holds back the next (its ``minSyncPeriod``)."""


def serve(out: Outside, namespace: str) -> str:
    """Makes the Service, and returns its address."""
    made = out.cluster.rest.create(f"/api/v1/namespaces/{namespace}/services", out.manifest())
    return str(made["spec"]["clusterIP"])


def until_let_in(logins: Sequence[dict[str, Any]], kill: float, until: float) -> float:
    """Seconds from the kill until logins succeed again, by the logins that began before ``until``; 0: none failed."""
    near = [login for login in logins if kill - TIMEOUT <= login["at"] < until]
    mine = [login for login in near if login["at"] + login["seconds"] > kill]
    failed = [login["at"] for login in mine if login["error"]]
    if not failed:
        return 0.0
    never = {"at": until, "seconds": 0.0}  # at least so long
    first = next((login for login in mine if login["at"] > max(failed)), never)
    return float(first["at"] + first["seconds"] - kill)


def killed(outs: Sequence[Outside], namespace: str, count: int) -> dict[str, list[float]]:
    """The moments of the kills, in monotonic seconds; each protocol's servers in turns."""
    kills: dict[str, list[float]] = {out.kind.protocol: [] for out in outs}
    for turn in range(count):
        for out in outs:
            time.sleep(QUIET_SECONDS + random.uniform(0.0, PERIOD))
            kills[out.kind.protocol].append(time.monotonic())
            out.servers[turn % 2].kill()
        time.sleep(AFTER_SECONDS)
        for out in outs:
            out.servers[turn % 2].start(wait=False)
        for out in outs:
            out.servers[turn % 2].wait()
            out.wait_balanced(namespace, out.addresses)
    return kills


def measure(count: int) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        outs = stack.enter_context(outside(cluster, place, MYSQL, REDIS))
        namespace = stack.enter_context(cluster.namespace())
        at = {out.kind: serve(out, namespace) for out in outs}
        text = configuration.file(
            *(out.service(out.addresses, namespace=namespace) for out in outs), period=PERIOD, timeout=TIMEOUT
        )
        stack.enter_context(ClusterDaemon(text, cluster))
        for out in outs:
            out.wait_balanced(namespace, out.addresses)
        with contextlib.ExitStack() as applications:
            steady = {out.kind.protocol: applications.enter_context(Steady(out, at[out.kind])) for out in outs}
            kills = killed(outs, namespace, count)
        return {
            name: [until_let_in(steady[name].logins, kill, kill + AFTER_SECONDS) for kill in moments]
            for name, moments in kills.items()
        }


def main() -> None:
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    for protocol, seconds in found.items():
        milli = [1000 * one for one in seconds]
        detail = f"n = {len(milli)}; {sum(one == 0 for one in milli)} without a login that failed"
        tell(f"kill -9 to logins by ClusterIP, {protocol}, ms", "<= 300, worst <= 500", spread(milli, ".0f"), detail)


if __name__ == "__main__":
    main()
