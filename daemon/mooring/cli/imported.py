"""What a file must say of a Service that is in the cluster already. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mooring.config.damping import MOST_HOSTS
from mooring.model.addresses import forbidden, sort_key
from mooring.model.objects import Refusal, ServiceFacts, ServicePort, StoredObjects, family
from mooring.model.spec import Port, Publish, ServiceKey
from mooring.plan.plan import several_ports
from mooring.plan.serving import serving
from mooring.protocols.registry import PROTOCOLS

ANY_PROTOCOL = "tcp"
"""Shows that something listens, whatever it speaks."""


@dataclass(frozen=True, slots=True)
class ImportedHost:
    """``address`` is an IP address, or the DNS name by which Mooring knows it; ``maintenance``: it was not ready."""

    address: str
    name: str = ""
    zone: str = ""
    maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """A Service as the file shall have it; ``unknown``: sentences on what the cluster could not say."""

    key: ServiceKey
    hosts: tuple[ImportedHost, ...]
    ports: tuple[Port, ...]
    protocol: str
    publish: Publish
    unknown: tuple[str, ...]


def imported(key: ServiceKey, service: ServiceFacts | None, stored: StoredObjects) -> Imported | Refusal:
    """The Service of the file; or why there can be none."""
    names = tuple(Port(port.name, port.port) for port in service.ports) if service else ()
    allowed = serving(key, names, service)
    if isinstance(allowed, Refusal) or service is None:
        return allowed if isinstance(allowed, Refusal) else Refusal("there is no such Service")
    hosts, left_out = _hosts(stored)
    if not hosts:
        return Refusal("no object of it has an address, so there is no host to write; `mooring init` writes an example")
    ports, doubts = _ports(service, _stored_ports(stored))
    protocol, ports = _probed_first(ports, service.ports)
    notes = (
        *_of_protocol(protocol, ports[0], len(hosts)),
        *doubts,
        *left_out,
        *_of_hosts(hosts),
        *_of_objects(stored),
    )
    return Imported(key, hosts, ports, protocol, _publish(stored), tuple(notes))


def _hosts(stored: StoredObjects) -> tuple[tuple[ImportedHost, ...], list[str]]:
    """Each address once, by number; and a sentence for each that no file may have."""
    ready, not_ready = _addresses(stored)
    ours = bool(stored.own) or bool(stored.endpoints and stored.endpoints.adopted)
    found: dict[str, ImportedHost] = {}
    left_out = []
    for address in sorted(ready | not_ready, key=sort_key):
        if why := forbidden(address, ()):
            left_out.append(f"{address} is left out: it {why}. Mooring adopts the object only with `adopt: replace`")
            continue
        listed = stored.memory.source(address) or address
        out = address not in ready and not ours
        found.setdefault(listed, ImportedHost(listed, _name(stored, address), _zone(stored, address), out))
    return _without_equal_names(found.values()), left_out


def _addresses(stored: StoredObjects) -> tuple[frozenset[str], frozenset[str]]:
    """Those that are ready and those that are not. Slices of somebody else count where nothing else has any."""
    if stored.ready or stored.not_ready:
        return stored.ready, stored.not_ready
    foreign = StoredObjects(slices=stored.foreign)
    every = [(one.address, one.condition) for held in foreign.slices for one in held.slice.endpoints]
    ready = frozenset(address for address, condition in every if condition == "ready")
    return ready, frozenset(address for address, _ in every) - ready


def _name(stored: StoredObjects, address: str) -> str:
    return str(stored.extras.addresses.get(address, {}).get("hostname") or "")


def _zone(stored: StoredObjects, address: str) -> str:
    endpoints = (one for held in stored.slices for one in held.slice.endpoints)
    return next((one.zone for one in endpoints if one.address == address and one.zone), "")


def _without_equal_names(hosts: Iterable[ImportedHost]) -> tuple[ImportedHost, ...]:
    hosts = tuple(hosts)
    names = [host.name for host in hosts]
    return tuple(
        host if names.count(host.name) == 1 else ImportedHost(host.address, "", host.zone, host.maintenance)
        for host in hosts
    )


def _stored_ports(stored: StoredObjects) -> tuple[Port, ...]:
    held = [subset.ports for subset in stored.endpoints.subsets] if stored.endpoints else []
    held += [one.slice.ports for one in (*stored.own, *stored.foreign)]
    return next((ports for ports in held if ports), ())


def _ports(service: ServiceFacts, stored: tuple[Port, ...]) -> tuple[tuple[Port, ...], list[str]]:
    """The Service's ports with the numbers of the hosts, and what is doubtful about them."""
    numbers = {port.name: port.port for port in stored}
    doubts: list[str] = []
    if len(service.ports) == len(stored) == 1 and service.ports[0].name != stored[0].name:
        numbers = {service.ports[0].name: stored[0].port}
        doubts.append(
            f"the Service calls its port {service.ports[0].name!r} and the object calls it {stored[0].name!r}: "
            "kube-proxy sends nothing to a port of another name. Here is the Service's"
        )
    found = []
    for port in service.ports:
        found.append(Port(port.name, numbers.get(port.name) or _target(port), port.protocol))
        if port.name not in numbers and isinstance(port.target, str):
            doubts.append(f"the number of port {port.port} on the hosts: its targetPort is the name {port.target!r}")
    return tuple(found), doubts


def _target(port: ServicePort) -> int:
    return port.target if isinstance(port.target, int) and port.target else port.port


def _probed_first(ports: tuple[Port, ...], own: Iterable[ServicePort]) -> tuple[str, tuple[Port, ...]]:
    """The protocol that a number gives away, else the TCP alone; and the ports with the one that is probed first."""
    known: dict[int | None, str] = {
        number: name for name, protocol in PROTOCOLS.items() if (number := protocol.options.default_port) is not None
    }
    outer = {port.name: port.port for port in own}
    for port in ports:
        for number in (port.port, outer.get(port.name)):
            if port.protocol == "TCP" and (name := known.get(number)):
                return name, (port, *(one for one in ports if one is not port))
    first = next((port for port in ports if port.protocol == "TCP"), ports[0])
    return ANY_PROTOCOL, (first, *(one for one in ports if one is not first))


def _of_protocol(protocol: str, port: Port, hosts: int) -> Iterator[str]:
    if port.protocol != "TCP":
        yield f"how to probe the hosts: Mooring connects by TCP, and port {port.port} is {port.protocol}"
    if protocol == ANY_PROTOCOL:
        yield f"what the hosts speak at port {port.port}: `tcp` shows only that something listens"
        return
    yield f"the protocol: `{protocol}` is a guess by the port"
    yield "the account and the password file: those below are examples, put in your own"
    if hosts > 1:
        yield "whether every host may serve: where only the primary may, add `role: primary`"


def _of_hosts(hosts: tuple[ImportedHost, ...]) -> Iterator[str]:
    if out := [host.address for host in hosts if host.maintenance]:
        yield (
            f"why {', '.join(out)} is not ready: until you remove `maintenance: true`, Mooring does not make it ready, "
            "whatever it answers"
        )
    if {family(host.address) for host in hosts} == {"IPv4", "IPv6"}:
        yield "which addresses are of one machine: list those as `addresses: [IPv4, IPv6]` of one host"
    if len(hosts) > MOST_HOSTS:
        yield f"how to split it: it has {len(hosts)} hosts, and a Service of the file takes {MOST_HOSTS}"


def _of_objects(stored: StoredObjects) -> Iterator[str]:
    endpoints = stored.endpoints
    if endpoints and (refused := several_ports(endpoints)):
        yield f"which ports are meant: the Endpoints {refused.why}"
    if endpoints and endpoints.kept_by:
        yield (
            f"whether the manifest is still applied: {endpoints.kept_by} keeps the Endpoints too. Take them out of "
            "there, or each sync undoes what Mooring writes"
        )
    if stored.hidden:
        yield "what its EndpointSlices say: our account may not read them"
    if foreign := sorted(one.slice.name for one in stored.foreign if one.slice.endpoints):
        yield (
            f"who keeps the EndpointSlices {', '.join(foreign)}: traffic follows them beside Mooring's. Delete them "
            "once Mooring publishes"
        )


def _publish(stored: StoredObjects) -> Publish:
    """Mooring's own slices beside an Endpoints that nobody mirrors are ``both``."""
    if not stored.own:
        return Publish.SLICES if not stored.endpoints and stored.foreign else Publish.ENDPOINTS
    return Publish.BOTH if stored.endpoints and stored.endpoints.skip_mirror else Publish.SLICES
