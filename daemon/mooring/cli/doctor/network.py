"""The group ``network``: Mooring's pods, the policies beside them, and all that is probed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mooring.cli.doctor.egress import Place, Policy, findings
from mooring.cli.doctor.finding import Finding, NotLookedAt
from mooring.cli.doctor.probing import with_ports
from mooring.cli.doctor.subject import Subject
from mooring.cli.through_api import leader, pod_of
from mooring.cluster.client import Api
from mooring.cluster.status import Missing
from mooring.judge.members import members
from mooring.model.errors import Rejected, Unavailable
from mooring.model.spec import ServiceSpec


def look(on: Subject) -> list[Finding]:
    """Raises NotLookedAt, ClusterError."""
    api = on.api
    if on.lease is None:
        raise NotLookedAt("without --leader-elect nobody knows Mooring's pods")
    namespace, _ = on.lease
    labels = _labels(api, *on.lease)
    try:
        found = api.get(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies")
        policies: list[Policy] = found["items"] or []
        places = [one for spec in on.config.services for one in _places(on, spec)]
        return findings(namespace, labels, policies, places)
    except Rejected as error:
        raise NotLookedAt(str(error)) from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unavailable("what answers is no API server: it sends objects of another shape") from error


def _labels(api: Api, namespace: str, name: str) -> Mapping[str, str]:
    """Of the pod that leads: all of an installation have the same. Raises NotLookedAt: there is none."""
    try:
        pod = pod_of(api, namespace, leader(api, namespace, name))
        found: Mapping[str, str] = pod["metadata"].get("labels") or {}
    except (Missing, Rejected, Unavailable) as error:
        raise NotLookedAt(f"nobody knows Mooring's pods: {error}") from None
    return found


def _places(on: Subject, spec: ServiceSpec) -> Iterator[Place]:
    """The hosts of the Service, and its Sentinels."""
    placed = with_ports(spec, on.snapshots.get(spec.key))
    if placed is not None:
        for member in members(placed, on.names, on.settings.allowed_cidrs).members:
            yield Place(member.host.name, member.target.address, member.target.port)
    if spec.check.quorum is not None:
        for address, port in spec.check.quorum.hosts:
            yield Place("a Sentinel", address, port)
