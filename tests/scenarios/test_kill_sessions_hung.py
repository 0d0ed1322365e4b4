"""Ending sessions on a real primary that stands still: what it meets of Mooring."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.process import Server
from lab.servers import Mariadb, Redis
from lab.waiting import wait_until
from mooring.model.reasons import Reason
from support.demoted import Demoted
from support.engine_harness import SECONDS, turns

pytestmark = pytest.mark.needs_servers

USER, PASSWORD = "mooring", "throw-away-of-a-test"
_ESTABLISHED = "01"


def _connections(server: Server) -> int:
    """Ours: the server's own ends have its port as the local one (proc_pid_net(5))."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[2].endswith(f":{server.port:04X}") and line[3] == _ESTABLISHED for line in lines)


@pytest.mark.parametrize("kind", [Redis, Mariadb])
def test_a_host_that_stands_still_meets_one_login(kind: type[Redis | Mariadb], tmp_path: Path) -> None:
    """Not one to end sessions and one of a probe: SIGSTOP, and no session is held there."""
    (tmp_path / "password").write_text(PASSWORD)
    with kind(accounts={USER: PASSWORD}) as server:
        login = {"user": USER, "passwordFile": str(tmp_path / "password")}
        demoted = Demoted(kind.kind.replace("mariadb", "mysql"), server.address, server.port, **login)
        with turns(demoted.target) as engine:
            server.freeze()
            worker = demoted.worker(engine)
            wait_until(lambda: _connections(server), SECONDS, "its login")
            engine.engine.ask([demoted.target])
            assert engine.next(demoted.target, 0).observation.reason is Reason.TIMEOUT
            assert worker.wait(SECONDS)
            assert _connections(server) <= 1
            server.thaw()
    assert demoted.error().startswith("no login: ")
