"""Checks the rules between fields on the merged tree, and so also where other fields are wrong by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from mooring.config.hosts import check_hosts, why_not_probed
from mooring.config.merge import protocols
from mooring.config.models import DEFAULT_NAMESPACE, CheckTimes
from mooring.config.node import Node
from mooring.config.problems import Problems, quoted
from mooring.model.addresses import AddressPolicy
from mooring.model.damping import FLAP
from mooring.protocols.options import ROLES, Needs, Options
from mooring.protocols.protocol import QuorumServers
from mooring.protocols.registry import PROTOCOLS

_KNOWN = ", ".join(PROTOCOLS)
_DEFAULT_PERIOD: float = CheckTimes.model_fields["period_seconds"].default


def check_rules(root: Node, policy: AddressPolicy, problems: Problems, *, ports_required: bool) -> None:
    services = root.get("services")
    if services is None:
        return
    _unique_services(services.items, problems)
    for service in services.items:
        if not service.is_mapping:
            continue
        _ports(service, problems, required=ports_required)
        _last_resort(service, problems)
        _killing(service, problems)
        _flap(service, problems)
        _keep_on_silence(service, problems)
        if hosts := service.get("hosts"):
            check_hosts(hosts, policy, problems)
        if check := service.get("check"):
            _check(check, problems)
            _check_quorum_servers(check, policy, problems)


def _unique_services(services: Iterable[Node], problems: Problems) -> None:
    seen: dict[tuple[str, str], Node] = {}
    for service in services:
        name, namespace = service.string("name"), service.string("namespace")
        if name is None or (namespace is None and service.get("namespace")):
            continue
        key = (namespace or DEFAULT_NAMESPACE, name)
        first = seen.setdefault(key, service)
        if first is not service:
            node = service.fields["name"]
            problems.add(node.at, node.path, f"{quoted('/'.join(key))} is {first.path} already; must be listed once")


def _last_resort(service: Node, problems: Problems) -> None:
    """``lastResort`` needs EndpointSlices: Endpoints have no condition ``serving``."""
    if service.has("lastResort") and service.string("publish") in {None, "endpoints"}:
        node = service.fields["lastResort"]
        message = "needs EndpointSlices; publish must be endpointSlices or both"
        problems.add(node.at, node.path, message)


def _ports(service: Node, problems: Problems, *, required: bool) -> None:
    ports = service.get("ports")
    if ports is None or ports.value is None:
        if required:
            message = "is missing; must be a list of ports, for `--cluster local` has no Service to read them from"
            problems.add(service.at, f"{service.path}.ports", message)
        return
    _unique_in_ports(ports.items, "name", problems)
    _unique_in_ports(ports.items, "port", problems)
    if len(ports.items) > 1:
        for port in ports.items:
            if port.is_mapping and not port.has("name"):
                problems.add(
                    port.at, f"{port.path}.name", "is missing; each port must have a name where there are several"
                )


def _unique_in_ports(ports: Iterable[Node], key: str, problems: Problems) -> None:
    seen: dict[object, Node] = {}
    for port in ports:
        node = port.get(key)
        if node is None or node.value is None or node.is_broken or node.fields or node.items:
            continue
        first = seen.setdefault((type(node.value), node.value), node)
        if first is not node:
            problems.add(node.at, node.path, f"{node.shown()} is {first.path} already; must differ from port to port")


def _check(check: Node, problems: Problems) -> None:
    _timeout(check, problems)
    held = protocols(check)
    if len(held) != 1 and not check.is_broken:
        problems.add(check.at, check.path, _wrong_protocols(check, held))
    for name in held:
        if len(held) == 1:
            _check_required(check.fields[name], PROTOCOLS[name].options, problems)
        _needs(check.fields[name], PROTOCOLS[name].options, problems)


def _wrong_protocols(check: Node, held: tuple[str, ...]) -> str:
    if not held:
        return f"names no protocol; must hold exactly one of {_KNOWN}"
    listed = " and ".join(held)
    if check.fields[held[0]].path.startswith(f"{check.path}."):
        return f"holds {listed}; must hold exactly one of {_KNOWN}"
    return f"names no protocol, and defaults.check holds {listed}; must name one of them, such as `{held[0]}: {{}}`"


def _timeout(check: Node, problems: Problems) -> None:
    timeout, period = check.number("timeoutSeconds"), check.number("periodSeconds")
    if timeout is None or timeout <= 0:
        return
    node, other = check.fields["timeoutSeconds"], check.get("periodSeconds")
    if other is None:
        period, place = _DEFAULT_PERIOD, "the default"
    else:
        place = f"as {other.path} says"
    if period is not None and 0 < period < timeout:
        message = f"must not exceed periodSeconds ({period:g}, {place}), is {node.shown()}"
        problems.add(node.at, node.path, message)


def _check_required(block: Node, options: type[Options], problems: Problems) -> None:
    for field, wanted in options.required.items() if block.is_mapping else ():
        if not block.has(field):
            problems.add(block.at, f"{block.path}.{field}", f"is missing; must be {wanted}")


def _needs(block: Node, options: type[Options], problems: Problems) -> None:
    for rule in options.needs:
        if not block.has(rule.field) or (rule.given and block.string(rule.field) not in rule.given):
            continue
        node = block.fields[rule.field]
        inherited = rule.idle and node.path.startswith("defaults.")
        if not inherited and not _meets(block, rule):
            wrong = f"needs {rule.wanted}" if rule.having else f"{rule.field} without {rule.other}"
            problems.add(node.at, node.path, f"{wrong}; {rule.hint}")
    for name, inner in options.inner.items():
        if held := block.get(name):
            _needs(held, inner, problems)


def _meets(block: Node, rule: Needs) -> bool:
    if not rule.having:
        return block.has(rule.other)
    value = block.string(rule.other) if block.has(rule.other) else "any"
    return value in rule.having or value not in {"any", *ROLES}  # any other value has its message already


def _check_quorum_servers(check: Node, policy: AddressPolicy, problems: Problems) -> None:
    """Mooring asks Sentinels as it probes hosts, so the same addresses are allowed for both."""
    for name in protocols(check):
        if (quorum_servers := PROTOCOLS[name].quorum_servers) and (
            block := check.fields[name].get(quorum_servers.block)
        ):
            _reachable(block.get("hosts"), quorum_servers, policy, problems)


def _reachable(hosts: Node | None, servers: QuorumServers, policy: AddressPolicy, problems: Problems) -> None:
    for node in hosts.items if hosts else ():
        with suppress(ValueError):  # an invalid address has its message already
            why = why_not_probed(servers.endpoint(str(node.value))[0], policy)
            if why is not None:
                problems.add(node.at, node.path, f"{node.value} {why}")


def _killing(service: Node, problems: Problems) -> None:
    """``onDemote`` and ``killUsers`` need each other, and ``role: primary``: only a primary is ever demoted."""
    kills = service.string("onDemote") == "killSessions"
    if kills and not service.has("killUsers"):
        node = service.fields["onDemote"]
        problems.add(node.at, node.path, "killSessions without killUsers; add the users whose sessions are to be ended")
    if service.has("killUsers") and not kills:
        node = service.fields["killUsers"]
        problems.add(node.at, node.path, "killUsers without onDemote; add `onDemote: killSessions`")
    for field in ("onDemote", "onSplitBrain"):
        if service.has(field) and not _has_role_primary(service):
            node = service.fields[field]
            problems.add(node.at, node.path, "needs `role: primary` in the check")


def _flap(service: Node, problems: Problems) -> None:
    """``holdSeconds`` may not exceed ``maxHoldSeconds``; either may be the default."""
    flap = service.get("flap")
    hold, most = (flap.number("holdSeconds"), flap.number("maxHoldSeconds")) if flap else (None, None)
    if flap and hold is not None and hold > (FLAP.most if most is None else most):
        node, other = flap.fields["holdSeconds"], f"{FLAP.most:g}, the default" if most is None else f"{most:g}"
        problems.add(node.at, node.path, f"must not exceed maxHoldSeconds ({other}), is {node.shown()}")
    elif flap and hold is None and most is not None and most < FLAP.hold:
        node = flap.fields["maxHoldSeconds"]
        message = f"must be at least holdSeconds ({FLAP.hold:g}, the default), is {node.shown()}"
        problems.add(node.at, node.path, message)


def _keep_on_silence(service: Node, problems: Problems) -> None:
    """A primary that is silent must leave: its successor cannot serve beside it."""
    if service.has("keepOnSilence") and _has_role_primary(service):
        node = service.fields["keepOnSilence"]
        problems.add(node.at, node.path, "must not stand beside `role: primary`, which publishes one host; remove it")


def _has_role_primary(service: Node) -> bool:
    check = service.get("check")
    blocks = [check.fields[name] for name in protocols(check)] if check else []
    return any(block.string("role") == "primary" for block in blocks)
