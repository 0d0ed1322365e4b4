"""The servers are what the table says that they are."""

from __future__ import annotations

from lab.matrix.versions import Version
from lab.process import Server
from lab.servers import Redis, SqlServer
from support.matrix import feature


@feature("version")
def test_a_server_is_of_the_version_that_its_row_names(version: Version, server: Server) -> None:
    """A suite of packages that has moved on cannot pass for another version."""
    if isinstance(server, SqlServer):
        told = str(server.sql("SELECT VERSION()")[0][0])
        assert ("MariaDB" in told) == (version.kind == "mariadb")
    else:
        assert isinstance(server, Redis)
        told = str(server.command("INFO", "server")[f"{version.kind}_version"])
    assert f"{told}.".startswith(f"{version.number}.") or told.startswith(f"{version.number}-")
