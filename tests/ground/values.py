"""Frozen values for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from mooring.model import Member, Observation, Report, Stored, Subset, Target
from mooring.protocols.tcp.options import TcpOptions
from mooring.reasons import Reason
from mooring.spec import Check, HostSpec, Port, ServiceKey, ServiceSpec, Thresholds

KEY = ServiceKey("default", "mysql-external")
PORTS = (Port("mysql", 3306),)
THRESHOLDS = Thresholds(success=2, failure=3)


def target(address: str = "10.20.0.11", *, port: int = 3306, timeout: float = 1.0) -> Target:
    return Target("tcp", address, port, timeout, TcpOptions())


def member(address: str = "10.20.0.11", *, service: ServiceKey = KEY, maintenance: bool = False) -> Member:
    return Member(service, address, address, target(address), 2.0, THRESHOLDS, maintenance=maintenance)


def spec(*addresses: str, key: ServiceKey = KEY, period: float = 2.0, timeout: float = 1.0) -> ServiceSpec:
    check = Check("tcp", TcpOptions(), period, timeout, THRESHOLDS)
    return ServiceSpec(key, tuple(HostSpec(address, address) for address in addresses), check, PORTS)


def stored(ready: tuple[str, ...] = (), not_ready: tuple[str, ...] = (), *, managed: bool = True) -> Stored:
    subsets = (Subset(ready, not_ready, PORTS),) if ready or not_ready else ()
    return Stored(KEY, "1", managed, subsets)


def report(of: Target, reason: Reason = Reason.OK, *, started: float = 0.0, witness: bool = False) -> Report:
    return Report(of, Observation(reason), started, started + 0.01, 1_700_000_000.0 + started, witness)
