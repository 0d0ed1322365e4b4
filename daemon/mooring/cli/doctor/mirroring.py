"""The group ``mirroring``: whether traffic follows what is published. Pure."""

from __future__ import annotations

from mooring.cli.doctor.finding import Finding
from mooring.cluster.manifest import UNMIRRORED
from mooring.cluster.slice_manifest import KEEPER, SERVICE
from mooring.model.objects import MIRROR, DesiredObjects, Refusal, ServiceFacts, StoredObjects
from mooring.model.spec import ServiceSpec
from mooring.plan.serving import serving
from mooring.plan.traffic_warning import TrafficWarning, WarningKind, find_warning

WHY = "kube-proxy reads EndpointSlices alone: what these do not say does not reach the traffic"


def warning(spec: ServiceSpec, service: ServiceFacts | None, stored: StoredObjects) -> TrafficWarning | None:
    """What is in the way of the traffic; it compares the stored Endpoints with the slices mirrored from it."""
    if isinstance(serving(spec.key, spec.ports, service), Refusal):
        return None
    subsets = stored.endpoints.subsets if stored.endpoints else ()
    found = find_warning(stored, DesiredObjects(spec.publish, subsets))
    before_mooring = found is not None and found.kind is WarningKind.STILL_MIRRORED and not stored.own
    return None if before_mooring else found


def finding(spec: ServiceSpec, found: TrafficWarning) -> Finding:
    return Finding(f"{spec.key}: {found.why}", WHY, _mend(spec, found.kind))


def _mend(spec: ServiceSpec, kind: WarningKind) -> str:
    of, name = f"kubectl -n {spec.key.namespace}", spec.key.name
    if kind is WarningKind.NOT_MIRRORED:
        return f"set publish: endpointSlices, or: {of} label endpoints {name} {UNMIRRORED}-"
    mirrored = f",{KEEPER}={MIRROR}" if kind is WarningKind.STILL_MIRRORED else ""
    return f"{of} get endpointslices -l {SERVICE}={name}{mirrored}\n{of} delete endpointslice NAME"
