"""Tables for people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mooring.observe import table

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
UP = {
    "name": "db1",
    "address": "10.20.0.11",
    "verdict": "ready",
    "published": "ready",
    "reason": "ok",
    "message": "",
    "since": "2026-01-02T03:00:00.000+00:00",
    "consecutive": 2,
    "threshold": 3,
    "latencySeconds": 0.00042,
    "role": "replica",
    "lagSeconds": 1.5,
    "maintenance": False,
}
NEW = {
    **UP,
    "name": "db2",
    "address": "10.20.0.12",
    "verdict": "never-judged",
    "published": "not-ready",
    "reason": None,
    "since": None,
    "consecutive": 0,
    "latencySeconds": None,
    "role": None,
    "lagSeconds": None,
    "message": "[red]" + "x" * 300,
}
AUTH = {**NEW, "name": "db3", "address": "10.20.0.13", "reason": "auth", "message": "Access denied"}
RESTING = {**UP, "name": "db4", "address": "10.20.0.14", "maintenance": True, "published": "not-ready"}
DRAINED = {**RESTING, "maintenanceSource": "annotation"}
SERVICE = {"namespace": "default", "name": "mysql-external", "error": None, "hosts": [UP, NEW, AUTH, RESTING]}


def test_a_piped_table_has_one_whole_row_a_host(capsys: pytest.CaptureFixture[str]) -> None:
    """For grep and awk: a header, then one line a host, nothing cut, no trailing blanks, no markup."""
    table.show(table.hosts([SERVICE], table.WATCHED, NOW))
    header, up, new, auth, resting = capsys.readouterr().out.splitlines()
    titles = "SERVICE HOST ADDRESS STATE PUBLISHED ROLE LAG STREAK SINCE LATENCY REASON MESSAGE"
    assert " ".join(header.split()) == titles
    assert " ".join(up.split()) == "default/mysql-external db1 10.20.0.11 ready ready replica 1.5s 2/3 4m5s 0.4ms ok"
    assert new.split()[3:] == ["never-judged", "not-ready", *"------", "[red]" + "x" * 300]
    assert auth.split()[3] == "unknown"
    assert resting.split()[3] == "maintenance"
    assert all(line == line.rstrip() for line in (header, up, new, auth, resting))


def test_a_drained_host_is_told_from_one_that_rests_by_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever looks for the cause knows where to look."""
    table.show(table.hosts([{**SERVICE, "hosts": [RESTING, DRAINED]}], table.WATCHED, NOW))
    _, resting, drained = capsys.readouterr().out.splitlines()
    assert " maintenance  " in resting
    assert " maintenance (annotation) " in drained


def test_the_table_of_a_check_has_no_history(capsys: pytest.CaptureFixture[str]) -> None:
    """`check` knows one probe, so it shows no streak and nothing published."""
    table.show(table.hosts([SERVICE], table.CHECKED, NOW))
    header = capsys.readouterr().out.splitlines()[0]
    assert " ".join(header.split()) == "SERVICE HOST ADDRESS STATE ROLE LAG REASON LATENCY MESSAGE"


@pytest.mark.parametrize(
    ("role", "lag", "shown"),
    [
        (None, None, "- -"),
        ("primary", None, "primary -"),
        ("replica", 0.0, "replica 0s"),
        ("replica", 0.04, "replica 0s"),
        ("replica", 1.25, "replica 1.2s"),
        ("replica", 86400.0, "replica 86400s"),
        ("ONLINE, SECONDARY", None, "ONLINE, SECONDARY -"),
        ("[red]", None, "[red] -"),
    ],
)
def test_role_and_lag_are_shown_where_they_are_known(
    role: str | None, lag: float | None, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lag in seconds; a host that was not asked, or said nothing, has a dash."""
    for columns in (table.CHECKED, table.WATCHED):
        host = {**UP, "role": role, "lagSeconds": lag}
        table.show(table.hosts([{**SERVICE, "hosts": [host]}], columns, NOW))
        assert f" {shown} " in " ".join(capsys.readouterr().out.splitlines()[1].split())


def test_what_hinders_a_service_stands_below(capsys: pytest.CaptureFixture[str]) -> None:
    """A refused Service says so under the table."""
    table.show(table.hosts([{**SERVICE, "error": "lists [10.20.0.99]"}], table.WATCHED, NOW))
    assert "default/mysql-external: lists [10.20.0.99]" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.9, "0s"), (59, "59s"), (60, "1m0s"), (3599, "59m59s"), (3600, "1h0m"), (90061, "1d1h")],
)
def test_ages_read_as_kubectl_writes_them(seconds: float, text: str) -> None:
    """Two units at most, the larger first."""
    assert table.age(seconds) == text
