"""Whether a Service can be served, and with which ports."""

from __future__ import annotations

from mooring.decide.plan import Refusal
from mooring.model import ServiceFacts, ServicePort, Serving
from mooring.spec import Port, ServiceKey

RESERVED = ServiceKey("default", "kubernetes")


def serving(key: ServiceKey, listed: tuple[Port, ...], facts: ServiceFacts | None) -> Serving | Refusal:
    """The ports and families to publish, or why the Service is refused.

    ``listed`` are the file's ports, which give the database's numbers; without them the Service's own targets do.
    """
    if facts is None:
        return Refusal("there is no such Service; create it without a selector")
    if why := _not_ours(key, facts):
        return Refusal(why)
    ports = _listed(listed, facts.ports) if listed else _own(facts.ports)
    return Refusal(ports) if isinstance(ports, str) else Serving(ports, facts.families, facts.drain, mirrored=True)


def of_family(address: str, families: tuple[str, ...]) -> bool:
    """The Service can use such an address."""
    return ("IPv6" if ":" in address else "IPv4") in families


def _not_ours(key: ServiceKey, facts: ServiceFacts) -> str | None:
    if key == RESERVED:
        return "this is the API server's own Service; choose another"
    if facts.type == "ExternalName":
        return "the Service is of type ExternalName, which has no Endpoints; make it a ClusterIP Service"
    if facts.selector:
        return "the Service has a selector, so Kubernetes keeps its Endpoints; remove the selector"
    if facts.owner:
        return f"the Service belongs to {facts.owner}, which manages its Endpoints; use a Service of your own"
    return None


def _listed(listed: tuple[Port, ...], own: tuple[ServicePort, ...]) -> tuple[Port, ...] | str:
    """kube-proxy joins a Service's port and an Endpoints' port by their names, so these must be the same."""
    names, wanted = sorted(port.name for port in listed), sorted(port.name for port in own)
    if names != wanted:
        return f"the port names do not match: the file has {_named(names)}, the Service has {_named(wanted)}"
    protocols = {port.name: port.protocol for port in own}
    return tuple(Port(port.name, port.port, protocols[port.name]) for port in listed)


def _own(own: tuple[ServicePort, ...]) -> tuple[Port, ...] | str:
    if not own:
        return "the Service has no ports; give it one"
    for port in own:
        if isinstance(port.target, str):
            where = f"port {port.name!r}" if port.name else "the port"
            return f"{where} has the targetPort {port.target!r}, a name that only pods have; list ports in the file"
    return tuple(Port(port.name, _number(port), port.protocol) for port in own)


def _named(names: list[str]) -> str:
    return ", ".join(repr(name) if name else "one without a name" for name in names) or "none"


def _number(port: ServicePort) -> int:
    return port.target if isinstance(port.target, int) and port.target else port.port
