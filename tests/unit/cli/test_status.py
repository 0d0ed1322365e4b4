"""`mooring status` as a user types it, before pages of a fake daemon."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from lab.listeners import closed_port
from lab.pages import serving
from mooring.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def page() -> Iterator[tuple[int, dict[str, bytes]]]:
    """What stands in for a daemon: its port, and its pages by their paths."""
    with serving() as served:
        yield served.port, served.pages


@pytest.mark.parametrize("body", [None, b"<html>", b"[]", b'{"services": [{}]}'], ids=["404", "html", "list", "shape"])
def test_status_without_a_daemon_ends_with_3(
    page: tuple[int, dict[str, bytes]], body: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody there, or somebody else: one sentence, no traceback."""
    port, pages = page
    if body is not None:
        pages["/status"] = body
    assert main(["status", "--url", f"http://127.0.0.1:{port}"]) == 3
    assert f"no Mooring answers at http://127.0.0.1:{port} (" in capsys.readouterr().err


def test_status_names_what_to_do_where_nobody_answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address may stand in MOORING_URL; the message has the reason and the two ways on."""
    url = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("MOORING_URL", url)
    assert main(["status"]) == 3
    shown = capsys.readouterr().err
    assert shown.startswith(f"no Mooring answers at {url} (connection refused). Name a running daemon by --url")
    assert "kubectl -n mooring exec deploy/mooring -- mooring status" in shown


WELL = {
    "leader": True,
    "identity": "db-a-1",
    "config": {"hash": "ab", "loadedAt": None, "error": None},
    "services": [],
}


def answer(**changed: object) -> dict[str, object]:
    host = {
        "name": "db1",
        "address": "10.20.0.11",
        "verdict": "ready",
        "published": "ready",
        "reason": "ok",
        "message": "",
        "since": None,
        "consecutive": 0,
        "threshold": 3,
        "latencySeconds": None,
        "role": None,
        "lagSeconds": None,
        "maintenance": False,
    }
    service = {"namespace": "default", "name": "db", "ready": 1, "total": 1, "error": None}
    return {**WELL, "services": [{**service, "hosts": [{**host, **changed}]}]}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (answer(), 0),
        (answer(verdict="not-ready", reason="refused"), 1),
        (answer(maintenance=True), 1),
        ({**answer(), "config": {"hash": "", "loadedAt": None, "error": "config.yaml:3:5: services: is no list"}}, 1),
    ],
    ids=["well", "not-ready", "maintenance", "refused-file"],
)
def test_status_shows_the_state_by_its_exit_code(
    page: tuple[int, dict[str, bytes]], document: dict[str, object], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 all ready; 1 a host is not, or a changed file was refused."""
    port, pages = page
    pages["/status"] = json.dumps(document).encode()
    for form in ("table", "json"):
        assert main(["status", "--url", f"http://127.0.0.1:{port}", "-o", form]) == code
    assert "db1" in capsys.readouterr().out


def several() -> bytes:
    """Two Services; a host of the second one is out."""
    well, ill = answer(), answer(verdict="not-ready", reason="refused", name="db9")
    services: list[dict[str, object]] = [well["services"][0], {**ill["services"][0], "name": "sessions"}]  # type: ignore[index]
    return json.dumps({**WELL, "services": services}).encode()


@pytest.mark.parametrize(
    ("service", "code", "shown"),
    [("db", 0, "db1"), ("default/db", 0, "db1"), ("sessions", 1, "db9"), ("default/sessions", 1, "db9")],
)
def test_one_service_may_be_asked_for(
    page: tuple[int, dict[str, bytes]], service: str, code: int, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its name, with or without the namespace: only its hosts are shown, and decide the exit code."""
    port, pages = page
    pages["/status"] = several()
    assert main(["status", service, "--url", f"http://127.0.0.1:{port}"]) == code
    found = capsys.readouterr().out
    assert shown in found
    assert ("db1" in found) is (shown == "db1")


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        ("sesions", "this Mooring keeps no Service sesions; did you mean sessions?"),
        ("x/y", "this Mooring keeps no Service x/y; it keeps default/db, default/sessions"),
    ],
)
def test_a_service_that_it_does_not_keep_ends_with_2(
    page: tuple[int, dict[str, bytes]], service: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nearest name, or what there is; an empty table would look as if all were well."""
    port, pages = page
    pages["/status"] = several()
    assert main(["status", service, "--url", f"http://127.0.0.1:{port}"]) == 2
    assert sentence in capsys.readouterr().err


def test_wide_is_a_line_a_host(page: tuple[int, dict[str, bytes]], capsys: pytest.CaptureFixture[str]) -> None:
    """With all columns."""
    port, pages = page
    pages["/status"] = json.dumps(answer()).encode()
    assert main(["status", "-o", "wide", "--url", f"http://127.0.0.1:{port}"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["SERVICE", "HOST", "ADDRESS"]
    assert row.split()[:3] == ["default/db", "db1", "10.20.0.11"]


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_watch_goes_on_while_nobody_answers(
    page: tuple[int, dict[str, bytes]], form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As during an upgrade: what was said last stays, and for how long nobody has answered; then it is shown anew."""
    port, pages = page
    pages["/status"] = json.dumps(answer()).encode()
    shown: list[str] = []

    def look(_seconds: float) -> None:
        """In place of the pause between two looks."""
        printed = capsys.readouterr()
        shown.append(printed.out + printed.err)
        match len(shown):
            case 1:
                del pages["/status"]
            case 2:
                pages["/status"] = json.dumps(answer(address="10.20.0.99")).encode()
            case _:
                raise KeyboardInterrupt

    moments = itertools.count(100.0, 7.0)
    clock = SimpleNamespace(sleep=look, monotonic=lambda: next(moments))
    monkeypatch.setattr("mooring.cli.status.time", clock)
    assert main(["status", "-w", "-o", form, "--url", f"http://127.0.0.1:{port}"]) == 0
    first, silent, again = shown
    assert "10.20.0.11" in first
    assert silent.startswith("No answer for 7s (it answers 404 ")
    assert ("10.20.0.11" in silent) == (form == "table")
    assert "10.20.0.99" in again
    assert "No answer" not in again


HEAVY = frozenset(
    [
        "asyncio",
        "httpx",
        "jinja2",
        "kubernetes",
        "prometheus_client",
        "pydantic",
        "pymysql",
        "redis",
        "rich",
        "structlog",
        "yaml",
    ]
)
"""Of what Mooring depends on; each takes more than a tenth of the time that `status` may take."""


def test_status_imports_only_what_it_needs(page: tuple[int, dict[str, bytes]]) -> None:
    """It is typed again and again, so it starts fast: no library but the one that reads its options."""
    port, pages = page
    pages["/status"] = json.dumps(answer()).encode()
    code = (
        "import sys; from mooring.cli.main import main; code = main(sys.argv[1:]); "
        "print(code, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    words = [sys.executable, "-c", code, "status", "--url", f"http://127.0.0.1:{port}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "10.20.0.11" in done.stdout
    code_and_modules = done.stderr.split()
    assert code_and_modules[0] == "0"
    assert HEAVY.isdisjoint(code_and_modules)
