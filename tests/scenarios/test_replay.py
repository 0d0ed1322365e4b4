"""`/record` of a real daemon over a real server, and `mooring replay` of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.configuration import at, file, service
from lab.mooring import PROGRAM, Daemon
from lab.servers import Redis

pytestmark = pytest.mark.needs_servers

SERVICE, ONE, TWO = "default/redis", "10.20.0.21", "10.20.0.22"


def replay(*words: str) -> str:
    done = subprocess.run([*PROGRAM, "replay", *words], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_record_of_a_daemon_shows_what_happened_to_its_hosts(tmp_path: Path) -> None:
    """By its own settings as it was; by a threshold that no failure reaches, as if nothing had happened."""
    (state := tmp_path / "state").mkdir()
    with Redis() as steady, Redis() as restless:
        text = file(service("redis", "redis", [at(ONE, steady), at(TWO, restless)]), failureThreshold=3)
        with Daemon(text, state) as daemon:
            daemon.wait_ready(SERVICE, [ONE, TWO])
            for _ in range(2):
                restless.kill()
                daemon.wait_ready(SERVICE, [ONE], timeout=30)
                restless.start()
                daemon.wait_ready(SERVICE, [ONE, TWO], timeout=30)
            answer = daemon.get("/record")
            status = daemon.status()
    assert answer[0] == 200
    record = tmp_path / "record"
    record.write_bytes(answer[1])
    out = replay(str(record)).splitlines()
    assert out[0].startswith(f"{SERVICE}  ")
    names = [host["name"] for host in status["services"][0]["hosts"]]
    assert any(line.startswith(f"  {names[0]}: out 0 times") for line in out)
    assert any(line.startswith(f"  {names[1]}: out 2 times") for line in out)
    other = tmp_path / "other.yaml"
    other.write_text(text.replace('"failureThreshold": 3', '"failureThreshold": 100'))
    changed = replay(str(record), "--config", str(other))
    assert f"  {names[1]}: out 2 -> 0 times: 2 not at all" in changed
