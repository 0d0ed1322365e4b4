"""The group ``services``: what Mooring refuses to publish, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mooring.cli.doctor.finding import Finding, Level
from mooring.model.addresses import parse
from mooring.model.moments import rfc3339
from mooring.model.objects import DesiredObjects, PublishTarget, Refusal, ServiceFacts, StoredEndpoints, StoredObjects
from mooring.model.spec import HostSpec, Publish, ServiceKey, ServiceSpec
from mooring.plan.serving import of_family, serving
from mooring.plan.writes import needed_writes
from mooring.protocols.registry import PROTOCOLS

REFUSED = "Mooring leaves the objects of this Service as they are, and no host of it is taken in or out"
OF_SELECTOR = "kubernetes.io/service-name={},endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io"
Names = Mapping[str, tuple[str, ...]]


def findings(
    spec: ServiceSpec, service: ServiceFacts | None, stored: StoredObjects, names: Names, now: float
) -> list[Finding]:
    """``names``: the addresses of the DNS names of the file; ``now`` in Unix seconds."""
    allowed = serving(spec.key, spec.ports, service)
    if isinstance(allowed, Refusal):
        return [Finding(f"{spec.key}: {allowed.why}", REFUSED, _mend(spec, service))]
    if stored.endpoints and (refused := _adoption(spec, stored.endpoints, names)):
        shown = f"kubectl -n {spec.key.namespace} get endpoints {spec.key.name} -o yaml"
        mend = f"change the file as said; what is stored: {shown}"
        return [Finding(f"{spec.key}: the Endpoints {refused.why}", REFUSED, mend)]
    return [*_kept_by(spec, stored.endpoints), *_paused(spec.key, allowed, now), *_other_families(spec, allowed)]


def _adoption(spec: ServiceSpec, endpoints: StoredEndpoints, names: Names) -> Refusal | None:
    """Why Mooring does not take over an object that somebody made by hand. A name without an address may hold any."""
    if any(not _addresses(host, names) for host in spec.hosts):
        return None
    listed = frozenset(address for host in spec.hosts for address in _addresses(host, names))
    as_it_is = DesiredObjects(spec.publish, endpoints.subsets)
    found = needed_writes(spec, listed, StoredObjects(endpoints), as_it_is, mirrored=True)
    return found if isinstance(found, Refusal) else None


def _addresses(host: HostSpec, names: Names) -> tuple[str, ...]:
    found = (host.address,) if parse(host.address) else names.get(host.address, ())
    return (*found, *host.also)


def _mend(spec: ServiceSpec, service: ServiceFacts | None) -> str:
    of, name = f"kubectl -n {spec.key.namespace}", spec.key.name
    if service is None:
        return f"kubectl apply -f - <<'END'\n{_manifest(spec)}END"
    if service.selector:
        path = '[{"op": "remove", "path": "/spec/selector"}]'
        patch = f"{of} patch service {name} --type=json -p '{path}'"
        return f"{patch}\n{of} delete endpointslices -l {OF_SELECTOR.format(name)}"
    return f"{of} edit service {name}"


def _manifest(spec: ServiceSpec) -> str:
    """A Service without a selector, with the ports of the file, else that of the protocol."""
    default = PROTOCOLS[spec.check.protocol].options.default_port
    ports = [(port.name, port.port) for port in spec.ports] or [("", default or 80)]
    written = ", ".join(f"{{{f'name: {name}, ' * bool(name)}port: {port}}}" for name, port in ports)
    metadata = f"metadata: {{name: {spec.key.name}, namespace: {spec.key.namespace}}}"
    return f"apiVersion: v1\nkind: Service\n{metadata}\nspec: {{ports: [{written}]}}\n"


def _kept_by(spec: ServiceSpec, endpoints: StoredEndpoints | None) -> Iterator[Finding]:
    if endpoints and endpoints.kept_by and spec.publish is not Publish.SLICES:
        what = f"{spec.key}: {endpoints.kept_by} keeps its Endpoints, too"
        why = "each sync puts back what stands there, a dead host as well, until Mooring repairs it"
        yield Finding(what, why, "take the Endpoints out of those manifests", Level.WARNING)


def _paused(key: ServiceKey, allowed: PublishTarget, now: float) -> Iterator[Finding]:
    pause = allowed.pause
    if pause and (pause.until is None or pause.until > now):
        until = f"until {rfc3339(pause.until)}" if pause.until else "without an end"
        what = f"{key}: is paused {until}, by {pause.by or 'somebody'}: {pause.reason or 'no reason given'}"
        why = "nothing is written meanwhile: a host that dies stays published"
        yield Finding(what, why, f"mooring resume {key}", Level.WARNING)


def _other_families(spec: ServiceSpec, allowed: PublishTarget) -> Iterator[Finding]:
    listed = [address for host in spec.hosts for address in (host.address, *host.also) if parse(address)]
    if others := [address for address in listed if not of_family(address, allowed.families)]:
        what = f"{spec.key}: {', '.join(others)} is of a family that the Service does not have"
        mend = f"kubectl -n {spec.key.namespace} patch service {spec.key.name} "
        mend += '-p \'{"spec": {"ipFamilyPolicy": "PreferDualStack"}}\''
        yield Finding(f"{what} ({', '.join(allowed.families)})", "Mooring leaves it out", mend, Level.WARNING)
