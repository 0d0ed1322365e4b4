"""A file without problems as the frozen values that travel."""

from __future__ import annotations

from typing import Any

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
    Port,
    Publish,
    ServiceKey,
    ServiceSpec,
    Thresholds,
    WhenAllFail,
    WhenSaturated,
)

_DEFAULT_TIMEOUT = 1.0
_DEFAULT_LOGIN_PERIODS, _LEAST_DEFAULT_LOGIN = 5.0, 10.0


def services(file: FileBlock) -> tuple[ServiceSpec, ...]:
    """The Services in the order of the file."""
    return tuple(_service(service) for service in file.services)


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
        options=options,
        period=period,
        timeout=timeout,
        thresholds=Thresholds(block.success_threshold, block.failure_threshold),
        expect=options.expected_answer(),
        edge=float(block.edge_seconds),
        login=login if block.login_seconds is None else float(block.login_seconds),
        when_saturated=WhenSaturated(block.when_saturated),
    )


def _protocol(block: Any) -> tuple[str, Options]:
    """The one protocol of a check and its options; the rules have made sure that there is one."""
    return next((name, options) for name in PROTOCOLS if (options := getattr(block, name)) is not None)
