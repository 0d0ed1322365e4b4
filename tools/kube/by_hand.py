"""A cluster to work with by hand: ``make cluster`` and ``make cluster-down``.

python -m kube.by_hand up      starts it in the background, and prints how to use it
python -m kube.by_hand down    ends it
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from kube import build, kubectl, machine
from kube.full_cluster import Cluster
from lab import leftovers
from lab.waiting import wait_until

_HOSTS = 3
_SHELL = """\
A cluster is up; `make cluster-down` ends it.
  kubeconfig  {kubeconfig}
  enter       nsenter --net=/run/netns/{netns} env KUBECONFIG={kubeconfig} PATH={programs}:$PATH bash
              (there, `kubectl get nodes` works, and Services have their addresses)
  hosts       {hosts} (network namespaces for databases)
  logs        {directory}/*.log
"""


def _note() -> Path:
    """Where the cluster that is up is written down."""
    return build.directory().parents[1] / "by-hand.json"


def _running() -> dict[str, Any] | None:
    """What is known of the cluster that is up; None where none is."""
    try:
        found: dict[str, Any] = json.loads(_note().read_text())
    except (OSError, ValueError):
        return None
    return None if leftovers.orphaned(found["owner"]) else found


def _facts(cluster: Cluster) -> dict[str, Any]:
    hosts = [cluster.host(number) for number in range(1, _HOSTS + 1)]
    return {
        "owner": leftovers.tag(),
        "pid": os.getpid(),
        "kubeconfig": str(cluster.kubeconfig),
        "netns": cluster.netns,
        "programs": f"{kubectl.PROGRAM.parent}:{build.helm_directory()}",
        "directory": str(cluster.directory),
        "hosts": ", ".join(f"{host.netns} {host.address}" for host in hosts),
    }


def hold() -> None:
    """The process that owns the cluster: it stays until somebody ends it, and takes the cluster along."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Cluster() as cluster:
        _note().write_text(json.dumps(_facts(cluster)))
        try:
            signal.pause()
        finally:
            _note().unlink()


def up() -> dict[str, Any]:
    """Starts a cluster unless one is up; returns what is known of it.

    Raises:
        RuntimeError: it did not start; the message says why.
    """
    if os.geteuid() != 0:
        raise RuntimeError("a cluster needs root: it makes network namespaces")
    if absent := machine.missing():
        raise RuntimeError(f"not installed: {', '.join(absent)}")
    leftovers.sweep()
    if found := _running():
        return found
    with (_note().parent / "by-hand.log").open("w") as output:
        owner = subprocess.Popen(
            [sys.executable, "-m", "kube.by_hand", "hold"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    wait_until(lambda: _running() or owner.poll() is not None, 120, "the cluster to be up", every=0.1)
    if found := _running():
        return found
    raise RuntimeError(f"the cluster did not start:\n{Path(output.name).read_text()}")


def down() -> None:
    """Ends the cluster that is up; returns when nothing of it is left."""
    if found := _running():
        os.kill(found["pid"], signal.SIGTERM)
        wait_until(lambda: leftovers.orphaned(found["owner"]), 60, "the cluster to end")
    leftovers.sweep()


def main(verb: str = "") -> None:
    if verb == "up":
        sys.stdout.write(_SHELL.format(**up()))
    elif verb == "down":
        down()
    elif verb == "hold":
        hold()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
