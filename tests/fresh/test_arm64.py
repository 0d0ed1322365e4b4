"""The image for arm64, built and run by emulation: what it does there is shown, how fast it is is not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import containers, emulated, images
from lab.configuration import at, file, service
from lab.containers import Contained, inspected
from lab.servers import Mariadb, Redis
from mooring import __version__

pytestmark = [
    pytest.mark.fresh_machine,
    pytest.mark.needs_emulation,
    pytest.mark.needs_image,
    pytest.mark.needs_servers,
    pytest.mark.timeout(3600),
]
NAME = "localhost/mooring-tests/mooring-arm64:test"
SLOW = 120
"""Seconds; a start takes ten times what it takes on the processor that it was built for."""
USER, PASSWORD = "mooring", "throw-away-of-a-test"


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Built as ``make image`` builds it for another platform."""
    with emulated.arm64():
        images.build(NAME, architecture="arm64")
        yield NAME
        subprocess.run(["podman", "rmi", NAME], check=True, capture_output=True)


def printed(image: str, *words: str, entrypoint: str = "mooring") -> str:
    done = containers.run(image, *words, options=("--entrypoint", entrypoint))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_it_is_for_arm64(image: str) -> None:
    """It says so to an engine that chooses by platform, and its Python says so too."""
    assert inspected("{{.Os}}/{{.Architecture}}", image) == "linux/arm64"
    machine = "import platform; print(platform.machine())"
    assert printed(image, "-c", machine, entrypoint="/opt/mooring/bin/python") == "aarch64"
    assert printed(image, "--version").split()[1] == __version__


def test_it_keeps_a_folder(image: str, tmp_path: Path) -> None:
    """Its packages' compiled parts work: it logs in to MariaDB, hears of a Redis that dies, and publishes both."""
    tmp_path.chmod(0o711)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    with Redis() as cache, Mariadb() as database:
        database.sql(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'")
        login = {"user": USER, "passwordFile": str(secret)}
        text = file(
            service("sessions", "redis", [at("10.20.0.21", cache)]),
            service("db", "mysql", [at("10.20.0.11", database)], block=login),
            period=3,
        )
        volume = ("--volume", f"{secret}:{secret}:ro")
        with Contained(image, text, tmp_path / "state", options=volume) as daemon:
            daemon.wait_ready("default/sessions", ["10.20.0.21"], timeout=SLOW)
            daemon.wait_ready("default/db", ["10.20.0.11"], timeout=SLOW)
            cache.kill()
            daemon.wait_ready("default/sessions", [], timeout=SLOW)
            assert daemon.stop() == 0
