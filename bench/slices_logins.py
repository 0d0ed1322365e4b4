# ruff: noqa: INP001, S311 -- a program, no package; moments are drawn, no secrets
"""From kill -9 of a Redis to fresh logins that all succeed, through the ClusterIP, by each mode of ``publish``.

    PYTHONPATH=tools .venv/bin/python -m bench.slices_logins [KILLS]

As ``bench.logins`` does it, over three Services at once in one cluster, each with two servers of its own, killed in
turns: what the one mode meets of the machine, the others meet, too.
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.logins import AFTER_SECONDS, PERIOD, QUIET_SECONDS, TIMEOUT, serve, until_let_in
from bench.usage import spread, tell

from kube.daemon import ClusterDaemon
from kube.databases import PASSWORD, Kind, Outside
from kube.full_cluster import Cluster
from kube.login_loop import Steady
from lab import configuration
from lab.process import start_all
from lab.servers import Redis

MODES = ("endpoints", "endpointSlices", "both")
Outs = Mapping[str, Outside]


@contextlib.contextmanager
def servers(cluster: Cluster, directory: Path) -> Iterator[Outs]:
    """Of each mode two, on hosts of their own."""
    with contextlib.ExitStack() as undo:
        found = {}
        for number, mode in enumerate(MODES):
            hosts = [cluster.host(2 * number + 1), cluster.host(2 * number + 2)]
            mine = [Redis(netns=host.netns, address=host.address, password=PASSWORD) for host in hosts]
            for server in mine:
                undo.callback(server.close)
            kind = Kind("redis", mode.lower(), 6400, 6379, "default", "default")
            found[mode] = Outside(cluster, kind, mine, directory)
            found[mode].secret.write_text(f"{PASSWORD}\n")
            start_all(*mine)
        yield found


def killed(outs: Outs, namespace: str, count: int) -> dict[str, list[float]]:
    """The moments of the kills, in monotonic seconds; each turn has every mode once, in an order of its own."""
    kills: dict[str, list[float]] = {mode: [] for mode in outs}
    for turn in range(count):
        for mode in random.sample(MODES, len(MODES)):
            time.sleep(QUIET_SECONDS + random.uniform(0.0, PERIOD))
            kills[mode].append(time.monotonic())
            outs[mode].servers[turn % 2].kill()
        time.sleep(AFTER_SECONDS)
        _revived(list(outs.values()), namespace)
    return kills


def _revived(outs: Sequence[Outside], namespace: str) -> None:
    for out in outs:
        out.revive()
    for out in outs:
        out.wait_balanced(namespace, out.addresses)


def measure(count: int) -> dict[str, list[float]]:
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster())
        outs = stack.enter_context(servers(cluster, Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        namespace = stack.enter_context(cluster.namespace())
        at = {mode: serve(out, namespace) for mode, out in outs.items()}
        entries = [out.service(out.addresses, namespace=namespace, publish=mode) for mode, out in outs.items()]
        stack.enter_context(ClusterDaemon(configuration.file(*entries, period=PERIOD, timeout=TIMEOUT), cluster))
        _revived(list(outs.values()), namespace)
        with contextlib.ExitStack() as applications:
            steady = {mode: applications.enter_context(Steady(out, at[mode])) for mode, out in outs.items()}
            kills = killed(outs, namespace, count)
        return {
            mode: [until_let_in(steady[mode].logins, kill, kill + AFTER_SECONDS) for kill in moments]
            for mode, moments in kills.items()
        }


def main() -> None:
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    for mode, seconds in found.items():
        milli = [1000 * one for one in seconds]
        aim = "not slower than by endpoints" if mode != MODES[0] else "none of its own"
        detail = f"n = {len(milli)}; {sum(one == 0 for one in milli)} without a login that failed"
        tell(f"kill -9 to logins by ClusterIP, publish {mode}, ms", aim, spread(milli, ".0f"), detail)


if __name__ == "__main__":
    main()
