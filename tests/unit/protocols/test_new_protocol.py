"""A protocol is one folder and one line: memcached, put into a copy of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.scripted_server import Peer, rogue

pytestmark = pytest.mark.slow  # interpreters and test runners of their own

ROOT = Path(__file__).parents[3]
LINE = '    "tcp",\n'

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs Python on a copy of the package that has the folder and the line, and nothing else that is new."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "daemon/mooring", copy / "mooring", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(__file__).parents[2] / "support/new_protocol/memcached", copy / "mooring/protocols/memcached")
    registry = copy / "mooring/protocols/registry.py"
    assert registry.read_text().count(LINE) == 1
    registry.write_text(registry.read_text().replace(LINE, f'    "memcached",\n{LINE}'))
    path = os.pathsep.join(map(str, (copy, ROOT / "tests", ROOT / "tools")))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def ran(*words: str, cwd: Path = copy) -> subprocess.CompletedProcess[str]:
        words = (sys.executable, *words)
        return subprocess.run(words, cwd=cwd, env=environment, text=True, capture_output=True, check=False, timeout=300)

    return ran


def test_the_suite_of_every_protocol_holds_it(run: Run, tmp_path: Path) -> None:
    """Without a word about it in the suite."""
    shutil.copy(ROOT / "tests/unit/protocols/test_every_protocol.py", tmp_path)
    done = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "memcached", str(tmp_path), "--rootdir", str(tmp_path)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout, done.stdout


def test_the_file_the_schema_and_the_page_know_it(run: Run, tmp_path: Path) -> None:
    """As they know every protocol of the registry."""
    assert run("-m", "mooring.config.document", str(tmp_path)).returncode == 0
    assert (
        "memcached"
        in json.loads((tmp_path / "config/mooring.schema.json").read_text())["$defs"]["CheckBlock"]["properties"]
    )
    page = (tmp_path / "docs/configuration.md").read_text()
    assert "## `memcached`\n" in page
    assert "Asks memcached for its version." in page


def test_the_network_policy_reaches_it(run: Run) -> None:
    """The ports of the chart are those of the registry."""
    done = run("-c", "from kube import chart_values; print(chart_values.ports())")
    assert 11211 in json.loads(done.stdout), done.stderr


def test_the_fuzz_campaign_has_its_streams(run: Run) -> None:
    """Also without a reference: nothing raises, nothing is held beyond the cap, and each cut gives the same answer."""
    done = run("-c", "from fuzz.campaign import campaign; print(campaign('memcached', 2000, 1))")
    assert int(done.stdout) >= 2000, done.stderr


def test_a_host_is_checked_by_it(run: Run, tmp_path: Path) -> None:
    """The command as people use it."""

    def play(peer: Peer) -> None:
        while peer.receive():
            peer.send(b"VERSION 1.6.18\r\n")

    with rogue(play) as server:
        host = f"{{address: 10.20.0.11, probeAddress: {server.address}, probePort: {server.port}}}"
        service = f"{{name: cache, ports: [{{port: 11211}}], hosts: [{host}], check: {{memcached: {{}}}}}}"
        (tmp_path / "config.yaml").write_text(f"version: 1\nservices: [{service}]\n")
        done = run("-m", "mooring", "check", "--config", str(tmp_path / "config.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_laws_hold_without_a_word_about_it(run: Run, tmp_path: Path) -> None:
    """The contracts of imports name protocols by wildcards."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = run("-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
