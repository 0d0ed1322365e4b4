"""docs/following-a-failover.md: its files over real servers, at the very addresses that stand in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.mooring import PROGRAM
from lab.network import Network, inside
from lab.topologies.galera import Galera
from lab.topologies.replication import Replication
from lab.topologies.sentinel import SentinelReplication
from lab.topologies.topology import PASSWORD, Topology
from lab.waiting import wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "following-a-failover.md").read_text()
SECRET = re.compile(r"/etc/mooring/secrets/[a-z]+-password")


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def block(text: str, begins: str) -> str:
    """What stands behind this line in the fenced block that it begins."""
    found = re.search(rf"^```[a-z]+\n{re.escape(begins)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, begins
    return found[1]


def rows(table: str) -> Sequence[str]:
    """Without what differs from run to run: latencies, and the seconds of a lag."""
    plain = re.sub(r"(?<= )\d+(\.\d+)?(m?s)(?= |$)", r"N\2", table, flags=re.MULTILINE)
    return [" ".join(line.split()) for line in plain.splitlines()]


def checked(config: Path, netns: str) -> Sequence[str]:
    with inside(netns):
        done = subprocess.run([*PROGRAM, "check", "--config", config], capture_output=True, text=True, check=False)
    return rows(done.stdout + done.stderr)


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("title", "kind"),
    [
        pytest.param("MariaDB replication", Replication, marks=pytest.mark.needs_servers, id="mariadb"),
        pytest.param("Galera", Galera, marks=pytest.mark.needs_galera, id="galera"),
        pytest.param("Redis with Sentinels", SentinelReplication, marks=pytest.mark.needs_servers, id="sentinels"),
    ],
)
def test_the_page_shows_what_its_file_gives(title: str, kind: type[Topology[Any]], tmp_path: Path) -> None:
    """Whoever takes a file over as it stands sees each host judged as the page says."""
    page = section(title)
    secret, config = tmp_path / "password", tmp_path / "config.yaml"
    secret.write_text(PASSWORD)
    config.write_text(SECRET.sub(str(secret), block(page, "# config.yaml")))
    shown = rows(block(page, "$ mooring check --config config.yaml"))
    with Network(3) as network, kind(network.hosts[1:]):
        wait_until(lambda: checked(config, network.node.netns) == shown, 60, "the page's own rows", every=0.2)
