# ruff: noqa: INP001 -- a script, no package
"""CPU seconds per 1,000 probes of a hundred Redis hosts, beside HAProxy and redis-cli in the same run.

    PYTHONPATH=tests .venv/bin/python bench/probes.py [SECONDS]

One real redis-server listens on a hundred addresses, inside a network namespace: this wants root. Its own count of
connections says how many probes there were, so nobody is believed about that. Mooring and HAProxy probe each address
once a second; what they use to start is not counted. HAProxy is left out where it is not on PATH.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ground.mooring import Daemon
from ground.network import Network, entered
from ground.process import command
from ground.servers import Redis

HOSTS = 100
START_SECONDS = 4.0
CLIENTS = 300
EVERY = "0.0.0.0"  # noqa: S104 -- inside a namespace without a way out
_TICK = os.sysconf("SC_CLK_TCK")


def addresses() -> list[str]:
    return [f"127.0.77.{number}" for number in range(1, HOSTS + 1)]


def connections(server: Redis) -> int:
    """How often somebody connected; the question itself is one of them."""
    return int(server.command("INFO", "stats")["total_connections_received"])


def cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def measured(server: Redis, pid: int, seconds: float) -> tuple[int, float]:
    """Probes, and the CPU seconds that they cost a process that runs on."""
    time.sleep(START_SECONDS)
    count, used = connections(server), cpu(pid)
    time.sleep(seconds)
    return connections(server) - count - 1, cpu(pid) - used


def mooring(server: Redis, seconds: float) -> tuple[int, float]:
    hosts = [
        {"address": f"10.20.0.{number}", "probeAddress": address, "probePort": server.port}
        for number, address in enumerate(addresses(), 1)
    ]
    check = {"periodSeconds": 1, "timeoutSeconds": 1, "redis": {}}
    services = [{"name": "many", "ports": [{"name": "redis", "port": 6379}], "hosts": hosts, "check": check}]
    text = json.dumps({"version": 1, "services": services})
    with tempfile.TemporaryDirectory() as folder, Daemon(text, Path(folder), netns=server.netns) as daemon:
        return measured(server, daemon.pid, seconds)


def haproxy(server: Redis, seconds: float) -> tuple[int, float] | None:
    program = command("haproxy")
    if program is None:
        return None
    lines = [
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout server 1s\n  timeout client 1s",
        "frontend none\n  bind unix@none.sock\n  default_backend many",
        "backend many\n  option tcp-check\n  tcp-check send PING\\r\\n\n  tcp-check expect string +PONG",
        *(f"  server s{i} {address}:{server.port} check inter 1s" for i, address in enumerate(addresses())),
    ]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "haproxy.cfg").write_text("\n".join(lines) + "\n")
        with entered(server.netns):
            process = subprocess.Popen([program, "-db", "-q", "-f", "haproxy.cfg"], cwd=folder)  # noqa: S603 -- a fixed command
        try:
            return measured(server, process.pid, seconds)
        finally:
            process.kill()
            process.wait()


def redis_cli(server: Redis, _seconds: float) -> tuple[int, float] | None:
    program = shutil.which("redis-cli")
    if program is None:
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for number in range(CLIENTS):
        address = addresses()[number % HOSTS]
        ping = [program, "-h", address, "-p", str(server.port), "PING"]
        with entered(server.netns):
            subprocess.run(ping, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 -- a fixed command
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return CLIENTS, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


PEERS: tuple[tuple[str, Callable[[Redis, float], tuple[int, float] | None]], ...] = (
    ("mooring", mooring),
    ("haproxy", haproxy),
    ("redis-cli PING", redis_cli),
)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    sys.stdout.write(f"{'':<16}{'probes':>8}{'CPU s / 1,000 probes':>22}\n")
    for name, run in PEERS:
        with Network(hosts=0) as network, Redis(address=EVERY, netns=network.node.netns) as server:
            found = run(server, seconds)
        told = "not installed" if found is None else f"{found[0]:>8}{1000 * found[1] / max(1, found[0]):>22.3f}"
        sys.stdout.write(f"{name:<16}{told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
