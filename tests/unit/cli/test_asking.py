"""How a command that only shows what a daemon says asks for it."""

from __future__ import annotations

import pytest

from lab.listeners import closed_port
from mooring.cli import asking
from mooring.cli.asking import FETCH_SECONDS, no_answer, no_such, services
from mooring.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize("command", [("status",), ("explain", "db")])
def test_each_such_command_says_what_to_do_where_nobody_answers(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason, and how to ask in a cluster by this command; exit 3."""
    url = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("MOORING_URL", url)
    assert main([*command]) == 3
    shown = capsys.readouterr().err
    assert shown.startswith(f"no Mooring answers at {url} (connection refused). Name a running daemon by --url")
    assert f"kubectl -n mooring exec deploy/mooring -- mooring {command[0]}" in shown


@pytest.mark.parametrize("command", [("status",), ("explain", "db")])
def test_a_url_is_checked_first(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error, exit 2; nothing is asked."""
    assert main([*command, "--url", "foo"]) == 2
    assert "must begin with http:// or https://, is 'foo'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TimeoutError(), "no answer within 5 s"),
        (KeyError("services"), "what answers is no Mooring"),
        (ValueError("no JSON"), "what answers is no Mooring"),
    ],
)
def test_what_went_wrong_is_said_in_plain_words(
    error: Exception, why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of Python's own."""
    monkeypatch.setattr(asking, "FETCH_SECONDS", FETCH_SECONDS)
    assert no_answer("http://x", "status", error) == 3
    assert f"no Mooring answers at http://x ({why})." in capsys.readouterr().err


def test_a_name_that_is_unknown_is_answered_by_the_nearest() -> None:
    """Or by what there is."""
    assert str(no_such("Service", "sesions", ["a/db", "a/sessions"])).endswith("did you mean sessions?")
    assert str(no_such("Service", "xyz", ["b/db", "a/db"])).endswith("it keeps a/db, b/db")
    assert str(no_such("Service", "db", [])) == "this Mooring keeps no Service db"


def test_services_are_known_by_namespace_and_name() -> None:
    """As the document lists them."""
    one = {"namespace": "a", "name": "db"}
    assert services({"services": [one]}) == {"a/db": one}
