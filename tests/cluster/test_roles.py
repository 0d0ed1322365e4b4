"""The writer's Service on a whole cluster: fresh logins and a real connection pool follow a MariaDB failover."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kube.daemon import ClusterDaemon
from kube.full_cluster import Cluster
from kube.versions import Versions
from lab.configuration import file, service
from lab.topologies.pool import Pool
from lab.topologies.replication import Member, Replication
from lab.topologies.topology import APPLICATION, PASSWORD, PROBER
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

log = logging.getLogger(__name__)
PERIOD, PORT = 0.5, 3306


@dataclass(frozen=True)
class Stage:
    cluster: Cluster
    namespace: str
    replication: Replication
    daemon: ClusterDaemon
    history: Versions
    ip: str

    def pool(self) -> Pool:
        return Pool("mysql", self.ip, PORT, netns=self.cluster.application.netns)

    def wait_rw(self, server: Member) -> None:
        self.daemon.wait_ready(f"{self.namespace}/rw", [server.address], timeout=30)

    def wait_ro(self, *servers: Member) -> None:
        self.daemon.wait_ready(f"{self.namespace}/ro", sorted(one.address for one in servers), timeout=30)

    def writers(self) -> list[list[str]]:
        found: list[list[str]] = []
        for version in self.history.of(f"{self.namespace}/rw"):
            subsets = json.loads(version.text or "{}").get("subsets") or []
            found.append([one["ip"] for subset in subsets for one in subset.get("addresses") or []])
        return found


@pytest.fixture
def replication(cluster: Cluster) -> Iterator[Replication]:
    """On three hosts of the cluster's network."""
    with Replication([cluster.host(number) for number in (1, 2, 3)]) as made:
        for server in made.servers:
            server.quietly(f"GRANT PROCESS, CONNECTION ADMIN ON *.* TO '{PROBER}'@'%'")
        yield made


@pytest.fixture
def stage(cluster: Cluster, namespace: str, replication: Replication, tmp_path: Path) -> Iterator[Stage]:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    login = {"user": PROBER, "passwordFile": str(secret)}
    hosts = [server.address for server in replication.servers]
    kills = {"onDemote": "killSessions", "killUsers": [APPLICATION]}
    rw = service("rw", "mysql", hosts, block={**login, "role": "primary"}, namespace=namespace, **kills)
    ro = service("ro", "mysql", hosts, block={**login, "role": "replica"}, namespace=namespace)
    made = {}
    for name in ("rw", "ro"):
        spec = {"ports": [{"name": "mysql", "port": PORT}]}
        path = f"/api/v1/namespaces/{namespace}/services"
        made[name] = cluster.rest.create(path, {"metadata": {"name": name}, "spec": spec})
    with contextlib.ExitStack() as undo:
        history = undo.enter_context(Versions(cluster, namespace))
        daemon = undo.enter_context(ClusterDaemon(file(rw, ro, period=PERIOD), cluster))
        ip = made["rw"]["spec"]["clusterIP"]
        ready = Stage(cluster, namespace, replication, daemon, history, ip)
        ready.wait_rw(replication.primary)
        ready.wait_ro(*replication.replicas)
        yield ready
        assert max(map(len, ready.writers())) == 1, ready.writers()


def place(server: Member) -> str:
    return f"{server.address}:{server.port}"


@pytest.mark.fault(
    "role",
    "A switchover under an application's pool",
    "Its old sessions are ended, and it writes to the new primary.",
    within="two seconds after the change is published",
)
def test_a_pool_goes_on_at_the_new_primary(stage: Stage) -> None:
    """A planned switchover: `rw` moves, the application's old sessions are ended, its pool writes to the new one."""
    old, new = stage.replication.primary, stage.replication.servers[1]
    with stage.pool() as pool:
        pool.wait_written(place(old), timeout=60)
        stage.replication.switchover(new)
        flipped = time.monotonic()
        stage.wait_rw(new)
        stored = time.monotonic() - flipped
        first = pool.wait_written(place(new), after=flipped, timeout=60)
        log.info("rw seen stored %.2f s after the last step, first write there %.2f s", stored, first - flipped)
        ended = stage.daemon.wait_log("sessions.killed", address=old.address, timeout=20)
        assert ended["count"] > 0
        wait_until(
            lambda: {one.server for one in pool.written(after=time.monotonic() - 1)} == {place(new)},
            20,
            "no other writer",
        )
    stage.wait_ro(old, stage.replication.servers[2])
    assert stage.writers()[-1] == [new.address]


@pytest.mark.fault(
    "role",
    "The primary dies under an application's pool",
    "Nobody is published until a script promotes one; then the pool writes there.",
    within="about P after the promotion",
)
def test_a_pool_survives_the_death_of_its_primary(stage: Stage) -> None:
    """SIGKILL, and a promotion by a script: until then nobody is published, then the pool writes to the new one."""
    with stage.pool() as pool:
        pool.wait_written(place(stage.replication.primary), timeout=60)
        stage.replication.kill()
        stage.daemon.wait_ready(f"{stage.namespace}/rw", [], timeout=30)
        new = stage.replication.furthest()
        stage.replication.promote(new)
        promoted = time.monotonic()
        first = pool.wait_written(place(new), after=promoted, timeout=60)
        log.info("first write %.2f s after the promotion", first - promoted)
        assert {one.server for one in pool.written(after=promoted)} == {place(new)}
    assert stage.daemon.logs("sessions.killed") == []
    assert [] in stage.writers()
