"""The rules between fields, checked on the merged tree and so also beside fields that are wrong by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from mooring.config.hosts import check_hosts, unprobed
from mooring.config.merge import protocols
from mooring.config.models import DEFAULT_NAMESPACE, CheckTimes
from mooring.config.node import Node
from mooring.config.problems import Problems, quoted
from mooring.decide.addresses import AddressPolicy
from mooring.protocols.options import ROLES, Needs, Options
from mooring.protocols.redis.options import endpoint
from mooring.protocols.registry import PROTOCOLS

_KNOWN = ", ".join(PROTOCOLS)
_DEFAULT_PERIOD: float = CheckTimes.model_fields["period_seconds"].default


def check_rules(root: Node, policy: AddressPolicy, problems: Problems, *, ports_required: bool) -> None:
    services = root.get("services")
    if services is None:
        return
    _once(services.items, problems)
    for service in services.items:
        if not service.is_mapping:
            continue
        _ports(service, problems, required=ports_required)
        _last_resort(service, problems)
        _killing(service, problems)
        if hosts := service.get("hosts"):
            check_hosts(hosts, policy, problems)
        if check := service.get("check"):
            _check(check, problems)
            _sentinels(check, policy, problems)


def _once(services: Iterable[Node], problems: Problems) -> None:
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
    """An Endpoints has no words for it."""
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
    _unique(ports.items, "name", problems)
    _unique(ports.items, "port", problems)
    if len(ports.items) > 1:
        for port in ports.items:
            if port.is_mapping and not port.has("name"):
                problems.add(
                    port.at, f"{port.path}.name", "is missing; each port must have a name where there are several"
                )


def _unique(ports: Iterable[Node], key: str, problems: Problems) -> None:
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
        problems.add(check.at, check.path, _not_one(check, held))
    for name in held:
        _needs(check.fields[name], PROTOCOLS[name].options, problems)


def _not_one(check: Node, held: tuple[str, ...]) -> str:
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


def _needs(block: Node, options: type[Options], problems: Problems) -> None:
    for rule in options.needs:
        if not block.has(rule.field) or (rule.given and block.string(rule.field) not in rule.given):
            continue
        node = block.fields[rule.field]
        inherited = rule.idle and node.path.startswith("defaults.")
        if not inherited and not _meets(block, rule):
            told = f"needs {rule.wanted}" if rule.having else f"{rule.field} without {rule.other}"
            problems.add(node.at, node.path, f"{told}; {rule.hint}")
    for name, inner in options.inner.items():
        if held := block.get(name):
            _needs(held, inner, problems)


def _meets(block: Node, rule: Needs) -> bool:
    if not rule.having:
        return block.has(rule.other)
    word = block.string(rule.other) if block.has(rule.other) else "any"
    return word in rule.having or word not in {"any", *ROLES}  # another word is told as wrong already


def _sentinels(check: Node, policy: AddressPolicy, problems: Problems) -> None:
    """They are asked like hosts: what cannot be probed cannot be asked."""
    blocks = [check.fields[name].get("sentinel") for name in protocols(check)]
    listed = [block.get("hosts") for block in blocks if block is not None]
    for node in [node for hosts in listed if hosts is not None for node in hosts.items]:
        with suppress(ValueError):  # what is no address is told already
            why = unprobed(endpoint(str(node.value))[0], policy)
            if why is not None:
                problems.add(node.at, node.path, f"{node.value} {why}")


def _killing(service: Node, problems: Problems) -> None:
    """Whose sessions, and what becomes of a host when: both must be said, and only a primary is ever demoted."""
    kills = service.string("onDemote") == "killSessions"
    if kills and not service.has("killUsers"):
        node = service.fields["onDemote"]
        problems.add(node.at, node.path, "killSessions without killUsers; add the users whose sessions are to be ended")
    if service.has("killUsers") and not kills:
        node = service.fields["killUsers"]
        problems.add(node.at, node.path, "killUsers without onDemote; say `onDemote: killSessions`")
    for field in ("onDemote", "onSplitBrain"):
        if service.has(field) and not _of_primaries(service):
            node = service.fields[field]
            problems.add(node.at, node.path, "needs `role: primary` in the check")


def _of_primaries(service: Node) -> bool:
    check = service.get("check")
    blocks = [check.fields[name] for name in protocols(check)] if check else []
    return any(block.string("role") == "primary" for block in blocks)
