"""Frozen values for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mooring.model.objects import StoredEndpoints, Subset
from mooring.model.probes import Observation, Report
from mooring.model.reasons import Reason
from mooring.model.spec import Check, HostSpec, Port, ServiceKey, ServiceSpec, Thresholds
from mooring.model.targets import Member, Target
from mooring.protocols.tcp.options import TcpOptions

KEY = ServiceKey("default", "mysql-external")
PORTS = (Port("mysql", 3306),)
THRESHOLDS = Thresholds(success=2, failure=3)


def target(address: str = "10.20.0.11", *, port: int = 3306, timeout: float = 1.0) -> Target:
    return Target("tcp", address, port, timeout, TcpOptions())


def member(address: str = "10.20.0.11", *, service: ServiceKey = KEY, maintenance: bool = False) -> Member:
    listed = HostSpec(address, address, maintenance=maintenance)
    return Member(service, address, target(address), spec(address).check, listed)


def with_check(of: Member, **fields: Any) -> Member:
    """The member with these fields of its check changed."""
    return replace(of, check=replace(of.check, **fields))


def with_host(of: Member, **fields: Any) -> Member:
    """The member with these fields of its host changed."""
    return replace(of, host=replace(of.host, **fields))


def spec(*addresses: str, key: ServiceKey = KEY, period: float = 2.0, timeout: float = 1.0) -> ServiceSpec:
    check = Check("tcp", TcpOptions(), period, timeout, THRESHOLDS)
    return ServiceSpec(key, tuple(HostSpec(address, address) for address in addresses), check, PORTS)


def stored(ready: tuple[str, ...] = (), not_ready: tuple[str, ...] = (), *, managed: bool = True) -> StoredEndpoints:
    subsets = (Subset(ready, not_ready, PORTS),) if ready or not_ready else ()
    return StoredEndpoints(KEY, "1", managed, subsets)


def report(of: Target, reason: Reason = Reason.OK, *, started: float = 0.0, witness: bool = False) -> Report:
    return Report(of, Observation(reason), started, started + 0.01, 1_700_000_000.0 + started, witness)
