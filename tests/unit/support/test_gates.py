"""Skips are loud, and with CI set they are errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import leftovers
from support import gates

pytestmark = pytest.mark.slow  # each runs pytest anew
TESTS = """
import pytest

def test_runs():
    pass

def test_skips():
    pytest.skip("no such machine")

@pytest.mark.skip(reason="not today")
def test_marked():
    pass

@pytest.mark.xfail(reason="a known gap", strict=True)
def test_expected():
    assert False
"""


def run(directory: Path, tests: str, **env: str) -> tuple[int, str]:
    """Runs pytest on these tests with the plugin, as a process of its own."""
    (directory / "test_it.py").write_text(tests)
    paths = ":".join(str(Path(str(module.__file__)).parents[1]) for module in (gates, leftovers))
    inherited = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTEST_ADDOPTS")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "support.gates", "--rootdir=.", "-c", "/dev/null", "test_it.py"],
        cwd=directory,
        env={**inherited, "PYTHONPATH": paths, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_skips_are_listed(tmp_path: Path) -> None:
    """On a developer's machine a skip passes, and the end of the run names each skipped test and why."""
    code, output = run(tmp_path, TESTS)
    assert code == 0
    assert "NOT RUN on this machine" in output
    assert "1 because: no such machine\n    test_it.py::test_skips\n" in output
    assert "1 because: not today\n    test_it.py::test_marked\n" in output
    assert "a known gap" not in output.partition("NOT RUN")[2]


def test_nothing_may_skip_in_ci(tmp_path: Path) -> None:
    """With CI set each skip fails the run, whichever way it was asked for; an expected failure is no skip."""
    code, output = run(tmp_path, TESTS, CI="true")
    assert code == 1
    assert "skipped, and CI is set, where nothing may skip: no such machine" in output
    assert "1 passed, 1 xfailed" in output


def test_no_module_may_skip_in_ci(tmp_path: Path) -> None:
    """With CI set a whole file that skips itself is an error, too."""
    tests = "import pytest\npytest.importorskip('a_module_that_is_not_there')\n"
    assert run(tmp_path, tests)[0] == 5
    code, output = run(tmp_path, tests, CI="true")
    assert code == 2
    assert "where nothing may skip: could not import 'a_module_that_is_not_there'" in output


def test_a_run_in_the_background_hears_an_interrupt(tmp_path: Path) -> None:
    """A shell has its background jobs ignore SIGINT; the commands that tests start would ignore it, too."""
    tests = """
import subprocess

def test_it():
    child = subprocess.run(["sh", "-c", "kill -INT $$; exit 3"])
    assert child.returncode == -2
"""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, output = run(tmp_path, tests)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 0, output


def test_machine_without_servers_is_named(tmp_path: Path) -> None:
    """A test that needs servers says which ones are missing."""
    tests = "import pytest\n@pytest.mark.needs_servers\ndef test_it():\n    assert False\n"
    (tmp_path / "empty").mkdir()
    code, output = run(tmp_path, "import lab.process as p\np._SYSTEM = ''\n" + tests, PATH=str(tmp_path / "empty"))
    assert code == 0
    assert "1 because: not installed: mariadbd, redis-server" in output


def test_machine_without_kubernetes_is_named(tmp_path: Path) -> None:
    """A test that needs a cluster says what is not built yet, and how to build it."""
    tests = "import pytest\n@pytest.mark.needs_api\ndef test_it():\n    assert False\n"
    code, output = run(tmp_path, tests, XDG_CACHE_HOME=str(tmp_path), KUBEBUILDER_ASSETS="")
    assert code == 0
    assert "1 because: not installed: k8s (tools/bootstrap.sh cluster builds them)" in output


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="about Linux")
def test_other_users_are_told_what_root_is_needed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not root, tests that make namespaces say so."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # a test cannot drop root without losing its own files
    assert gates.lacking("needs_root") == "not root"


def test_quick_tests_run_first(tmp_path: Path) -> None:
    """Unit tests come before scenarios, so that a slip shows in seconds."""
    for tier in ("scenarios", "unit"):
        (tmp_path / tier).mkdir()
        (tmp_path / tier / f"test_{tier}.py").write_text("def test_it():\n    pass\n")
    paths = ":".join(str(Path(str(module.__file__)).parents[1]) for module in (gates, leftovers))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "support.gates", "--rootdir=.", "-c", "/dev/null", "-v"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.index("test_unit.py::test_it") < done.stdout.index("test_scenarios.py::test_it")


MATRIX = """
import pytest

@pytest.mark.needs_packages("mysql97")
def test_always():
    assert False

@pytest.mark.every_server
def test_more():
    pass
"""


def test_only_make_matrix_runs_every_server(tmp_path: Path) -> None:
    """Elsewhere the others are no skips: `make test` names a server only where it should have run."""
    empty = {"XDG_CACHE_HOME": str(tmp_path)}
    code, output = run(tmp_path, MATRIX, **empty)
    assert code == 0
    assert "1 because: not fetched: mysql97\n    test_it.py::test_always\n" in output
    assert "1 deselected" in output
    code, output = run(tmp_path, MATRIX, PYTEST_ADDOPTS="--every-server", **empty)
    assert (code, "1 passed, 1 skipped" in output) == (0, True)


def test_only_make_fresh_runs_what_takes_long(tmp_path: Path) -> None:
    """Elsewhere its tests are no skips."""
    tests = "import pytest\n\n@pytest.mark.fresh_machine\ndef test_it():\n    pass\n"
    code, output = run(tmp_path, tests, CI="true")
    assert (code, "1 deselected" in output) == (5, True), "5: pytest ran no test"
