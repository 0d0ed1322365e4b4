"""Expands short forms and merges ``defaults`` into each Service, for the rules and models.

Nodes keep their places, so that a message shows the line in which the value stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from mooring.config.node import Node, child_path
from mooring.protocols.registry import PROTOCOLS

_NOTHING: Mapping[str, Node] = MappingProxyType({})


def merge_defaults(root: Node) -> Node:
    """The whole tree with complete Services. A value of the wrong shape stays as it is: the models refuse it."""
    services, defaults = root.get("services"), root.get("defaults", "check")
    if services is None:
        return root
    base = _expand_protocols(defaults) if defaults else None
    complete = tuple(_service(service, base) for service in services.items)
    return root.with_fields(services=replace(services, value=complete)) if complete else root


def protocols(check: Node) -> tuple[str, ...]:
    """The protocols whose blocks a check holds."""
    return tuple(name for name in PROTOCOLS if name in check.fields)


def _service(service: Node, defaults: Node | None) -> Node:
    if not service.is_mapping:
        return service
    changed = {}
    if hosts := service.get("hosts"):
        changed["hosts"] = _hosts(hosts)
    own = service.get("check") or _absent(service, "check")
    if own.is_mapping:
        changed["check"] = _check(_expand_protocols(own), defaults)
    return service.with_fields(**changed)


def _absent(parent: Node, key: str) -> Node:
    return Node(_NOTHING, parent.at, child_path(parent.path, key), parent.at)


def _expand_protocols(check: Node) -> Node:
    """Makes an empty block of a protocol without a value: ``tcp:`` means all defaults."""
    empty = {name: node for name in PROTOCOLS if (node := check.get(name)) and node.value is None}
    return check.with_fields(**{name: replace(node, value=_NOTHING) for name, node in empty.items()})


def _check(own: Node, defaults: Node | None) -> Node:
    if defaults is None:
        return own
    named = protocols(own)
    inherited = {
        key: node for key, node in defaults.fields.items() if key not in PROTOCOLS or key in named or not named
    }
    return _merge(own, replace(defaults, value=inherited))


def _merge(own: Node, base: Node) -> Node:
    """Merges two mappings, also inside each other. Where both hold a key, the value of ``own`` wins."""
    both = dict(base.fields)
    for key, node in own.fields.items():
        under = both.get(key)
        both[key] = _merge(node, under) if under and under.is_mapping and node.is_mapping else node
    return replace(own, value=MappingProxyType(both))


def _hosts(hosts: Node) -> Node:
    if not hosts.items:
        return hosts
    return replace(hosts, value=tuple(_host(host) for host in hosts.items))


def _host(host: Node) -> Node:
    if not isinstance(host.value, str):
        return host
    return replace(host, value=MappingProxyType({"address": host}))
