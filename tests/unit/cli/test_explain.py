"""`mooring explain` as a user types it, before pages of a fake daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.documents import NOW, host, out, outcome, service, status, transition
from lab.pages import Pages, serving
from mooring.cli.main import main
from mooring.observe.explain import explanation
from support.console import compared

pytestmark = pytest.mark.usefixtures("alone")
AT = "2025-11-26T10:18:20.000Z"


@pytest.fixture
def daemon() -> Iterator[Pages]:
    with serving() as pages:
        hosts = [host(name="db1", address="2001:db8::1"), out()]
        other = service(host(), name="sessions")
        pages.put("/status", status(service(*hosts), other))
        yield pages


def explained(**changed: Any) -> dict[str, Any]:
    """db2 with its record: an hour ago it was well."""
    old = outcome(lastAt="2025-11-26T09:00:00.000Z", count=9)
    new = outcome(reason="refused", message="connection refused", lastAt="2025-11-26T10:18:19.000Z", count=7)
    before = transition(at="2025-11-26T09:00:00.000Z", to="ready", **{"from": "not-ready"})
    told = out(explanation="out, and why", outcomes=[old, new], transitions=[before, transition()])
    return {**status(service(host(name="db1"), told)), "at": AT, **changed}


def run(daemon: Pages, *arguments: str) -> int:
    return main(["explain", *arguments, "--url", daemon.url])


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("mysql-external", "/status/default/mysql-external"),
        ("default/mysql-external", "/status/default/mysql-external"),
        ("mysql-external/db2", "/status/default/mysql-external/db2"),
        ("default/mysql-external/10.20.0.12", "/status/default/mysql-external/10.20.0.12"),
        ("mysql-external/2001:db8::1", "/status/default/mysql-external/2001%3Adb8%3A%3A1"),
    ],
)
def test_a_service_or_a_host_is_explained(
    daemon: Pages, what: str, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name with or without the namespace; a host by its name or address. Exit 0, though the host is out."""
    daemon.put(path, explained())
    assert run(daemon, what) == 0
    assert "out, and why" in capsys.readouterr().out


@pytest.mark.parametrize(("since", "counts"), [((), ["7 x"]), (("--since", "2h"), ["9 x", "7 x"])])
def test_it_looks_back_as_far_as_asked(
    daemon: Pages, since: tuple[str, ...], counts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An hour, unless said otherwise."""
    daemon.put("/status/default/mysql-external/db2", explained())
    assert run(daemon, "mysql-external/db2", *since) == 0
    shown = capsys.readouterr().out
    assert [count for count in ("9 x", "7 x") if count in shown] == counts
    assert shown.count("->") == len(counts)


def test_the_present_run_is_shown_though_it_is_old(daemon: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    """As of a host whose name has no address any more."""
    late = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    daemon.put("/status/default/mysql-external/db2", explained(at=late))
    assert run(daemon, "mysql-external/db2", "--since", "1m") == 0
    assert "7 x" in capsys.readouterr().out


def test_banners_stand_above(daemon: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    """As above every table: a standby explains its own view."""
    daemon.put("/status/default/mysql-external/db2", explained(leader=False))
    run(daemon, "mysql-external/db2")
    assert capsys.readouterr().out.startswith("Standby: db-a-1 leads and writes.\n")


def test_scripts_take_json(daemon: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    """The same document as of /status/NAMESPACE/NAME/HOST."""
    daemon.put("/status/default/mysql-external/db2", explained())
    assert run(daemon, "mysql-external/db2", "-o", "json") == 0
    hosts = json.loads(capsys.readouterr().out)["services"][0]["hosts"]
    assert (hosts[1]["explanation"], len(hosts[1]["outcomes"])) == ("out, and why", 1)


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("mysql-externl", "this Mooring keeps no Service or host mysql-externl; did you mean mysql-external?"),
        ("mysql-external/db3", "did you mean mysql-external/db"),
        ("x", "; it keeps default/mysql-external, default/sessions"),
    ],
)
def test_a_name_that_it_does_not_keep_ends_with_2(
    daemon: Pages, what: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the nearest name, or what there is."""
    assert run(daemon, what) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"services": [{}]}'])
def test_what_answers_and_is_no_mooring_ends_with_3(
    daemon: Pages, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, no traceback; also where an older daemon has no such page."""
    assert run(daemon, "mysql-external") == 3
    daemon.pages["/status"] = body
    assert run(daemon, "mysql-external") == 3
    assert "no Mooring answers at" in capsys.readouterr().err


def test_the_page_shows_what_is_printed(daemon: Pages, capsys: pytest.CaptureFixture[str]) -> None:
    """The report of docs/operations.md, of a host that refuses after half an hour of good answers."""
    [[step]] = compared("docs/operations.md", __file__)
    said = "Connection refused (connecting)"
    turn = transition(message=said)
    well = outcome(firstAt="2025-11-26T09:58:11.000Z", count=535)
    down = outcome(reason="refused", message=said, firstAt="2025-11-26T10:15:57.125Z")
    down |= {"lastAt": "2025-11-26T10:18:19.000Z", "count": 72, "fastestSeconds": 0.0001, "slowestSeconds": 0.0002}
    told = out(message=said, outcomes=[well, down], transitions=[turn])
    document = {**status(one := service(host(name="db1", address="10.20.0.11"), told)), "at": AT}
    told["explanation"] = explanation(document, one, told, NOW)
    daemon.put("/status/default/mysql-external/db2", document)
    assert run(daemon, *step.command.split()[2:]) == 0
    assert capsys.readouterr().out.rstrip().splitlines() == list(step.shown)
