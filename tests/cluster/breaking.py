"""How a sound set-up is broken in one place. Each function makes what breaks a ``SetUp``."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cluster.set_up import SetUp
from kube.databases import PASSWORD
from lab.certificates import issue
from lab.servers import Redis

Break = Callable[[SetUp], None]


def text(content: str) -> Break:
    """The whole file."""

    def change(on: SetUp) -> None:
        on.text = content

    return change


def words(*more: str) -> Break:
    """Further words of the command."""
    return lambda on: on.words.extend(more)


def service(**fields: Any) -> Break:
    """Fields of the Service's entry in the file."""
    return lambda on: on.entry.update(fields)


def check(**fields: Any) -> Break:
    """Fields of its check."""
    return lambda on: on.entry["check"].update(fields)


def instead(**protocol: Any) -> Break:
    """Another check."""
    return lambda on: on.entry.update(check=protocol)


def out(broken: Break) -> Break:
    """No host is published as ready, as Mooring does where all of them fail."""

    def change(on: SetUp) -> None:
        broken(on)
        on.ready, on.not_ready = [], [*on.ready, *on.not_ready]

    return change


def block(**fields: Any) -> Break:
    """Fields of the protocol's block."""
    return lambda on: on.block.update(fields)


def password(content: str | bytes) -> Break:
    """What the password file holds."""
    return lambda on: on.block.update(passwordFile=str(on.secret(content)))


def path(field: str, name: str) -> Break:
    """A file in the folder of the set-up that is not there."""
    return lambda on: on.block.update({field: str(on.folder / name)})


def hosts(*names: str) -> Break:
    """Others than those of all; none is published as ready."""
    return lambda on: on.hosts(*names)


def address(last: int) -> str:
    return f"10.77.0.{last}"


def silent_host(on: SetUp) -> None:
    """The packets to it vanish."""
    host = on.world.cluster.host(3)
    host.drop()
    on.hosts(host.address)


def rejecting_host(on: SetUp) -> None:
    host = on.world.cluster.host(3)
    host.reject("host-unreachable")
    on.hosts(host.address)


def other_family(on: SetUp) -> None:
    """A host that the Service has no family for; nobody asks it."""
    on.entry["hosts"].append({"address": "fd00:77::11", "maintenance": True})


def idle_host(on: SetUp) -> None:
    """A machine where nothing listens."""
    on.hosts(on.world.cluster.host(3).address)


def full_redis(on: SetUp) -> None:
    """All its places are taken."""
    host = on.world.cluster.host(3)
    server = Redis(address=host.address, netns=host.netns, password=PASSWORD)
    on.run(server)
    held = on.undo.enter_context(socket.socket(socket.AF_UNIX))
    held.connect(str(server.control))
    server.command("CONFIG", "SET", "maxclients", 1)
    on.hosts(host.address)


def tls_redis(name: str, days: float = 90, *, trusted: bool = True, ready: bool = False) -> Break:
    """A Redis with a certificate for this name, of an authority that the file trusts, or of another one."""

    def change(on: SetUp) -> None:
        host, not_after = on.world.cluster.host(3), datetime.now(UTC) + timedelta(days=days)
        shown, other = (folder(on.folder / one) for one in ("shown", "other"))
        certificate, another = issue(shown, name, not_after=not_after), issue(other, name)
        on.run(Redis(address=host.address, netns=host.netns, password=PASSWORD, tls=certificate))
        on.block["tls"] = {"caFile": str((certificate if trusted else another).authority)}
        on.hosts({"address": host.address, "serverName": "db.internal"}, ready=[host.address] if ready else [])

    return change


def folder(made: Path) -> Path:
    made.mkdir()
    return made


def no_writer(on: SetUp) -> None:
    """Both MariaDB are read-only."""
    account = "'mooring'@'%'"
    for server in on.world.databases:
        server.run(f"GRANT REPLICA MONITOR ON *.* TO {account}", "SET GLOBAL read_only = 1")
        on.undo.callback(server.run, f"REVOKE REPLICA MONITOR ON *.* FROM {account}", "SET GLOBAL read_only = 0")
    on.block["role"] = "primary"


def outside_cidrs(on: SetUp) -> None:
    on.hosts(address(11))
    on.words += ["--allowed-cidrs", "10.9.0.0/16"]


def kubeconfig(content: str | None) -> Break:
    """Another one; None: there is none."""

    def change(on: SetUp) -> None:
        on.kubeconfig = on.folder / "kubeconfig"
        if content is not None:
            on.kubeconfig.write_text(content)

    return change


def silent_api(on: SetUp) -> None:
    """A login at a port where no API server listens."""
    cluster = on.world.cluster
    assert cluster.url in cluster.kubeconfig.read_text()
    kubeconfig(cluster.kubeconfig.read_text().replace(cluster.url, f"https://{cluster.address}:6444"))(on)


def refused_token(on: SetUp) -> None:
    user = on.world.cluster.user("mooring", namespace=on.namespace)
    user.token_file.write_text("nobody's")
    on.kubeconfig = user.kubeconfig


def without(*rights: str) -> Break:
    return lambda on: on.poor(*rights)


def silent_sentinels(*numbers: int) -> Break:
    """Sentinels at machines where nothing listens, in place of so many."""

    def change(on: SetUp) -> None:
        idle = on.world.cluster.host(3).address
        listed = on.block["sentinel"]["hosts"]
        for number in numbers:
            listed[number] = f"{idle}:{26379 + number}"

    return change


def sentinels(**fields: Any) -> Break:
    return lambda on: on.block["sentinel"].update(fields)
