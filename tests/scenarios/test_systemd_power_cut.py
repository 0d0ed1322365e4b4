"""Three database hosts, each with a real systemd that runs the unit beside a real MariaDB, before a real cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from cluster.peers_of_db import Beside, beside
from kube.application import Login
from kube.databases import MYSQL, PASSWORD
from kube.full_cluster import Cluster
from kube.redis_services import published
from kube.versions import Versions
from lab.waiting import wait_until
from support.machine import UNIT

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_systemd]
log = logging.getLogger(__name__)
LEASE_SECONDS, RETRY_SECONDS = 15, 2
THRESHOLD, PERIOD_SECONDS, TIMEOUT_SECONDS = 3, 1, 1
DUE = LEASE_SECONDS + RETRY_SECONDS + THRESHOLD * (PERIOD_SECONDS + TIMEOUT_SECONDS)
BUSY = 20
"""Seconds that a busy machine may take longer."""


@pytest.fixture(scope="module")
def field(cluster: Cluster) -> Iterator[Beside]:
    with beside(cluster, 3) as made:
        made.install()
        made.wait_published(made.addresses)
        yield made


def logins(field: Beside, count: int) -> list[Login]:
    """Fresh logins of the application, which knows only the Service's name."""
    name, port, protocol = MYSQL.service, MYSQL.port, MYSQL.protocol
    application, user = field.cluster.application, MYSQL.user
    return application.logins(
        protocol, name, port, user=user, password=PASSWORD, count=count, namespace=field.namespace
    )


def roles(field: Beside) -> list[str]:
    return sorted(machine.show("StatusText").partition(" ")[0] for machine in field.machines)


def test_the_daemons_elect_one_that_writes(field: Beside) -> None:
    """With the same files everywhere one leads and the others stand by, each told by `systemctl status`."""
    wait_until(lambda: roles(field) == ["leads", "stands", "stands"], 90, "one leader", every=0.5)
    assert field.leader().show("StatusText") == "leads"
    wait_until(lambda: {one.server for one in logins(field, 10)} == set(field.addresses), 90, "all to be used")


def test_a_leader_that_is_stopped_hands_on_at_once(field: Beside) -> None:
    """`systemctl stop` gives the Lease back: nobody waits until it runs out, and no address moves."""
    leader = field.leader()
    with Versions(field.cluster, field.namespace) as history:
        leader.run("systemctl", "stop", UNIT)
        wait_until(lambda: field.holder() and field.leader() is not leader, LEASE_SECONDS - 5, "another leader")
        leader.run("systemctl", "start", UNIT)
    assert published(history, field.key) == [(field.addresses, [])]


@pytest.mark.fault(
    "mooring",
    "A host and the leader on it lose power",
    "Another daemon takes over and takes the host out.",
    within="15 s for the Lease, or F x P + T where that is longer",
)
def test_a_host_that_dies_with_its_leader_is_taken_out_by_another(field: Beside) -> None:
    """A power cut of the leader's host: another daemon takes over, publishes it as not ready, and traffic moves."""
    lost = field.leader()
    left = [address for address in field.addresses if address != lost.host.address]
    with Versions(field.cluster, field.namespace) as history:
        cut = time.monotonic()
        lost.power_cut()
        field.wait_published(left, [lost.host.address], within=DUE + BUSY)
        log.info("not ready after %.1f s", time.monotonic() - cut)
        wait_until(lambda: {one.server for one in logins(field, 5)} <= set(left), BUSY, "traffic to move")
        log.info("traffic moved after %.1f s", time.monotonic() - cut)
        assert {one.server for one in logins(field, 20)} == set(left)
    assert published(history, field.key) == [(field.addresses, []), (left, [lost.host.address])]
    assert field.leader().host.address in left
