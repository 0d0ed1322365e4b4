"""What is allowed, and seldom meant."""

from __future__ import annotations

import pytest

from mooring.config import AddressPolicy, parse


def warnings(service: str) -> list[str]:
    text = f"version: 1\nservices:\n  - {{name: a, {service}}}\n"
    found = parse(text.encode(), "f", AddressPolicy()).warnings
    return [warning.removeprefix("f:3:") for warning in found]


REDIS = "check: {redis: {}}"


@pytest.mark.parametrize(
    "service",
    [
        "ports: [{port: 6379}], hosts: [10.20.0.11, {address: 10.20.0.12, probePort: 6379}], check: {redis: {}}",
        "ports: [{port: 3306}], hosts: [10.20.0.11], check: {mysql: {user: u}}",
        "ports: [{port: 7000}], hosts: [10.20.0.11], check: {tcp: {}}",
        "hosts: [10.20.0.11, {address: 10.20.0.12, probePort: 16379}], check: {redis: {}}",
        "ports: [{name: b, port: 2}, {name: a, port: 1}], hosts: [{address: 10.0.0.1, probePort: 1}], check: {tcp: {}}",
        "ports: [{port: 1}], hosts: [{address: 10.20.0.11, probeAddress: 127.0.0.1}], check: {tcp: {}}",
    ],
)
def test_a_usual_file_has_no_warnings(service: str) -> None:
    """Also a port of which only the cluster knows whether it is the published one."""
    assert warnings(service) == []


@pytest.mark.parametrize(
    ("service", "port"),
    [
        ("ports: [{port: 3306}], hosts: [10.20.0.11], check: {tcp: {}}", 3306),
        ("ports: [{port: 33060}], hosts: [10.20.0.11], check: {tcp: {}}", 33060),
        ("hosts: [10.20.0.11, {address: 10.20.0.12, probePort: 3306}], check: {tcp: {}}", 3306),
    ],
)
def test_a_tcp_check_of_mysql_costs_the_server_a_warning_a_probe(service: str, port: int) -> None:
    """And some servers block an address that makes many such connects."""
    (warning,) = warnings(service)
    assert f"services[0].check.tcp: asks port {port}, which is MySQL's: " in warning
    assert warning.endswith("use `mysql`")


def test_a_host_that_is_probed_at_another_port_than_is_published() -> None:
    """What passes at the one may fail at the other."""
    (warning,) = warnings(f"ports: [{{port: 6379}}], hosts: [{{address: 10.20.0.11, probePort: 16379}}], {REDIS}")
    message = "16379 is probed, and 6379 published: what passes here may fail there"
    assert warning == f"79: services[0].hosts[0].probePort: {message}"


def test_a_sentinel_must_call_a_host_by_a_port_that_is_known() -> None:
    """Behind a mapping of ports, it may name neither."""
    check = "check: {redis: {role: primary, sentinel: {name: main, hosts: [10.20.0.31]}}}"
    found = warnings(f"ports: [{{port: 6379}}], hosts: [{{address: 10.20.0.11, probePort: 16379}}], {check}")
    assert len(found) == 2
    assert "the Sentinels must name this host by 10.20.0.11 and port 6379 or 16379; " in found[1]
    assert "`SENTINEL get-master-addr-by-name main` shows what they say" in found[1]
