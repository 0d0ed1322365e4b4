"""The daemon over each server: a password that changes, a death, and a return."""

from __future__ import annotations

from pathlib import Path

from lab.matrix.versions import VERSIONS, Version
from lab.servers import Redis, SqlServer
from lab.waiting import wait_until
from support.asked_server import PASSWORD, in_clear
from support.matrix import MYSQL, feature, few
from support.session_counts import USER, listed, started, watched, written

_BROKEN = ("Aborted_connects", "Aborted_clients")
_MOST_CONNECTED = 3
"""The test's own, and two of Mooring."""


@feature("daemon", few(VERSIONS, "9.7", "9"))
def test_a_host_stays_with_a_wrong_password_leaves_at_its_death_and_comes_back(
    version: Version, tmp_path: Path
) -> None:
    """Over one held session, which the server counts neither as broken nor as an error."""
    with started(db=version.server(accounts={USER: PASSWORD})) as servers:
        server = servers["db"]
        service = listed("db", servers, written(tmp_path), block=in_clear(server), loginSeconds=1)
        before = [server.status(name) for name in _BROKEN] if isinstance(server, SqlServer) else []
        with watched(tmp_path, servers, service, period=0.5) as stage:
            stage.wait_probes("db", 10, stage.now())
            assert [server.status(name) for name in _BROKEN] == before if isinstance(server, SqlServer) else True
            after = stage.now()
            if isinstance(server, SqlServer):
                server.sql(f"ALTER USER {USER}@'%' IDENTIFIED BY 'another-one'")
            else:
                assert isinstance(server, Redis)
                server.command("ACL", "SETUSER", USER, "resetpass", ">another-one")
            stage.wait_probes("db", 15, after)
            assert not stage.verdicts(after)
            (tmp_path / "password").write_text("another-one")
            server.kill()
            stage.daemon.wait_log("host.not_ready", after=after, host="db")
            (tmp_path / "password").write_text(PASSWORD if isinstance(server, Redis) else "another-one")
            server.start()
            stage.daemon.wait_log("host.ready", after=after, host="db")


@feature("delayed refusals", few([one for one in MYSQL if one.number == "9.7"]))
def test_a_server_that_delays_who_was_refused_keeps_its_host(version: Version, tmp_path: Path) -> None:
    """MySQL's `connection_control`: from the fourth refusal on it lets a login wait for longer than we do."""
    extra = ("--plugin-load-add=connection_control.so", "--connection-control-min-connection-delay=3000")
    with started(db=version.server(accounts={USER: PASSWORD}, extra=extra)) as servers:
        server = servers["db"]
        assert isinstance(server, SqlServer)
        service = listed("db", servers, written(tmp_path), block=in_clear(server), loginSeconds=1)
        with watched(tmp_path, servers, service, period=0.2) as stage:
            after = stage.now()
            server.sql(f"ALTER USER {USER}@'%' IDENTIFIED BY 'another-one'")
            for (number,) in server.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'"):
                server.sql(f"KILL {number}")
            wait_until(lambda: _delayed(server) >= 1, 60, "a login that the server delays")
            stage.wait_probes("db", 3, after, reason="auth")
            assert not [line for line in stage.verdicts(after) if line["event"] == "host.not_ready"]
            assert server.status("Threads_connected") <= _MOST_CONNECTED


def _delayed(server: SqlServer) -> int:
    return server.status("Connection_control_delay_generated")
