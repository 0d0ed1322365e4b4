"""All that a person looks at tells the same story of one dead host."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.listeners import listening
from lab.waiting import wait_until
from mooring.cli.main import main
from mooring.cluster.local import LocalCluster
from mooring.config import AddressPolicy, parse
from mooring.daemon import Daemon
from mooring.model.events import Event, HostChanged
from mooring.model.moments import rfc3339
from mooring.model.verdicts import Verdict
from mooring.observe.event_words import entries

FILE = """\
version: 1
services:
  - name: mysql-external
    ports: [{{port: 3306}}]
    hosts: [{{name: db1, address: 10.20.0.11, probeAddress: 127.0.0.1, probePort: {port}}}]
    check: {{periodSeconds: 0.3, timeoutSeconds: 0.3, tcp: {{}}}}
"""


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def root(tmp_path: Path, events: list[Event], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a daemon listens whose only host has died."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    policy = AddressPolicy((), loopback_probes=True)
    with listening() as port:
        config = parse(FILE.format(port=port).encode(), "config.yaml", policy, ports_required=True)
        daemon = Daemon(config, LocalCluster(tmp_path), listen=("127.0.0.1", 0), listeners=(events.append,))
        daemon.start()
        try:
            wait_until(lambda: daemon.status()["services"][0]["ready"] == 1, 20, "the host to be published")
        except BaseException:
            daemon.stop()
            raise
    try:
        wait_until(lambda: _published(tmp_path) == ["10.20.0.11"], 20, "the host to be taken out")
        assert daemon._server is not None
        yield f"http://127.0.0.1:{daemon._server.port}"
    finally:
        daemon.stop()


def _published(folder: Path) -> list[str]:
    """The addresses that are published as not ready."""
    (subset,) = yaml.safe_load((folder / "default" / "mysql-external.yaml").read_text())["subsets"]
    return [one["ip"] for one in subset.get("notReadyAddresses", ())]


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_status_explain_page_and_event_agree(
    root: str, events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same verdict, reason, place and time wherever one looks; the record leads to the write that stored it."""
    *_, out = wait_until(lambda: _outs(events), 10, "the event, which follows the write")
    assert out.state.since is not None
    since = rfc3339(out.state.since, 3)
    place = f"127.0.0.1:{out.member.target.port}"
    (said, *_) = [entry.message for entry in entries(out) if entry.reason == "HostNotReady"]
    assert said.startswith(f"db1 ({place}) is out: refused: ")

    (shown,) = json.loads(get(f"{root}/status"))["services"][0]["hosts"]
    assert (shown["verdict"], shown["reason"], shown["since"], shown["probed"]) == (
        "not-ready",
        "refused",
        since,
        place,
    )

    wait_until(lambda: _last(root)["stored"], 10, "the write to be noted")
    turn = _last(root)
    assert (turn["at"], turn["to"], turn["reason"], turn["streak"]) == (since, "not-ready", "refused", 3)
    assert turn["evidenceAt"] <= turn["at"] <= turn["stored"]["at"]
    assert turn["stored"]["object"] == "Endpoints"

    sentence = f"{datetime.fromisoformat(since):%H:%M:%S} UTC: 3 of 3 failures, refused at {place}"
    assert main(["explain", "mysql-external/db1", "--url", root]) == 0
    assert sentence in capsys.readouterr().out
    page, host_page = get(f"{root}/"), get(f"{root}/hosts/default/mysql-external/db1")
    assert '<tr class="out">' in page
    assert "<b>not-ready</b>" in page
    assert sentence in host_page


def _outs(events: list[Event]) -> list[HostChanged]:
    changed = [one for one in list(events) if isinstance(one, HostChanged)]
    return [one for one in changed if one.state.verdict is Verdict.NOT_READY]


def _last(root: str) -> Any:
    """The last transition of the host."""
    (host,) = json.loads(get(f"{root}/status/default/mysql-external/db1"))["services"][0]["hosts"]
    return host["transitions"][-1]
