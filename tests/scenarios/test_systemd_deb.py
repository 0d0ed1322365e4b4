"""The Debian package on a machine with a real systemd and MariaDB, before a real cluster: as docs/install.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.peers_of_db import beside
from kube.full_cluster import Cluster
from lab import installed
from lab.waiting import wait_until
from mooring import __version__
from release import deb
from support.machine import UNIT, Machine

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_systemd]
FILE = "/etc/mooring/config.yaml"
YES = ("/etc/apt/apt.conf.d/99-tests", 'APT::Get::Assume-Yes "true";\n')
FILES, PACKAGE, START, REMOVE = (installed.commands(block) for block in (1, 3, 4, 5))
"""What the page has root type, the first without the unit of a checkout."""


def typed(machine: Machine, commands: list[str]) -> str:
    return machine.shell("\n".join(["cd /root; exec 2>&1", *commands]))


def keeps_the_package_with_a_wrong_file(machine: Machine, right: str) -> None:
    """Its upgrade restarts Mooring, which ends by the file; dpkg is done all the same, and a right file is enough."""
    machine.write(FILE, "version: 1\nservices: 7\n")
    typed(machine, ["dpkg --install ./mooring_*.deb"])
    assert machine.run("dpkg-query", "--show", "--showformat=${Status}", "mooring") == "install ok installed"
    machine.write(FILE, right)
    wait_until(lambda: machine.show("ActiveState") == "active", 60, "it to run on the right file", every=0.2)


def test_installed_started_removed(cluster: Cluster, tmp_path: Path) -> None:
    """It starts nothing by itself; enabled it publishes; removed it leaves the user's files and the Endpoints."""
    [package] = deb.packages(tmp_path, deb.DEBIANS[:1])
    with beside(cluster, 1, bare=True) as field:
        [machine] = field.machines
        machine.copy(package, "/root/")
        machine.write(*YES)
        for name, text in field.files().items():
            machine.write(f"/root/{name}", text)
        assert f"mooring {__version__}" in typed(machine, PACKAGE)
        assert machine.show("ActiveState") == "inactive"
        typed(machine, [line for line in FILES if "deploy/" not in line and "systemctl" not in line])
        typed(machine, START)
        field.wait_published(field.addresses)
        keeps_the_package_with_a_wrong_file(machine, field.config())
        assert machine.both("systemd-analyze", "verify", f"/usr/lib/systemd/system/{UNIT}") == ""
        wait_until(lambda: machine.show("StatusText").startswith("leads"), 60, "it to lead", every=0.2)
        typed(machine, REMOVE)
        assert machine.show("LoadState") == "not-found"
        left = machine.shell("ls -d /opt/mooring /usr/bin/mooring /etc/mooring/config.yaml 2>/dev/null || true")
        assert left.split() == [FILE]
        assert field.published() == (field.addresses, [])
