"""What is answered, path by path; ``test_http`` asks over a real socket."""

from __future__ import annotations

import subprocess
import sys
from http import HTTPStatus

import pytest

from lab.documents import host, service, status
from mooring.judge.store import HealthStore
from mooring.observe.page import HEADERS
from mooring.observe.routes import HTML, JSON, PLAIN, Answer, Router, router_of


@pytest.fixture
def router() -> Router:
    return router_of(
        HealthStore(),
        alive=lambda: None,
        ready=lambda: "not yet",
        status=lambda: status(service(host(name="db/1"))),
        metrics=lambda: ("text/plain; version=0.0.4", b"x 1\n"),
    )


@pytest.mark.parametrize(
    ("path", "code", "kind"),
    [
        ("/", 200, HTML),
        ("/?x=1", 200, HTML),
        ("/hosts/default/mysql-external/db%2F1", 200, HTML),
        ("/hosts/default/mysql-external", 200, HTML),
        ("/hosts/default/mysql-external/db9", 404, PLAIN),
        ("/hosts/", 404, PLAIN),
        ("/livez", 200, PLAIN),
        ("/readyz", 503, PLAIN),
        ("/status", 200, JSON),
        ("/status/default/mysql-external/db%2F1", 200, JSON),
        ("/status/default/mysql-external/db/1", 404, PLAIN),
        ("/metrics", 200, "text/plain; version=0.0.4"),
        ("/index.html", 404, PLAIN),
        ("//", 404, PLAIN),
    ],
)
def test_each_path_has_its_answer(router: Router, path: str, code: int, kind: str) -> None:
    """A host may be named by any text, percent-encoded."""
    answer = router.answer(path)
    assert (answer.status, answer.kind) == (code, kind)
    assert answer.headers == (HEADERS if kind == HTML else {})


def test_a_defect_of_a_page_ends_in_500() -> None:
    """And in the log; the daemon goes on."""

    def broken() -> Answer:
        raise RuntimeError("a defect")

    answer = Router({"/": broken}).answer("/")
    assert (answer.status, answer.body) == (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        b"this page could not be made; the log says why\n",
    )


def test_a_daemon_that_nobody_looks_at_has_no_templates() -> None:
    """The library is imported with the first view."""
    code = "import sys, mooring.daemon, mooring.cli.run; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
