# ruff: noqa: INP001 -- a script, no package
"""What Mooring's image weighs, how soon it says something, how soon it ends, and what it holds while idle.

    PYTHONPATH=tools .venv/bin/python bench/image.py [STARTS]

The image is built from this checkout and run by podman and runc: this wants root and what tools/bootstrap.sh
image and cluster install. One real redis-server is the only host; the cluster is a folder, then a real API server.
"and MySQL" asks a host that refuses besides, so that both clients are loaded. "From the container" counts from the
moment that its first process runs, "from podman" from the command before it.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from kube.api import Api
from lab import containers, images
from lab.configuration import at, file, service
from lab.containers import Contained, inspected, resident
from lab.free_ports import free_port
from lab.servers import Redis

ADDRESS = "10.20.0.21"
IDLE_SECONDS = 20.0
Start = Callable[[], Contained]


class OnCluster(Contained):
    """The same against an API server; ``state_dir`` holds the kubeconfig."""

    def _where(self) -> list[str]:
        return ["--cluster", "kubeconfig", "--kubeconfig", str(self.state_dir / "kubeconfig")]


def handed_over(api: Api, place: Path) -> None:
    """Puts a kubeconfig where the container may read it; data inside it would want a folder for temporary files."""
    document = yaml.safe_load(api.kubeconfig.read_text())
    held = document["clusters"][0]["cluster"]
    held["certificate-authority"] = str(shutil.copy(held["certificate-authority"], place / "ca.crt"))
    (place / "kubeconfig").write_text(yaml.safe_dump(document))


def once(start: Start, *, idle: float = 0) -> tuple[float, float, float, float]:
    """One life: seconds from podman and from the container to the first verdict, bytes, seconds to end."""
    began = time.monotonic()
    with start() as daemon:
        said = daemon.wait_log("host.ready", timeout=60)
        from_podman = time.monotonic() - began
        first = inspected("{{.State.StartedAt.Unix}}.{{.State.StartedAt.Nanosecond | printf `%09d`}}", daemon.name)
        verdict = datetime.fromisoformat(said["timestamp"]).astimezone(UTC).timestamp()
        time.sleep(idle)
        held = resident(daemon.pid)
        told = time.monotonic()
        daemon.stop(timeout=20)
        return from_podman, verdict - float(first), held, time.monotonic() - told


def report(name: str, start: Start, starts: int) -> None:
    lives = [once(start) for _ in range(starts)]
    columns = [statistics.median(column) for column in zip(*lives, strict=True)]
    held = once(start, idle=IDLE_SECONDS)[2]
    sys.stdout.write(
        f"{name:<14}first verdict {columns[1]:.2f} s from the container, {columns[0]:.2f} s from podman (median of "
        f"{starts}); end {columns[3]:.2f} s after SIGTERM; {held / 2**20:.1f} MiB resident after {IDLE_SECONDS:g} s\n"
    )


def in_folders(image: str, text: str, place: Path) -> Start:
    """Each life in a folder of its own: what is stored is no first verdict."""
    return lambda: Contained(image, text, Path(tempfile.mkdtemp(dir=place)))


def in_cluster(image: str, text: str, place: Path, forget: Callable[[], None]) -> Start:
    def start() -> Contained:
        forget()
        return OnCluster(image, text, place, args=("--no-leader-elect",))

    return start


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    image = images.mooring().reference
    layers = [size / 1e6 for size in containers.own_layers(image)]
    sys.stdout.write(f"layers        {sum(layers):.1f} MB unpacked, of it {min(layers):.1f} Mooring's code\n")
    with Redis() as cache, Api() as api, tempfile.TemporaryDirectory() as name, api.namespace() as namespace:
        place, path = Path(name), f"/api/v1/namespaces/{namespace}"
        place.chmod(0o711)
        handed_over(api, place)
        ports = [{"name": "redis", "port": 6379}]
        api.rest.create(f"{path}/services", {"metadata": {"name": "sessions"}, "spec": {"ports": ports}})
        sessions = service("sessions", "redis", [at(ADDRESS, cache)], namespace=namespace)
        refused = service(
            "db",
            "mysql",
            [{"address": ADDRESS, "probeAddress": "127.0.0.1", "probePort": free_port()}],
            block={"user": "mooring"},
        )

        def forget() -> None:
            api.rest.delete(f"{path}/endpoints/sessions")

        report("folder", in_folders(image, file(sessions), place), starts)
        report("API server", in_cluster(image, file(sessions), place, forget), starts)
        report("and MySQL", in_cluster(image, file(sessions, refused), place, forget), starts)


if __name__ == "__main__":
    main()
