"""Tables for people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mooring.observe import grouped, table, terminal

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
UP = {
    "name": "db1",
    "address": "10.20.0.11",
    "verdict": "ready",
    "published": "ready",
    "reason": "ok",
    "message": "",
    "since": "2026-01-02T03:00:00.000Z",
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
    terminal.show(table.Screen((), [SERVICE], table.WATCHED, NOW))
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
    terminal.show(table.Screen((), [{**SERVICE, "hosts": [RESTING, DRAINED]}], table.WATCHED, NOW))
    _, resting, drained = capsys.readouterr().out.splitlines()
    assert " maintenance  " in resting
    assert " maintenance (annotation) " in drained


def test_a_drained_host_says_who_wants_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Until when, and why, as far as the annotation has it; before what the host itself says."""
    entry = {"until": "2026-01-02T12:00:00.000Z", "by": "ada", "reason": "moves [the] disk"}
    whole = {**DRAINED, "drain": entry, "message": "said"}
    plain = {**DRAINED, "drain": {"until": None, "by": "", "reason": ""}, "message": ""}
    terminal.show(table.Screen((), [{**SERVICE, "hosts": [whole, plain]}], table.WATCHED, NOW))
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("drained by ada until 2026-01-02 12:00 UTC (moves [the] disk); said")
    assert second.endswith(" drained")


def test_a_verdict_that_is_held_back_says_why_and_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    """A host that answers and stays out is no riddle."""
    held = {**UP, "verdict": "not-ready", "held": {"by": "flap", "until": "2026-01-02T10:20:00.000Z"}}
    unknown = {**UP, "message": "said", "held": {"by": "a newer rule", "until": None}}
    terminal.show(table.Screen((), [{**SERVICE, "hosts": [held, unknown]}], table.WATCHED, NOW))
    _, flapping, other = capsys.readouterr().out.splitlines()
    assert flapping.endswith("ok      held: flapping until 10:20:00")
    assert other.endswith("held: a newer rule; said")


DEAD = {**UP, "verdict": "not-ready", "published": "not-ready", "reason": "refused", "message": "Connection refused"}
WAITS = {**NEW, "reason": "ok", "message": "waits for the majority of the Sentinels"}


@pytest.mark.parametrize(
    ("host", "end"),
    [
        ({**DEAD, "probed": "10.99.0.11:3307"}, "refused at 10.99.0.11:3307: Connection refused"),
        ({**DEAD, "probed": None}, "refused: Connection refused"),
        (DEAD, "refused: Connection refused"),
        ({**AUTH, "probed": "10.20.0.13:3306"}, "unknown  auth at 10.20.0.13:3306: Access denied"),
        ({**AUTH, "probed": "10.20.0.13:3306", "message": ""}, "unknown  auth at 10.20.0.13:3306"),
        ({**UP, "probed": "10.20.0.11:3306"}, "2/3"),
    ],
    ids=["elsewhere", "not-probed", "older-daemon", "unknown", "no-message", "well"],
)
def test_a_terminal_says_where_a_host_was_asked_that_does_not_answer_well(host: dict[str, object], end: str) -> None:
    """A wrong port is the commonest mistake."""
    *_, line = terminal_lines(host)
    assert line.endswith(end)


def test_a_host_that_waits_for_others_is_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    """It answers well: it is neither unknown nor is its reason shown as a fault. It is no calm host that is folded."""
    _, line = terminal_lines(WAITS)
    assert line == "  db2  10.20.0.12  waiting  waits for the majority of the Sentinels"
    assert table.group({**SERVICE, "hosts": [WAITS]}, NOW).rows[0].rank < grouped.CALM
    terminal.show(table.Screen((), [{**SERVICE, "hosts": [WAITS]}], table.WATCHED, NOW))
    assert capsys.readouterr().out.splitlines()[1].split()[3] == "waiting"


def terminal_lines(host: dict[str, object]) -> list[str]:
    screen = table.Screen((), [{**SERVICE, "hosts": [host]}], table.WATCHED, NOW)
    return [line.text for line in screen.lines(200, 24)]


def test_the_table_of_a_check_has_no_history(capsys: pytest.CaptureFixture[str]) -> None:
    """`check` knows one probe, so it shows no streak and nothing published."""
    terminal.show(table.Screen((), [SERVICE], table.CHECKED, NOW))
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
        terminal.show(table.Screen((), [{**SERVICE, "hosts": [host]}], columns, NOW))
        assert f" {shown} " in " ".join(capsys.readouterr().out.splitlines()[1].split())


def test_what_must_be_known_first_stands_above(capsys: pytest.CaptureFixture[str]) -> None:
    """Then an empty line and the table; with nothing to say the table begins at once. No text is markup."""
    head = {"leader": True, "config": {"error": None}}
    terminal.show(table.watched({**head, "services": [{**SERVICE, "error": "lists [10.20.0.99]"}]}))
    banner, empty, header, *_ = capsys.readouterr().out.splitlines()
    assert (banner, empty, header.split()[0]) == ("default/mysql-external: lists [10.20.0.99]", "", "SERVICE")
    terminal.show(table.watched({**head, "services": [SERVICE]}))
    assert capsys.readouterr().out.startswith("SERVICE")


def test_nothing_that_a_server_says_moves_the_cursor() -> None:
    """A line end or an escape in a message stays inside its cell, in a pipe and on a terminal."""
    odd = {**SERVICE, "error": None, "hosts": [{**AUTH, "message": "one\ntwo\x1b[2Jthree"}]}
    screen = table.Screen(["a\x1b]0;b"], [odd], table.WATCHED, NOW)
    piped, drawn = list(screen.piped()), [line.text for line in screen.lines(200, 24)]
    assert piped[-1].endswith("one two�[2Jthree")
    assert "one two�[2Jthree" in drawn[-1]
    assert piped[0] == drawn[0] == "a�]0;b"


def test_what_stands_above_is_wrapped_and_takes_its_lines_from_the_hosts() -> None:
    """All of it stays on the screen, the refused file with a line each."""
    above = ["The file was refused:\nconfig.yaml:1:1: " + "wrong " * 20]
    well = {**UP, "consecutive": 0, "role": None, "lagSeconds": None}
    many = {**SERVICE, "hosts": [{**well, "name": f"db{number}"} for number in range(50)]}
    drawn = [line.text for line in table.Screen(above, [many], table.WATCHED, NOW).lines(60, 24)]
    assert len(drawn) == 23
    assert drawn[0] == "The file was refused:"
    assert all(len(line) <= 60 for line in drawn)
    assert drawn.index("") == 4
    assert drawn[-1].startswith("  … and ")
