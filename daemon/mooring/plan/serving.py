"""Whether a Service can be served, and with which ports."""

from __future__ import annotations

from mooring.model.objects import PublishTarget, Refusal, ServiceFacts, ServicePort, family
from mooring.model.spec import Port, ServiceKey

RESERVED = ServiceKey("default", "kubernetes")


def serving(key: ServiceKey, listed: tuple[Port, ...], facts: ServiceFacts | None) -> PublishTarget | Refusal:
    """The ports and families to publish, or why Mooring refuses the Service.

    ``listed`` are the ports of the file, with the port numbers of the database. Without them the target ports of the
    Service give these numbers.
    """
    if facts is None:
        return Refusal("there is no such Service; create it without a selector")
    if why := _why_not_ours(key, facts):
        return Refusal(why)
    ports = _ports_of_file(listed, facts.ports) if listed else _ports_of_service(facts.ports)
    if isinstance(ports, str):
        return Refusal(ports)
    return PublishTarget(ports, facts.families, facts.drain, pause=facts.pause, trust=facts.trust, mirrored=True)


def of_family(address: str, families: tuple[str, ...]) -> bool:
    """Whether the Service has the family of the address."""
    return family(address) in families


def _why_not_ours(key: ServiceKey, facts: ServiceFacts) -> str | None:
    if key == RESERVED:
        return "this is the API server's own Service; choose another"
    if facts.type == "ExternalName":
        return "the Service is of type ExternalName, which has no Endpoints; make it a ClusterIP Service"
    if facts.selector:
        return "the Service has a selector, so Kubernetes keeps its Endpoints; remove the selector"
    if facts.owner:
        return f"the Service belongs to {facts.owner}, which manages its Endpoints; use a Service of your own"
    return None


def _ports_of_file(listed: tuple[Port, ...], own: tuple[ServicePort, ...]) -> tuple[Port, ...] | str:
    """The ports of the file. Their names must be those of the Service: kube-proxy matches ports by name."""
    names, desired = sorted(port.name for port in listed), sorted(port.name for port in own)
    if names != desired:
        return (
            f"the port names do not match: the file has {_quote_names(names)}, the Service has {_quote_names(desired)}"
        )
    protocols = {port.name: port.protocol for port in own}
    return tuple(Port(port.name, port.port, protocols[port.name]) for port in listed)


def _ports_of_service(own: tuple[ServicePort, ...]) -> tuple[Port, ...] | str:
    if not own:
        return "the Service has no ports; give it one"
    for port in own:
        if isinstance(port.target, str):
            where = f"port {port.name!r}" if port.name else "the port"
            return f"{where} has the targetPort {port.target!r}, a name that only pods have; list ports in the file"
    return tuple(Port(port.name, _number(port), port.protocol) for port in own)


def _quote_names(names: list[str]) -> str:
    return ", ".join(repr(name) if name else "one without a name" for name in names) or "none"


def _number(port: ServicePort) -> int:
    return port.target if isinstance(port.target, int) and port.target else port.port
