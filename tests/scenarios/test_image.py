"""Mooring's image, built from this checkout, as an engine runs it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from lab import containers, images
from lab.configuration import at, file, service
from lab.containers import Contained, inspected, resident
from lab.images import ROOT, Image
from lab.servers import Mariadb, Redis

pytestmark = pytest.mark.needs_image
USER, PASSWORD = "mooring", "throw-away-of-a-test"
LAYERS = 60_000_000
MEMORY = 100 * 1024 * 1024
ALL_OF_IT = """
import ast, importlib, pathlib, pkgutil, sys
import mooring, pymysql._auth
assert pymysql._auth._have_cryptography  # it says so only when a login wants it
names = [module.name for module in pkgutil.walk_packages(mooring.__path__, 'mooring.')]
for name in names:
    if not name.endswith('__main__'):
        importlib.import_module(name)
for path in pathlib.Path(mooring.__path__[0]).rglob('*.py'):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module not in ('__future__', '_typeshed'):
            module = importlib.import_module(node.module)
            for one in node.names:
                hasattr(module, one.name) or importlib.import_module(f'{node.module}.{one.name}')
        for one in node.names if isinstance(node, ast.Import) else ():
            importlib.import_module(one.name)
print(len(names))
"""


@pytest.fixture(scope="module")
def image() -> Image:
    return images.mooring()


def printed(image: Image, *words: str, options: tuple[str, ...] = ()) -> str:
    done = containers.run(image.reference, *words, options=options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(image: Image, program: str) -> str:
    """What a program prints that the image's own Python runs."""
    return printed(image, "-c", program, options=("--entrypoint", "/opt/mooring/bin/python"))


def test_what_it_says_of_itself(image: Image) -> None:
    """It runs as nobody in particular, needs no shell, ends by SIGTERM, and says what it was made of."""
    config = json.loads(inspected("{{json .Config}}", image.reference))
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["mooring"]
    assert config["Cmd"] == ["run"]
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["8080/tcp"]
    prefix = "org.opencontainers.image."
    labels = {name.removeprefix(prefix): text for name, text in config["Labels"].items() if name.startswith(prefix)}
    assert set(labels) == {"title", "description", "licenses", "version", "revision", "created"}
    assert labels["version"] == printed(image, "--version").split()[1]
    assert "unknown" not in labels.values()


def test_only_what_it_needs_is_in_it(image: Image) -> None:
    """Its own layers stay small, and hold neither a package manager nor a tool that builds."""
    own = containers.own_layers(image.reference)
    assert len(own) == 2
    assert sum(own) <= LAYERS
    found = python(image, "import importlib.metadata as m; print(*(d.name.lower() for d in m.distributions()))").split()
    assert "mooring" in found
    assert not {"pip", "setuptools", "wheel", "hatchling", "aiohttp"} & set(found)


def test_nothing_that_was_left_out_is_missed(image: Image) -> None:
    """Every module of Mooring, and every import inside one of its functions, works in the image."""
    assert int(python(image, ALL_OF_IT)) > 50


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--help",), "COMMAND"),
        (("schema",), "$defs"),
        (("validate", "/etc/mooring/example.yaml"), "valid, "),
    ],
)
def test_commands_without_a_cluster(image: Image, words: tuple[str, ...], says: str) -> None:
    """Nothing needs a root that can be written, a network, or a capability."""
    assert says in printed(image, *words, options=("--volume", f"{ROOT}/config:/etc/mooring:ro"))


def test_without_words_it_is_the_daemon(image: Image) -> None:
    """It looks for the file where a ConfigMap is mounted, and says so where there is none."""
    done = containers.run(image.reference)
    assert done.returncode == 2
    assert "/etc/mooring/config.yaml" in done.stderr


@pytest.mark.needs_servers
def test_it_keeps_a_folder(image: Image, tmp_path: Path) -> None:
    """The daemon in it publishes what real servers say, and ends at once when it is told to."""
    tmp_path.chmod(0o711)
    with Redis() as cache:
        text = file(service("sessions", "redis", [at("10.20.0.21", cache)]))
        with Contained(image.reference, text, tmp_path / "state") as daemon:
            daemon.wait_ready("default/sessions", ["10.20.0.21"], timeout=30)
            assert Path(f"/proc/{daemon.pid}").stat().st_uid == 65532
            assert resident(daemon.pid) < MEMORY
            cache.kill()
            daemon.wait_ready("default/sessions", [])
            before = time.monotonic()
            assert daemon.stop() == 0
            assert time.monotonic() - before < 30


@pytest.mark.needs_servers
@pytest.mark.parametrize("plugin", ["ed25519", "mysql_native_password"])
def test_it_logs_in_by_each_plugin(image: Image, tmp_path: Path, plugin: str) -> None:
    """The libraries that logins need are in it."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    extra = ("--plugin-load-add=auth_ed25519",) if plugin == "ed25519" else ()
    with Mariadb(extra=extra) as database:
        database.sql(f"CREATE USER '{USER}'@'%' IDENTIFIED VIA {plugin} USING PASSWORD('{PASSWORD}')")
        block = {"user": USER, "passwordFile": "/etc/mooring/password"}
        text = file(service("db", "mysql", [at("10.20.0.11", database)], block=block), period=5)
        (tmp_path / "config.yaml").write_text(text)
        line = containers.words(containers.new_name("check"), "--network", "host", "-v", f"{tmp_path}:/etc/mooring:ro")
        tmp_path.chmod(0o711)
        done = subprocess.run(
            [*line, image.reference, "check", "-o", "json"],
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout + done.stderr
