"""The Services that a record is judged by: as they were recorded, and as another file has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mooring.cli.replay.record import Fields, RecordedService
from mooring.model.damping import NO_FLOOR, FlapRule, Floor
from mooring.model.errors import ConfigError
from mooring.model.spec import (
    NOTHING_MORE,
    Check,
    HostSpec,
    Port,
    Role,
    ServiceKey,
    ServiceSpec,
    Thresholds,
    WhenAllFail,
    WhenSaturated,
)
from mooring.protocols.tcp.options import TcpOptions

NOT_REPLAYED = ("protocol", "role", "periodSeconds", "timeoutSeconds")
"""What decides which outcomes there are: a record has those that came."""
_PORTS = (Port("", 1),)
_KEPT = re.compile(r"(\d{1,4})%")


def as_recorded(service: RecordedService, file: str) -> ServiceSpec:
    """Raises ConfigError: its settings are none; ``file`` is the name of the record."""
    try:
        return _spec(service, service.settings)
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise ConfigError(f"{file}:{service.line}: settings: are not those of a Service, or incomplete") from None


def as_configured(service: RecordedService, spec: ServiceSpec) -> ServiceSpec:
    """The Service as the file has it, with the hosts of the record; what no outcome shows is left out.

    An outcome has been judged by role, lag and expected answer already.
    """
    listed = {text: host for host in spec.hosts for text in (host.address, host.name)}
    hosts = tuple(_configured(host, listed) for host in _hosts(service))
    check = replace(
        spec.check,
        protocol="tcp",
        options=TcpOptions(),
        period=0.0,
        edge=0.0,
        expect=None,
        requirement=NOTHING_MORE,
        quorum=None,
    )
    flap = None if spec.check.requirement.role is Role.PRIMARY else spec.flap
    return replace(spec, hosts=hosts, check=check, ports=_PORTS, probed=None, observers=False, flap=flap)


def unlisted(service: RecordedService, spec: ServiceSpec) -> tuple[str, ...]:
    """Hosts of the record that the file does not have; they are judged as the others."""
    listed = {text for host in spec.hosts for text in (host.address, host.name)}
    return tuple(one.name for one in service.hosts if listed.isdisjoint((one.name, one.address)))


def _configured(host: HostSpec, listed: Mapping[str, HostSpec]) -> HostSpec:
    found = listed.get(host.name) or listed.get(host.address)
    return replace(host, backup=found.backup, maintenance=found.maintenance) if found else host


def _hosts(service: RecordedService) -> tuple[HostSpec, ...]:
    return tuple(
        HostSpec(one.name, one.address, backup=one.backup, maintenance=one.maintenance) for one in service.hosts
    )


def _spec(service: RecordedService, settings: Fields) -> ServiceSpec:
    namespace, name = service.name.split("/")
    role = Role(settings["role"])
    thresholds = Thresholds(_number(settings, "successThreshold"), _number(settings, "failureThreshold"))
    check = Check(
        "tcp",
        TcpOptions(),
        0.0,
        float(settings["timeoutSeconds"]),
        thresholds,
        edge=0.0,
        when_saturated=WhenSaturated(settings["whenSaturated"]),
    )
    return ServiceSpec(
        ServiceKey(namespace, name),
        _hosts(service),
        check,
        _PORTS,
        when_all_fail=WhenAllFail(settings["whenAllFail"]),
        min_ready=_number(settings, "minReady"),
        flap=None if role is Role.PRIMARY else _optional(settings["flap"], _flap),
        keep_on_silence=_floor(settings["keepOnSilence"]),
    )


def _number(settings: Fields, name: str) -> int:
    value = int(settings[name])
    if not 0 < value <= 1000:  # noqa: PLR2004 -- beyond what any file may say
        raise ValueError
    return value


def _optional(value: Any, make: Callable[[Any], FlapRule]) -> FlapRule | None:
    return None if value is None else make(value)


def _flap(of: Fields) -> FlapRule:
    return FlapRule(
        _number(of, "transitions"), float(of["withinSeconds"]), float(of["holdSeconds"]), float(of["maxHoldSeconds"])
    )


def _floor(value: object) -> Floor:
    if isinstance(value, int):
        return Floor(value) if value else NO_FLOOR
    found = _KEPT.fullmatch(str(value))
    if found is None:
        raise ValueError
    return Floor(int(found[1]), percent=True)
