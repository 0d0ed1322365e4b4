"""The unit under a real systemd, beside a real MariaDB, before a real cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.peers_of_db import Beside, beside
from kube.databases import PASSWORD
from kube.full_cluster import Cluster
from lab.waiting import wait_until
from support.machine import UNIT, Machine

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_systemd]
PLACE = f"/etc/systemd/system/{UNIT}"
FILE = "/etc/mooring/config.yaml"
DYNAMIC = range(61184, 65520)
"""Users that exist while a unit runs (systemd's UIDS-GIDS)."""


@pytest.fixture(scope="module")
def field(cluster: Cluster) -> Iterator[Beside]:
    with beside(cluster, 1) as made:
        made.install()
        made.wait_published(made.addresses)
        yield made


@pytest.fixture
def machine(field: Beside) -> Iterator[Machine]:
    """The unit runs, on its own file."""
    (only,) = field.machines
    only.run("systemctl", "start", UNIT)
    yield only
    only.write(FILE, field.config())


def main_pid(machine: Machine) -> int:
    return int(machine.show("MainPID"))


def test_the_unit_is_sound_and_lets_little_be_done(machine: Machine) -> None:
    """There is no warning about it, and what it could do is rated at no more than 1.5 of 10."""
    assert machine.both("systemd-analyze", "verify", PLACE) == ""
    machine.run("systemd-analyze", "security", "--offline=yes", "--threshold=15", PLACE)
    assert "RestrictNamespaces" in machine.run("cat", PLACE)


def test_it_runs_as_nobody_with_secrets_of_root(machine: Machine, field: Beside) -> None:
    """A user that exists only meanwhile, without any capability, logs in with passwords that only root may read."""
    status = dict(line.split(":\t") for line in machine.run("cat", f"/proc/{main_pid(machine)}/status").splitlines())
    assert int(status["Uid"].split()[0]) in DYNAMIC
    assert (int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]) == (0, "1", "2")
    owners = machine.run("stat", "--format=%a %U", "/etc/mooring/secrets/mysql-password", "/etc/mooring/kubeconfig")
    assert owners.splitlines() == ["600 root", "600 root"]
    assert field.published() == (field.addresses, [])
    assert machine.logs("host.unknown") == []
    assert PASSWORD not in machine.journal()


def test_a_reload_takes_up_the_changed_file(machine: Machine, field: Beside) -> None:
    """`systemctl reload` asks for it; the process, its sessions and what it knows stay."""
    before = main_pid(machine)
    machine.write(FILE, field.config([{"address": field.addresses[0], "maintenance": True}]))
    machine.run("systemctl", "reload", UNIT)
    field.wait_published([], field.addresses)
    wait_until(lambda: "took up the file" in machine.show("StatusText"), 10, "the word of it")
    wait_until(lambda: machine.show("ActiveState") == "active", 10, "the end of the reload")
    assert main_pid(machine) == before


def test_a_wrong_file_is_refused_where_systemctl_shows_it(machine: Machine, field: Beside) -> None:
    """The configuration before stays; the unit stays up, and its status says what is wrong, and where."""
    field.wait_published(field.addresses)
    machine.write(FILE, "version: 1\nservices: 7\n")
    machine.run("systemctl", "reload", UNIT)
    refused = f"refused the changed file: {FILE}:2:11: services"
    wait_until(lambda: refused in machine.show("StatusText"), 10, "the word of it")
    assert machine.show("ActiveState") in {"active", "reloading"}
    assert field.published() == (field.addresses, [])


def test_the_kubeconfig_is_no_password(machine: Machine, field: Beside) -> None:
    """It lies among the credentials, which may be named; whoever edits the file has it sent nowhere all the same."""
    field.wait_published(field.addresses)
    machine.write(FILE, field.config().replace("secrets_mysql-password", "kubeconfig"))
    machine.run("systemctl", "reload", UNIT)
    refused = "kubeconfig is what Mooring logs in to the cluster with, and goes to no database"
    wait_until(lambda: any(refused in str(line) for line in machine.logs("config.refused")), 10, "the word of it")
    assert field.published() == (field.addresses, [])


def test_a_stop_gives_the_lease_back(machine: Machine, field: Beside) -> None:
    """Another may write at once, and the published addresses stay as they are."""
    field.wait_published(field.addresses)
    wait_until(lambda: machine.show("StatusText").startswith("leads"), 40, "it to lead", every=0.2)
    stored = field.endpoints()["metadata"]["resourceVersion"]
    machine.run("systemctl", "stop", UNIT)
    assert field.holder() == ""
    assert machine.show("Result") == "success"
    assert field.endpoints()["metadata"]["resourceVersion"] == stored


@pytest.mark.fault(
    "mooring",
    "It hangs under systemd",
    "The watchdog ends it; the new one finds nothing to write.",
    within="the watchdog's time",
)
def test_a_hung_daemon_is_started_anew(machine: Machine, field: Beside) -> None:
    """The watchdog ends it without a core that would hold passwords, and the new one finds nothing to write."""
    field.wait_published(field.addresses)
    machine.write(f"{PLACE}.d/watchdog.conf", "[Service]\nWatchdogSec=15\n")
    machine.shell(f"systemctl daemon-reload; systemctl restart {UNIT}")
    field.wait_published(field.addresses)
    hung, stored = main_pid(machine), field.endpoints()["metadata"]["resourceVersion"]
    machine.run("kill", "-STOP", str(hung))
    wait_until(lambda: main_pid(machine) not in {0, hung}, 40, "another process", every=0.2)
    wait_until(lambda: machine.show("ActiveState") == "active", 30, "it to be ready", every=0.2)
    told = machine.journal()
    assert "Watchdog timeout (limit 15s)!" in told
    assert "code=killed, status=6/ABRT" in told
    assert int(machine.show("NRestarts")) == 1
    assert field.endpoints()["metadata"]["resourceVersion"] == stored
