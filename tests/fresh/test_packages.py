"""The .deb on machines that have Debian's Python and nothing of ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab import fresh
from mooring import __version__
from release import deb

pytestmark = [pytest.mark.fresh_machine, pytest.mark.needs_bare_machine, pytest.mark.timeout(1800)]
SCRIPT = """
set -e
dpkg --install /root/*.deb
mooring --version
mooring validate /usr/share/doc/mooring/example.yaml
dpkg --remove mooring
test ! -e /opt/mooring && echo gone
"""


@pytest.mark.parametrize(("suite", "debian"), list(zip(fresh.SUITES, deb.DEBIANS, strict=True)))
def test_each_debian_has_its_package(suite: str, debian: deb.Debian, tmp_path: Path) -> None:
    """It installs with what a bare Debian has, runs over that Debian's Python, and leaves nothing when removed."""
    with fresh.machine(suite) as machine:
        for file in deb.packages(tmp_path, [debian]):
            shutil.copy(file, machine.root / "root")
        code, output = machine.ran(SCRIPT, 600)
    assert code == 0, output
    assert f"mooring {__version__}" in output
    assert output.rstrip().endswith("gone")
