"""`mooring run --once` as a user types it; the daemon itself is tested by scenarios."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.listeners import closed_port, listening
from mooring.cli.main import main
from support.typed_commands import Write, manifest

pytestmark = pytest.mark.usefixtures("alone")


def test_once_writes_once_and_ends(tmp_path: Path, write: Write, up: int) -> None:
    """0 when every host is ready, 1 when one is not; the manifest says which."""
    state = ["--state-dir", "state"]
    assert main(["run", "--once", "--config", str(write(up)), *state]) == 0
    assert manifest(tmp_path)["subsets"][0]["addresses"] == [{"ip": "10.20.0.11"}]
    assert main(["run", "--once", "--config", str(write(up, closed_port())), *state]) == 1
    assert manifest(tmp_path)["subsets"][0]["notReadyAddresses"] == [{"ip": "10.20.0.12"}]


def test_once_takes_the_thresholds_for_a_stored_verdict(tmp_path: Path, write: Write) -> None:
    """A host that is stored as ready is probed until its failures suffice."""
    with listening() as port:
        assert main(["run", "--once", "--config", str(write(port)), "--state-dir", "state"]) == 0
    assert main(["run", "--once", "--config", str(write(port)), "--state-dir", "state"]) == 1
    assert "addresses" not in manifest(tmp_path)["subsets"][0]


def test_once_and_dry_run_together_write_nothing(
    tmp_path: Path, write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """--dry-run means the same with --once: the diff instead of the write."""
    assert main(["run", "--once", "--dry-run", "--config", str(write(up)), "--state-dir", "state"]) == 0
    assert "+  - 10.20.0.11\n" in capsys.readouterr().out
    assert list((tmp_path / "state").iterdir()) == []


ALONE = b"# Cluster\r\ncluster_enabled:0\r\n"
INFO = b"# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_repl_offset:10\r\n"


@pytest.fixture
def redis_primary() -> Iterator[int]:
    """A fake that answers as a Redis primary does, whatever else it is asked: only the end of a command is tested."""

    class Primary(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while said := self.request.recv(4096):
                answer = b"+PONG\r\n" * said.count(b"PING")
                answer += b"$%d\r\n%s\r\n" % (len(INFO), INFO) * said.count(b"replication")
                answer += b"$%d\r\n%s\r\n" % (len(ALONE), ALONE) * said.count(b"cluster")
                answer += b"-ERR This instance has cluster support disabled\r\n" * said.count(b"CLUSTER")
                self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Primary) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("command", [["plan"], ["run", "--once"]], ids=" ".join)
def test_a_command_ends_though_the_sentinels_have_no_majority(
    write: Write,
    redis_primary: int,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 1, and the host that is undecided is named with what it waits for."""
    # Rounds follow at once, and an answer has the time of a busy machine.
    monkeypatch.setattr("mooring.cli.once.time", SimpleNamespace(sleep=lambda _seconds: None, time=time.time))
    sentinel = {"name": "mymaster", "hosts": [f"127.0.0.1:{closed_port()}"]}
    redis = {"role": "primary", "sentinel": sentinel}
    file = write(redis_primary, check={"periodSeconds": 60, "timeoutSeconds": 60, "redis": redis})
    assert main([*command, "--config", str(file), "--state-dir", "state"]) == 1
    out, err = capsys.readouterr()
    assert "default/mysql-external: db11 (10.20.0.11) is undecided: " in out + err
    assert "waits for the majority of the Sentinels" in out + err
