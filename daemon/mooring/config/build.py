"""Builds the frozen values of ``model.spec`` from a valid file."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

from mooring.config.damping import FlapBlock
from mooring.config.hosts import canonical
from mooring.config.models import CheckTimes, FileBlock, HostBlock, PortBlock, ServiceBlock
from mooring.model.addresses import parse
from mooring.model.damping import FlapRule
from mooring.model.spec import (
    LOGIN_SECONDS,
    Check,
    HostSpec,
    Port,
    Role,
    ServiceKey,
    ServiceSpec,
    Thresholds,
)
from mooring.protocols.options import Options
from mooring.protocols.registry import PROTOCOLS

_DEFAULT_TIMEOUT = 1.0
_LOGIN_PERIODS = 5.0


def services(file: FileBlock) -> tuple[ServiceSpec, ...]:
    """The Services in the order of the file. Services that can share a probe of a host get the same question."""
    found = tuple(_service(service) for service in file.services)
    asking = {_sharing_key(spec) for spec in found if spec.check.requirement.role is not Role.ANY}
    return tuple(_with_facts(spec) if asking and _sharing_key(spec) in asking else spec for spec in found)


def _sharing_key(spec: ServiceSpec) -> Hashable:
    """Equal for two Services that one probe can serve, if both ask for the facts of roles."""
    check = spec.check
    return check.protocol, check.timeout, check.options.question(facts=True)


def _with_facts(spec: ServiceSpec) -> ServiceSpec:
    options = spec.check.options.question(facts=True)
    return replace(spec, check=replace(spec.check, options=options))


def _service(block: ServiceBlock) -> ServiceSpec:
    return ServiceSpec(
        key=ServiceKey(block.namespace, block.name),
        hosts=tuple(_host(host) for host in block.hosts),
        check=_check(block.check),
        ports=tuple(_port(port) for port in block.ports or ()),
        adopt=block.adopt,
        when_all_fail=block.when_all_fail,
        publish=block.publish,
        last_resort=frozenset(block.last_resort or ()),
        observers=block.observers is not None,
        min_ready=block.min_ready,
        on_split_brain=block.on_split_brain,
        kill_users=tuple(block.kill_users or ()),
        flap=_flap(block.flap),
        keep_on_silence=block.keep_on_silence,
    )


def _flap(block: FlapBlock | None) -> FlapRule | None:
    if block is None:
        return None
    within, hold, most = (float(one) for one in (block.within_seconds, block.hold_seconds, block.max_hold_seconds))
    return FlapRule(block.transitions, within, hold, most)


def _port(block: PortBlock) -> Port:
    return Port(block.name or "", block.port)


def _host(block: HostBlock) -> HostSpec:
    probe_address = block.probe_address
    first, *others = block.addresses or [block.address or ""]
    return HostSpec(
        name=block.name or canonical(first),
        address=str(parse(first) or first.lower()),
        probe_address=canonical(probe_address) if probe_address else None,
        probe_port=block.probe_port,
        maintenance=block.maintenance,
        also=tuple(canonical(other) for other in others),
        zone=block.zone or "",
        backup=block.backup,
        server_name=block.server_name or "",
    )


def _check(block: CheckTimes) -> Check:
    protocol, options = _protocol(block)
    period = float(block.period_seconds)
    timeout = min(_DEFAULT_TIMEOUT, period) if block.timeout_seconds is None else float(block.timeout_seconds)
    login = max(_LOGIN_PERIODS * period, LOGIN_SECONDS)
    return Check(
        protocol=protocol,
        options=options.question(),
        period=period,
        timeout=timeout,
        thresholds=Thresholds(block.success_threshold, block.failure_threshold),
        expect=options.expected_answer(),
        edge=float(block.edge_seconds),
        login=login if block.login_seconds is None else float(block.login_seconds),
        login_is_default=block.login_seconds is None,
        when_saturated=block.when_saturated,
        requirement=options.requirement(),
        quorum=options.quorum(),
    )


def _protocol(block: Any) -> tuple[str, Options]:
    """The protocol of a check and its options; the rules guarantee exactly one."""
    return next((name, options) for name in PROTOCOLS if (options := getattr(block, name)) is not None)
