"""The group `clock`."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from mooring.cli.doctor.clock import ClockFacts, clock_facts, findings
from mooring.cluster.client import Api, client_factory
from support.fake_api import Answer, FakeApi, refuses, says


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (ClockFacts(100.0, 100.2, 100.0), ""),
        (ClockFacts(100.9, 101.0, 100.0), ""),
        (ClockFacts(100.0, 104.0, 102.0), ""),
        (ClockFacts(100.0, 100.1, 105.0), ""),
        (ClockFacts(100.0, 100.1, None), ""),
        (ClockFacts(100.0, 100.1, 160.0), "60 s behind the"),
        (ClockFacts(161.0, 161.1, 100.0), "60 s ahead of the"),
    ],
    ids=["same", "within-a-second", "slow-answer", "little", "no-date", "behind", "ahead"],
)
def test_a_clock_that_is_off_is_one_finding(facts: ClockFacts, what: str) -> None:
    """A date has whole seconds, and an answer takes time: neither is a difference."""
    found = findings(facts)
    assert len(found) == bool(what)
    assert all(what in one.what for one in found)


@pytest.mark.parametrize(("seconds", "count"), [(0, 0), (3600, 1)])
@pytest.mark.parametrize("answers", [lambda headers: says(200, {}, headers), lambda _headers: refuses(403)])
def test_the_date_of_any_answer_is_read(
    tmp_path: Path, seconds: int, count: int, answers: Callable[[Any], Answer]
) -> None:
    """Also of a refusal; without a date nothing is known."""

    def dated(line: socket.socket, ending: threading.Event) -> None:
        answers({"Date": formatdate(time.time() + seconds, usegmt=True)})(line, ending)

    with FakeApi(dated) as server:
        api = Api(client_factory("kubeconfig", server.kubeconfig(tmp_path / "kubeconfig", {}), None))
        facts = clock_facts(api)
    assert len(findings(facts)) == (count if facts.date else 0)
