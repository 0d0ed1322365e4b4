"""The table of a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mooring.observe import table

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
UP: dict[str, Any] = {
    "name": "cache1",
    "address": "10.20.0.21",
    "verdict": "ready",
    "published": "ready",
    "reason": "ok",
    "message": "",
    "since": "2026-01-02T03:00:00.000Z",
    "consecutive": 0,
    "threshold": 3,
    "latencySeconds": 0.0042,
    "role": None,
    "lagSeconds": None,
    "maintenance": False,
}
DOWN = {
    **UP,
    "verdict": "not-ready",
    "published": "not-ready",
    "reason": "refused",
    "message": "connection refused at 10.20.0.22:6379",
}
LONG_NAME = "db-eu-central-1{}-prod-01.internal.example.com"
LONG: dict[str, Any] = {
    "namespace": "team-payments-production",
    "name": "customer-orders-production-primary",
    "hosts": [
        {**UP, "name": LONG_NAME.format("a"), "address": "2001:db8:1234:5678:9abc:def0:1234:5678"},
        {**DOWN, "name": LONG_NAME.format("b"), "address": "10.20.0.12"},
        {**UP, "name": LONG_NAME.format("c"), "reason": "auth", "message": "1045: Access denied for user 'mooring'"},
    ],
}


def drawn(services: list[Any], width: int, height: int = 24) -> list[str]:
    """The lines that a terminal of this size shows."""
    return [line.text for line in table.Screen((), services, table.WATCHED, NOW).lines(width, height)]


def test_a_service_is_named_once_with_its_count_and_trouble_comes_first() -> None:
    """A host that is well needs no reason; one that is out has its own."""
    service = {"namespace": "default", "name": "sessions", "hosts": [UP, {**DOWN, "name": "cache2"}]}
    assert drawn([service], 100) == [
        "default/sessions  1 of 2 ready",
        "  cache2  10.20.0.21  not-ready  4m5s  refused: connection refused at 10.20.0.22:6379",
        "  cache1  10.20.0.21  ready  4m5s",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_state_and_reason_of_each_host_can_be_read_with_long_names(width: int) -> None:
    """No line is wider than the terminal, so nothing is cut by it."""
    shown = drawn([LONG], width)
    assert all(len(line) <= width for line in shown)
    assert shown[0].endswith("  2 of 3 ready")
    text = " ".join(" ".join(shown).split())
    assert "not-ready" in text
    assert "refused: connection refused at 10.20.0.22:6379" in text
    assert "ready, unchecked" in text
    assert all(sum(f"db-eu-central-1{zone}" in line for line in shown) == 1 for zone in "abc")
    assert all(host["address"] in text for host in LONG["hosts"])
    assert "auth: 1045: Access denied for user 'mooring'" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_of_fifty_hosts_on_24_lines_the_failing_ones_are_shown(width: int) -> None:
    """The well ones are counted where they do not fit."""
    hosts = [{**(UP if number < 45 else DOWN), "name": f"cache{number}"} for number in range(50)]
    shown = drawn([{"namespace": "default", "name": "sessions", "hosts": hosts}], width)
    assert len(shown) <= 23
    assert shown[0] == "default/sessions  45 of 50 ready"
    assert all(any(f"cache{number} " in line and "not-ready" in line for line in shown) for number in range(45, 50))
    well = sum("  ready" in line for line in shown)
    assert shown[-1] == f"  … and {45 - well} more ready"
