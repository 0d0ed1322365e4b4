"""A file without problems as the frozen values that travel."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any, cast

from mooring.config.hosts import canonical
from mooring.config.models import CheckTimes, FileBlock, HostBlock, PortBlock, ServiceBlock
from mooring.decide.addresses import parse
from mooring.protocols.options import Options
from mooring.protocols.registry import PROTOCOLS
from mooring.reasons import Reason
from mooring.spec import (
    Adopt,
    Check,
    HostSpec,
    OnSplitBrain,
    Port,
    Publish,
    Role,
    ServiceKey,
    ServiceSpec,
    Thresholds,
    WhenAllFail,
    WhenSaturated,
)

_DEFAULT_TIMEOUT = 1.0
_DEFAULT_LOGIN_PERIODS, _LEAST_DEFAULT_LOGIN = 5.0, 10.0


def services(file: FileBlock) -> tuple[ServiceSpec, ...]:
    """The Services in the order of the file; those that can share a probe of a host have the same question."""
    found = tuple(_service(service) for service in file.services)
    asking = {_probed(spec) for spec in found if spec.check.requirement.role is not Role.ANY}
    return tuple(_sharing(spec) if asking and _probed(spec) in asking else spec for spec in found)


def _probed(spec: ServiceSpec) -> Hashable:
    """What is equal where a Service that asks for no role can take part in the probes of one that does."""
    check = spec.check
    return check.protocol, check.timeout, cast("Options", check.options).question(facts=True)


def _sharing(spec: ServiceSpec) -> ServiceSpec:
    options = cast("Options", spec.check.options).question(facts=True)
    return replace(spec, check=replace(spec.check, options=options))


def _service(block: ServiceBlock) -> ServiceSpec:
    return ServiceSpec(
        key=ServiceKey(block.namespace, block.name),
        hosts=tuple(_host(host) for host in block.hosts),
        check=_check(block.check),
        ports=tuple(_port(port) for port in block.ports or ()),
        adopt=Adopt(block.adopt),
        when_all_fail=WhenAllFail(block.when_all_fail),
        publish=Publish(block.publish),
        last_resort=frozenset(Reason(reason) for reason in block.last_resort or ()),
        min_ready=block.min_ready,
        on_split_brain=OnSplitBrain(block.on_split_brain),
        kill_users=tuple(block.kill_users or ()),
    )


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
    )


def _check(block: CheckTimes) -> Check:
    protocol, options = _protocol(block)
    period = float(block.period_seconds)
    timeout = min(_DEFAULT_TIMEOUT, period) if block.timeout_seconds is None else float(block.timeout_seconds)
    login = max(_DEFAULT_LOGIN_PERIODS * period, _LEAST_DEFAULT_LOGIN)
    return Check(
        protocol=protocol,
        options=options.question(),
        period=period,
        timeout=timeout,
        thresholds=Thresholds(block.success_threshold, block.failure_threshold),
        expect=options.expected_answer(),
        edge=float(block.edge_seconds),
        login=login if block.login_seconds is None else float(block.login_seconds),
        when_saturated=WhenSaturated(block.when_saturated),
        requirement=options.requirement(),
        electors=options.electors(),
    )


def _protocol(block: Any) -> tuple[str, Options]:
    """The one protocol of a check and its options; the rules have made sure that there is one."""
    return next((name, options) for name in PROTOCOLS if (options := getattr(block, name)) is not None)
