"""A good file as values: each default, each short form, each canonical spelling."""

from __future__ import annotations

from typing import Any

import pytest

from mooring.config import AddressPolicy, parse
from mooring.model.damping import FlapRule
from mooring.model.spec import Adopt, Check, HostSpec, Port, ServiceKey, ServiceSpec, Thresholds, WhenAllFail
from mooring.protocols.mysql.options import MysqlOptions
from mooring.protocols.options import Options
from mooring.protocols.redis.options import RedisOptions
from mooring.protocols.tcp.options import TcpOptions


def service(text: str, defaults: str = "{}", head: str = "name: db, hosts: [10.20.0.11]") -> ServiceSpec:
    data = f"version: 1\ndefaults: {{check: {defaults}}}\nservices: [{{{head}, {text}}}]\n"
    return parse(data.encode(), "f", AddressPolicy()).services[0]


def host(text: str) -> HostSpec:
    return service("check: {tcp: {}}", head=f"name: db, hosts: [{text}]").hosts[0]


def test_what_is_not_written_has_its_default() -> None:
    """The least file: a name, a host and a protocol."""
    assert service("check: {tcp: {}}") == ServiceSpec(
        key=ServiceKey("default", "db"),
        hosts=(HostSpec("10.20.0.11", "10.20.0.11"),),
        check=Check("tcp", TcpOptions(), period=2.0, timeout=1.0, thresholds=Thresholds(success=2, failure=3)),
        flap=FlapRule(transitions=4, within=600.0, hold=30.0, most=600.0),
    )


def test_a_host_that_flaps_is_held_as_the_file_says() -> None:
    """Field by field, or not at all: `off`, or null as for any optional default."""
    given = "flap: {transitions: 2, withinSeconds: 60, holdSeconds: 5, maxHoldSeconds: 40}"
    assert service(f"{given}, check: {{tcp: {{}}}}").flap == FlapRule(2, 60.0, 5.0, 40.0)
    assert service("flap: {holdSeconds: 5}, check: {tcp: {}}").flap == FlapRule(hold=5.0)
    assert service("flap: off, check: {tcp: {}}").flap is None
    assert service("flap: null, check: {tcp: {}}").flap is None


def test_every_field_arrives() -> None:
    """What is written is what is used."""
    text = (
        "namespace: prod, publish: endpoints, adopt: replace, whenAllFail: keepLast, ports: [{name: a, port: 1}, "
        "{name: b, port: 65535}], check: {periodSeconds: 0.25, timeoutSeconds: 0.1, successThreshold: 1, "
        "failureThreshold: 100, mysql: {user: u, passwordFile: /p, query: SELECT 1, expect: '1', tls: {caFile: /ca}}}"
    )
    spec = service(text)
    assert (spec.key, spec.adopt, spec.when_all_fail) == (
        ServiceKey("prod", "db"),
        Adopt.REPLACE,
        WhenAllFail.KEEP_LAST,
    )
    assert spec.ports == (Port("a", 1), Port("b", 65535))
    check = spec.check
    assert (check.protocol, check.period, check.timeout, check.expect) == ("mysql", 0.25, 0.1, "1")
    assert check.thresholds == Thresholds(success=1, failure=100)
    assert isinstance(check.options, MysqlOptions)
    assert check.options.files() == ("/p", "/ca")


HOSTS: dict[str, tuple[str, HostSpec]] = {
    "short": ("10.20.0.11", HostSpec("10.20.0.11", "10.20.0.11")),
    "block": ("{address: 10.20.0.11}", HostSpec("10.20.0.11", "10.20.0.11")),
    "short IPv6": ("'FD00:20:0::1'", HostSpec("fd00:20::1", "fd00:20::1")),
    "name": ("{address: 10.20.0.12, name: db2, maintenance: true}", HostSpec("db2", "10.20.0.12", maintenance=True)),
    "DNS": ("DB3.Example.com", HostSpec("db3.example.com", "db3.example.com")),
    "absolute DNS": ("db3.example.com.", HostSpec("db3.example.com", "db3.example.com.")),
    "probe": (
        "{address: 10.20.0.14, probeAddress: 'FD00::0E', probePort: 3307}",
        HostSpec("10.20.0.14", "10.20.0.14", "fd00::e", 3307),
    ),
    "nothing but null": (
        "{address: 10.20.0.11, name: null, probeAddress: ~, probePort: }",
        HostSpec("10.20.0.11", "10.20.0.11"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), HOSTS.values(), ids=HOSTS)
def test_a_host_is_what_its_entry_says(text: str, expected: HostSpec) -> None:
    """Addresses are canonical, and name the host where it has no name."""
    assert host(text) == expected


@pytest.mark.parametrize(
    ("times", "period", "timeout"),
    [
        ("", 2.0, 1.0),
        ("periodSeconds: 1, ", 1.0, 1.0),
        ("periodSeconds: 0.25, ", 0.25, 0.25),
        ("periodSeconds: 3600, ", 3600.0, 1.0),
        ("timeoutSeconds: 2, ", 2.0, 2.0),
        ("periodSeconds: 5, timeoutSeconds: 5, ", 5.0, 5.0),
        ("periodSeconds: 0.5, timeoutSeconds: null, ", 0.5, 0.5),
    ],
)
def test_a_timeout_is_a_second_or_the_shorter_period(times: str, period: float, timeout: float) -> None:
    """Without a timeout a short period bounds the probe."""
    check = service(f"check: {{{times}tcp: {{}}}}").check
    assert (check.period, check.timeout) == (period, timeout)


@pytest.mark.parametrize(
    ("defaults", "check", "protocol", "options"),
    [
        ("{redis: {key: k}, mysql: {}}", "{redis: {}}", "redis", {"key": "k"}),
        ("{redis: {key: k}}", "{periodSeconds: 1}", "redis", {"key": "k"}),
        ("{redis: {key: k}, mysql: {}}", "{tcp: }", "tcp", {}),
        ("{}", "{redis: {role: any}}", "redis", {}),
        ("{redis: {user: u}}", "{redis: {passwordFile: /p}}", "redis", {"user": "u", "passwordFile": "/p"}),
        ("{redis: {user: u}}", "{redis: {user: null}}", "redis", {}),
    ],
)
def test_a_check_has_one_protocol(defaults: str, check: str, protocol: str, options: dict[str, Any]) -> None:
    """The Service's own block over the same block of the defaults, and no other."""
    made = service(f"check: {check}", defaults).check
    types: dict[str, type[Options]] = {"redis": RedisOptions, "tcp": TcpOptions}
    assert (made.protocol, made.options) == (protocol, types[protocol].model_validate(options))


def test_a_maintenance_key_must_be_absent() -> None:
    """Redis' own question has a known answer: 0 keys exist."""
    assert service("check: {redis: {key: maintenance}}").check.expect == "0"


def test_a_service_without_ports_waits_for_the_clusters() -> None:
    """In a cluster the ports may be read from the Service."""
    assert service("check: {tcp: {}}, ports: null").ports == ()
