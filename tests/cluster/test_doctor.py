"""From objects made by hand to a set-up that the doctor finds sound, at a real API server with its controllers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.commands import Done, command
from kube import kubectl
from kube.daemon import ClusterDaemon
from kube.databases import MYSQL, REDIS, Outside, outside
from kube.full_cluster import Cluster
from lab.waiting import wait_until

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_servers]

SLOW = "defaults: {check: {periodSeconds: 5, timeoutSeconds: 5}}\n"
"""Time enough for a busy machine to log in."""
BY_NAME = "/etc/mooring/secrets/redis-password"
"""The password file that an imported file names."""


def run(out: Outside, kubeconfig: Path, *words: str) -> Done:
    return command(out.cluster, *words, "--kubeconfig", str(kubeconfig))


def test_an_imported_file_changes_no_address(cluster: Cluster, namespace: str, out: Outside, tmp_path: Path) -> None:
    """Objects made by hand become a file; with its password in place, a plan is that Mooring takes them over alone."""
    out.make_service(namespace)
    out.by_hand(namespace, out.addresses)
    wait_until(lambda: set(out.slices(namespace)) == set(out.addresses), 20, "the mirror")
    done = run(out, cluster.kubeconfig, "import", REDIS.service, "-n", namespace)
    assert done.returncode == 0
    assert f"{namespace}/{REDIS.service}: not known: the protocol: `redis` is a guess by the port" in done.stderr
    config = tmp_path / "config.yaml"
    config.write_text(done.stdout.replace(BY_NAME, str(out.secret)).replace("services:", f"{SLOW}services:"))
    assert command(cluster, "validate", str(config)).returncode == 0
    plan = partial(run, out, cluster.kubeconfig, "plan", "--config", str(config))
    wait_until(lambda: changes(plan()) == ["+managed-by: mooring"], 60, "a plan that changes no address")
    assert run(out, cluster.kubeconfig, "run", "--once", "--config", str(config)).returncode == 0
    wait_until(lambda: plan().stdout == "nothing to change\n", 60, "a plan that changes nothing")


def changes(planned: Done) -> list[str]:
    lines = planned.stdout.splitlines()
    return [line for line in lines if line.startswith(("+", "-")) and line[:3] not in {"+++", "---"}]


def problems(done: Done) -> dict[str, list[dict[str, Any]]]:
    """The findings by group, without the sound ones."""
    groups = json.loads(done.stdout)["groups"]
    return {group["group"]: group["findings"] for group in groups if not group["sound"] or group["notLookedAt"]}


def test_the_doctor_finds_what_is_broken_and_its_words_mend_it(
    cluster: Cluster, namespace: str, out: Outside, tmp_path: Path
) -> None:
    """An account without rights, then with the Roles that it printed; a daemon that leads; a host that dies."""
    out.make_service(namespace)
    user = cluster.user("mooring", namespace=namespace)
    config = tmp_path / "config.yaml"
    config.write_text(out.file(namespace))
    lease = ("--lease-name", "doctor", "--lease-namespace", namespace)
    words = ("doctor", "--config", str(config), "-o", "json", *lease)
    poor = run(out, user.kubeconfig, *words, "--only", "file,secrets,rights")
    assert poor.returncode == 1
    (found,) = problems(poor)["rights"]
    manifest = tmp_path / "role.yaml"
    manifest.write_text(found["mend"].partition("\n")[2].removesuffix("END"))
    kubectl.run(cluster.kubeconfig, "apply", "-f", str(manifest), netns=cluster.netns)
    key = f"{namespace}/{REDIS.service}"
    with ClusterDaemon(config.read_text(), cluster, kubeconfig=user.kubeconfig, args=lease) as daemon:
        daemon.wait_ready(key, out.addresses, timeout=30)
        sound = run(out, user.kubeconfig, *words, "--wait", "40s")
        # The daemon is no pod, and its account may not read default/kubernetes.
        assert (sound.returncode, problems(sound)) == (0, {"network": [], "traffic": []})
        out.servers[1].kill()
        dead = problems(run(out, user.kubeconfig, *words))
        assert any(f"{out.addresses[1]}:{REDIS.target}" in one["what"] for one in dead["hosts"])


PATIENT = {"periodSeconds": 5, "timeoutSeconds": 5}
"""Time enough for a busy machine to log in."""


class Traffic:
    """Two Services, one of MariaDB and one of Redis, and what the doctor says of their traffic on the node."""

    def __init__(self, namespace: str, services: Sequence[Outside], config: Path) -> None:
        self.namespace, self.services, self.config = namespace, services, config
        entries = [one.service(one.addresses, namespace=namespace) for one in services]
        file = {"version": 1, "defaults": {"check": PATIENT}, "services": entries}
        config.write_text(json.dumps(file))
        self.places: dict[str, str] = {}

    def publish(self, out: Outside, address: str) -> None:
        """The Service, if it is not there yet, with this address alone in its slice."""
        if out.kind.service not in self.places:
            self.places[out.kind.service] = f"{out.make_service(self.namespace)}:{out.kind.port}"
            out.by_hand(self.namespace, [address])
        else:
            subset = {"addresses": [{"ip": address}], "ports": [{"name": out.kind.protocol, "port": out.kind.target}]}
            path = f"/api/v1/namespaces/{self.namespace}/endpoints/{out.kind.service}"
            out.cluster.rest.patch(path, {"subsets": [subset]})
        wait_until(lambda: [*out.slices(self.namespace)] == [address], 20, "the mirror")

    def says(self) -> tuple[int, list[str]]:
        """The exit code and what it says of each Service: notes, then findings."""
        words = ("doctor", "--config", str(self.config), "--only", "traffic", "-o", "json")
        done = run(self.services[0], self.services[0].cluster.kubeconfig, *words)
        (group,) = json.loads(done.stdout)["groups"]
        assert group["notLookedAt"] is None
        return done.returncode, [*group["notes"], *(one["what"] for one in group["findings"])]

    def of(self, out: Outside, before: str = "") -> str:
        """How a sentence about the Service begins."""
        return f"{self.namespace}/{out.kind.service}: {before}{self.places[out.kind.service]}"


def test_the_doctor_logs_in_through_the_cluster_ip(
    cluster: Cluster, namespace: str, out: Outside, tmp_path: Path
) -> None:
    """It says which host answers there, by the server's own identity; else where traffic goes, and where it should.

    kube-proxy that stands still has no rule for a new Service, and an old one for a Service that changed.
    """
    redis = out
    with outside(cluster, tmp_path, MYSQL) as [mysql]:
        traffic = Traffic(namespace, [mysql, redis], tmp_path / "config.yaml")
        one, two = (f"{address} ({address}:{REDIS.target})" for address in redis.addresses)
        first = f"{mysql.addresses[0]} ({mysql.addresses[0]}:{MYSQL.target})"
        traffic.publish(redis, redis.addresses[0])
        redis.wait_balanced(namespace, redis.addresses[:1])
        cluster.node.proxy.freeze()
        traffic.publish(redis, redis.addresses[1])
        traffic.publish(mysql, mysql.addresses[0])
        code, (without, stale) = traffic.says()
        assert code == 1
        assert without.startswith(f"{traffic.of(mysql, 'a login through ')} fails, though {first} can be reached: ")
        assert stale == f"{traffic.of(redis)} leads to {one}, and published as ready is {two}"

        cluster.node.proxy.thaw()
        redis.wait_balanced(namespace, redis.addresses[1:])
        mysql.wait_balanced(namespace, mysql.addresses[:1])
        assert traffic.says() == (0, [f"{traffic.of(mysql)} leads to {first}", f"{traffic.of(redis)} leads to {two}"])

        mysql.servers[0].kill()
        code, (sound, dead) = traffic.says()
        assert (code, sound) == (1, f"{traffic.of(redis)} leads to {two}")
        assert dead.startswith(f"{traffic.of(mysql)} leads to a host that does not serve: {first}: refused: ")
