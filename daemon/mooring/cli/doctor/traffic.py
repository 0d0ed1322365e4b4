"""The group ``traffic``: a login through the ClusterIP of each Service, as applications make it.

A password goes only where every address that traffic may reach is a host of the file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mooring.cli.doctor.finding import Finding, Note, NotLookedAt
from mooring.cli.doctor.identity import WHO
from mooring.cli.doctor.probing import with_ports
from mooring.cli.doctor.reached import Asked, reached
from mooring.cli.doctor.subject import Subject
from mooring.cluster.client import in_pod
from mooring.cluster.service_network import why_another
from mooring.cluster.snapshot import Snapshot
from mooring.judge.members import members
from mooring.model.facts import place
from mooring.model.objects import Condition, Refusal, addresses, family
from mooring.model.probes import Observation
from mooring.model.spec import Port, ServiceSpec
from mooring.model.targets import Member, Target
from mooring.plan.serving import serving
from mooring.protocols.registry import PROTOCOLS

LOGIN_SECONDS = 5.0
"""How long an answer may take at least: the question is who answers, not how soon."""
AGAIN_SECONDS = 3.0
"""What does not fit may be a moment old: it is looked at once more."""
FROM_A_POD = "from here nobody can tell whether a ClusterIP leads into this cluster: {}. In a pod of it: {}"
IN_A_POD = "kubectl -n mooring exec deploy/mooring -- mooring doctor --only traffic"


def look(on: Subject) -> list[Finding | Note]:
    """Raises NotLookedAt, ClusterError."""
    services = [spec for spec in on.config.services if not _unreadable(on, spec)]
    found = on.snapshots
    if not in_pod(on.settings.cluster) and (why := why_another(on.api)):
        raise NotLookedAt(FROM_A_POD.format(why, IN_A_POD))
    seen = {spec: list(_service(on, spec, found[spec.key])) for spec in services}
    again = [spec for spec in services if any(isinstance(one, Finding) for one in seen[spec])]
    if again:
        time.sleep(AGAIN_SECONDS)
        found = on.read([spec.key for spec in again])
        seen |= {spec: list(_service(on, spec, found[spec.key])) for spec in again}
    return [one for spec in services for one in seen[spec]]


def _unreadable(on: Subject, spec: ServiceSpec) -> bool:
    return any(one.startswith(f"{spec.key}: check.") for one in on.unreadable)


def _service(on: Subject, spec: ServiceSpec, found: Snapshot) -> Iterator[Finding | Note]:
    """Other groups report a Service that is refused; one without a ClusterIP has no way through it."""
    service, placed, served = found.service, with_ports(spec, found), serving(spec.key, spec.ports, found.service)
    if service is None or placed is None or isinstance(served, Refusal):
        return
    listed = members(placed, on.names, on.settings.allowed_cidrs).members
    for address in service.cluster_ips:
        effective = [one for one in _effective(found) if family(one) == family(address)]
        hosts = {one: member for member in listed for one in member.addresses if one in effective}
        if why := _why_not(served.ports[0], found, effective, hosts):
            yield Note(f"{spec.key}: no login through {address}: {why}")
        else:
            port = next(one.port for one in service.ports if one.name == served.ports[0].name)
            yield from reached(spec.key, place(address, port), *_ask(address, port, listed, [*hosts.values()]))


def _effective(found: Snapshot) -> list[str]:
    """The addresses that kube-proxy hands connections to."""
    slices = found.stored.slices
    return sorted(addresses(slices, Condition.READY) or addresses(slices, Condition.LAST_RESORT))


def _elsewhere(port: Port, found: Snapshot, effective: Sequence[str], hosts: dict[str, Member]) -> str:
    """Where kube-proxy hands connections to beside the hosts at the port that is published; empty: nowhere else."""
    if others := [one for one in effective if one not in hosts]:
        return f"{', '.join(others)}, which is no host of the file"
    slices = [one.slice for one in found.stored.slices if one.slice.of(Condition.READY, Condition.LAST_RESORT)]
    ports = {one.port for held in slices for one in held.ports if one.name == port.name} - {port.port}
    shown = ", ".join(map(str, sorted(ports)))
    return f"port {shown} of its hosts, and Mooring publishes {port.port}" if ports else ""


def _why_not(port: Port, found: Snapshot, effective: Sequence[str], hosts: dict[str, Member]) -> str:
    """Why no login is made; empty: one can be made. ``port``: the one that is published."""
    if found.stored.hidden:
        return "our account may not read EndpointSlices, so nobody knows where it ends"
    if not effective:
        return "no address is published as ready"
    if others := _elsewhere(port, found, effective, hosts):
        return f"traffic also goes to {others}"
    if any(member.target.port != port.port for member in hosts.values()):
        return "its hosts are probed at another port than they are published with"
    if len({member.target.options for member in hosts.values()}) > 1 or _checks_its_address(next(iter(hosts.values()))):
        return "its hosts prove who they are by names of their own (tls.serverName of the check is one for all)"
    return ""


def _checks_its_address(member: Member) -> bool:
    tls = getattr(member.target.options, "tls", None)
    return tls is not None and tls.mode == "verify-identity" and not tls.server_name


def _ask(
    address: str, port: int, listed: Sequence[Member], published: Sequence[Member]
) -> tuple[Observation, list[Asked], list[Asked]]:
    """What answers there, and each published host, then all others where none of these was it; one after the other."""
    direct = [Asked(member, who(member.target)) for member in published]
    through = who(replace(published[0].target, address=address, port=port))
    if through.answer is None or through.answer in {one.seen.answer for one in direct}:
        return through, direct, []
    others = [one for one in listed if one not in published]
    return through, direct, [Asked(member, who(member.target)) for member in others]


def who(target: Target) -> Observation:
    """One login; ``answer`` is who the server is, None where its protocol does not tell."""
    asking = WHO.get(target.protocol)
    options = asking(target.options) if asking else target.options
    asked = replace(target, options=options, timeout=max(target.timeout, LOGIN_SECONDS))
    seen = PROTOCOLS[target.protocol].client.probe(asked)
    return seen if asking else replace(seen, answer=None)
