"""Bare machines for tests reach package mirrors as this machine does."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.fresh import Machine, apt_settings

DUMPED = """\
APT "";
APT::Architecture "amd64";
Acquire "";
Acquire::cdrom::mount "/media/cdrom";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::Check-Valid-Until "false";
Dir "/";
"""


def test_only_the_way_to_mirrors_is_handed_on() -> None:
    """Proxies and checks of dates are; folders of this machine are not."""
    assert apt_settings(DUMPED).splitlines() == DUMPED.splitlines()[4:6]


def test_what_is_mounted_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine is entered in mount and process namespaces of its own, with proxies and no other variable."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("SECRET", "no")
    line = Machine(Path("/r"), "root").line("make run")
    assert line[:7] == ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    assert "https_proxy=http://proxy.example:3128" in line
    assert not [word for word in line if "SECRET" in word]
    assert "make run" in line[-1]
