"""docs/first-look.md: each command over real servers, and what it prints held against what the page shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.free_ports import free_port
from lab.process import start_all
from lab.servers import Redis
from lab.waiting import wait_until
from support.console import Step, blocks, plain

pytestmark = pytest.mark.needs_servers
PAGE = (Path(__file__).parents[2] / "docs/first-look.md").read_text()
BEFORE, RUNNING, ERRORS = (block.steps for block in blocks(PAGE))
LOG_LEFT_OUT = "mooring run --once"
"""Its log is not on the page, which says so."""


@dataclass(frozen=True)
class Reader:
    """Somebody who types what the page says; ``ports`` are those of the page with what is free here."""

    folder: Path
    ports: Mapping[str, str]

    def here(self, text: str) -> str:
        for page, real in self.ports.items():
            text = text.replace(page, real)
        return text

    @property
    def environment(self) -> dict[str, str]:
        programs = Path(sys.executable).parent
        others = {name: value for name, value in os.environ.items() if not name.startswith("MOORING_")}
        return others | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "MOORING_CLUSTER": "local",
            "MOORING_CONFIG": "config.yaml",
        }

    def type(self, step: Step) -> None:
        """Runs it. The first ``cat`` of a file is where the page shows what stands in it."""
        shown = [self.here(line) for line in step.shown]
        program, _, name = step.command.partition(" ")
        if program == "cat" and not (self.folder / name).exists():
            (self.folder / name).write_text("\n".join([*shown, ""]))
        done = subprocess.run(
            ["sh", "-c", self.here(step.command)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        errors = [] if step.command == LOG_LEFT_OUT else done.stderr.splitlines()
        assert plain(done.stdout.splitlines() + errors) == plain(shown), step.command


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Redis]]:
    with ExitStack() as undo:
        made = [Redis(), Redis()]
        for server in made:
            undo.callback(server.close)
        start_all(*made)
        yield made


@pytest.fixture(scope="module")
def reader(servers: list[Redis], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    ports = {"7011": str(servers[0].port), "7012": str(servers[1].port), "8099": str(free_port())}
    return Reader(tmp_path_factory.mktemp("first-look"), ports)


@contextmanager
def daemon(reader: Reader) -> Iterator[None]:
    """``mooring run`` in the reader's folder."""
    words = [str(Path(sys.executable).parent / "mooring"), "run", "--listen", f"127.0.0.1:{reader.ports['8099']}"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=reader.folder, env=reader.environment, stdout=quiet, stderr=quiet) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(120)


def status(reader: Reader) -> str:
    words = ["sh", "-c", reader.here(RUNNING[0].command)]
    done = subprocess.run(words, env=reader.environment, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout


def test_the_commands(reader: Reader, servers: list[Redis]) -> None:
    """From the file to its manifest, then the status with one server killed: as shown, but for times."""
    for step in BEFORE:
        reader.type(step)
    with daemon(reader):
        wait_until(lambda: status(reader).count(" ready ") > 2, 120, "both hosts to be ready", every=0.2)
        servers[1].kill()
        wait_until(lambda: "not-ready  not-ready" in status(reader), 120, "the killed host to leave", every=0.2)
        for step in RUNNING:
            reader.type(step)


def test_all_errors_of_a_file(reader: Reader) -> None:
    """Each with line and column, as shown."""
    for step in ERRORS:
        reader.type(step)
