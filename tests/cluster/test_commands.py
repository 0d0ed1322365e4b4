"""Every command as a user runs it against a real cluster, with its exit code."""

from __future__ import annotations

import http
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.commands import Done, command
from kube.daemon import ClusterDaemon
from kube.databases import REDIS, Outside, outside
from kube.full_cluster import Cluster
from kube.versions import Versions
from lab import configuration
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

ENDING = [("plan",), ("run", "--once")]
NAME = REDIS.service
PATIENT = {"period": 5.0, "failureThreshold": 1}
"""Time enough for a busy machine to log in, and one probe decides."""


@pytest.fixture(scope="module")
def databases(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside(cluster, tmp_path_factory.mktemp("secrets"), REDIS) as made:
        yield made[0]


@pytest.fixture
def redis(databases: Outside) -> Iterator[Outside]:
    """Two servers that run, also for the next test."""
    yield databases
    databases.revive()


@pytest.fixture
def config(redis: Outside, namespace: str, tmp_path: Path) -> Path:
    """A file of one Service, which is there."""
    redis.make_service(namespace)
    path = tmp_path / "config.yaml"
    path.write_text(configuration.file(redis.service(redis.addresses, namespace=namespace), **PATIENT))
    return path


def mooring(cluster: Cluster, config: Path, *words: str, **more: Any) -> Done:
    """A command against the cluster, as the administrator."""
    return command(cluster, *words, "--config", str(config), "--kubeconfig", str(cluster.kubeconfig), **more)


def stored(cluster: Cluster, namespace: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = cluster.rest.get(f"/api/v1/namespaces/{namespace}/endpoints/{NAME}")
    return found


def test_plan_and_once(cluster: Cluster, namespace: str, redis: Outside, config: Path) -> None:
    """A plan is 1 with the diff until it is written, then 0; once is 0 with all ready, 1 with a host that is not."""
    alive, dead = redis.addresses
    planned = mooring(cluster, config, "plan")
    assert (planned.returncode, planned.stderr) == (1, "")
    assert f"--- /dev/null\n+++ {namespace}/{NAME} (wanted)\n" in planned.stdout
    assert f"+  - {alive}\n+  - {dead}\n+  ports:\n+  - redis: 6379/TCP\n" in planned.stdout
    assert stored(cluster, namespace) is None
    assert mooring(cluster, config, "run", "--once").returncode == 0
    before = stored(cluster, namespace)
    again = mooring(cluster, config, "plan")
    assert (again.returncode, again.stdout) == (0, "nothing to change\n")
    redis.servers[1].kill()
    gone = mooring(cluster, config, "plan")
    assert (gone.returncode, f"+  notReadyAddresses:\n   - {dead}\n" in gone.stdout) == (1, True)
    assert stored(cluster, namespace) == before
    assert mooring(cluster, config, "run", "--once").returncode == 1
    subset = (stored(cluster, namespace) or {})["subsets"][0]
    assert [[one["ip"] for one in subset[kind]] for kind in ("addresses", "notReadyAddresses")] == [[alive], [dead]]


def test_once_and_plan_of_a_refused_service(cluster: Cluster, namespace: str, redis: Outside, config: Path) -> None:
    """1 and the reason, and the other Service of the file is served."""
    entries = [redis.service(redis.addresses, namespace=namespace, name=name) for name in (NAME, "absent")]
    config.write_text(configuration.file(*entries, **PATIENT))
    planned = mooring(cluster, config, "plan")
    assert planned.returncode == 1
    assert planned.stderr == f"{namespace}/absent: there is no such Service; create it without a selector\n"
    once = mooring(cluster, config, "run", "--once")
    assert once.returncode == 1
    assert "there is no such Service" in once.stderr
    assert stored(cluster, namespace) is not None


def test_check_touches_no_cluster(cluster: Cluster, redis: Outside, config: Path) -> None:
    """0 with all ready, 1 with a dead host, also where there are no credentials at all."""
    nowhere = ("check", "--config", str(config))
    assert command(cluster, *nowhere).returncode == 0
    redis.servers[1].kill()
    done = command(cluster, *nowhere)
    assert (done.returncode, done.stderr) == (1, "")
    assert "refused" in done.stdout


@pytest.mark.parametrize("words", [*ENDING, ("run", "--dry-run"), ("run", "--no-leader-elect")], ids=" ".join)
def test_without_credentials(cluster: Cluster, config: Path, words: tuple[str, ...]) -> None:
    """3, and one line that says what was looked for."""
    done = command(cluster, *words, "--config", str(config), "--kubeconfig", "/nonexistent")
    assert done.returncode == 3
    assert done.stderr.startswith("no usable credentials for a cluster: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [*ENDING, ("run", "--dry-run")], ids=" ".join)
def test_bad_file(cluster: Cluster, config: Path, words: tuple[str, ...]) -> None:
    """2, whatever the cluster."""
    config.write_text("version: 1\nservices: []\n")
    assert mooring(cluster, config, *words).returncode == 2


def test_dry_run(cluster: Cluster, namespace: str, redis: Outside, config: Path) -> None:
    """Each flip is one diff, and the stored object never changes; 0 after SIGTERM."""
    mooring(cluster, config, "run", "--once")
    with (
        Versions(cluster, namespace) as history,
        ClusterDaemon(redis.file(namespace), cluster, args=("--dry-run",)) as daemon,
    ):
        wait_until(lambda: ready(daemon), 20, "the daemon to be ready", every=0.1)
        for act in (redis.servers[1].kill, redis.servers[1].start):
            before = diffs(daemon)
            act()
            wait_until(partial(more_diffs, daemon, before), 10, "the next diff")
        assert daemon.stop() == 0
        assert diffs(daemon) == 2
    assert len(history.all()) == 1


def diffs(daemon: ClusterDaemon) -> int:
    return sum(line.startswith("+++ ") for line in list(daemon.output))


def more_diffs(daemon: ClusterDaemon, than: int) -> bool:
    return diffs(daemon) > than


def ready(daemon: ClusterDaemon) -> bool:
    try:
        return daemon.get("/readyz")[0] == http.HTTPStatus.OK
    except OSError:
        return False


def test_api_server_that_does_not_answer(cluster: Cluster, config: Path, tmp_path: Path) -> None:
    """A command that ends gives up after ten seconds: 3, and the reason."""
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(cluster.kubeconfig.read_text().replace(f":{cluster.port}", ":1"))  # nobody listens there
    with ThreadPoolExecutor() as together:
        started = [
            together.submit(command, cluster, *words, "--config", str(config), "--kubeconfig", str(elsewhere))
            for words in ENDING
        ]
    for one in started:
        done = one.result()
        assert done.returncode == 3
        assert "the API server does not answer" in done.stderr
        assert "Traceback" not in done.stderr
