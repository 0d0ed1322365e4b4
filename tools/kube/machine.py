"""What a machine must have for the test cluster, found out without starting anything."""

from __future__ import annotations

import os
from pathlib import Path

from kube import build, kubectl
from lab.process import command

CNI = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
_COMMANDS = ("runc", "ip", "nft", "unshare", "nsenter", "mount")


def assets() -> Path | None:
    """The folder of ready-made programs for the API alone, by the convention of Kubernetes' envtest."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(named) if named else None


def _not_built(*names: str) -> list[str]:
    absent = [name for name in build.missing() if not names or name in names]
    return [f"{' '.join(absent)} (tools/bootstrap.sh cluster builds them)"] if absent else []


def _kubectl() -> list[str]:
    return [] if kubectl.PROGRAM.exists() else ["kubectl (make sets up an environment that has it)"]


def missing_for_api() -> list[str]:
    """What this machine lacks for etcd and an API server."""
    ready = assets()
    if ready:
        return [str(ready / name) for name in ("etcd", "kube-apiserver") if not (ready / name).exists()] + _kubectl()
    return _not_built("k8s") + _kubectl()


def missing() -> list[str]:
    """What this machine lacks for a whole cluster, besides root."""
    absent = [name for name in _COMMANDS if command(name) is None]
    if not any((place / "bridge").exists() for place in CNI):
        absent.append("CNI's plugins (containernetworking-plugins)")
    return absent + _not_built() + _kubectl()
