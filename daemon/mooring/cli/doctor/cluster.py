"""The group ``cluster``: whether an API server answers us, and which."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.cli.doctor.finding import Finding
from mooring.cluster.client import Api
from mooring.cluster.version import too_old
from mooring.model.errors import ClusterError

SILENT = "Mooring reads and writes through the API server: while it is away, nothing that is published changes"


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """``no_login``: why there are no credentials. ``silent``: why nothing answers. ``too_old``: why not this one."""

    no_login: str = ""
    silent: str = ""
    too_old: str = ""


def findings(facts: ClusterFacts) -> list[Finding]:
    if facts.no_login:
        return [Finding(facts.no_login, SILENT, "kubectl config get-contexts shows what a kubeconfig has")]
    if facts.silent:
        mend = (
            "see that `kubectl version` answers from here; in a pod, that no network policy cuts off port 443 or 6443"
        )
        return [Finding(facts.silent, SILENT, mend)]
    if facts.too_old:
        return [Finding(facts.too_old, "Mooring refuses every Service there", "upgrade the cluster")]
    return []


def cluster_facts(api: Api) -> ClusterFacts:
    try:
        return ClusterFacts(too_old=too_old(api) or "")
    except ClusterError as error:
        return ClusterFacts(silent=str(error))
