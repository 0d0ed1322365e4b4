"""The group `file`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cli.doctor import configuration
from mooring.cli.doctor.configuration import FileFacts, file_facts, findings
from mooring.cli.doctor.finding import Level
from mooring.cli.settings import load_settings
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")

VALID = "{version: 1, services: [{name: db, hosts: [10.20.0.11], check: {mysql: {user: m, passwordFile: /none/pw}}}]}"


def facts(folder: Path, text: str | None, **settings: object) -> FileFacts:
    file = folder / "config.yaml"
    if text is not None:
        file.write_text(text)
    return file_facts(load_settings({"cluster": "kubeconfig", "config": str(file), **settings}))


def test_a_sound_file_has_no_findings(tmp_path: Path) -> None:
    """Whether the files exist that it names is another group's."""
    found = facts(tmp_path, VALID)
    assert findings(found) == []
    assert found.config is not None


@pytest.mark.parametrize(
    ("text", "what", "count"),
    [
        (None, "is not there", 1),
        ("", "is empty", 1),
        ("{version: 2, services: []}", "1:11: version", 2),
        (VALID.replace("10.20.0.11", "127.0.0.1"), "loopback", 1),
    ],
    ids=["missing", "empty", "two-errors", "loopback"],
)
def test_each_error_of_the_file_is_a_finding(tmp_path: Path, text: str | None, what: str, count: int) -> None:
    """With its place, and what to type next."""
    found = findings(facts(tmp_path, text))
    assert len(found) == count
    assert what in found[0].what
    assert {one.level for one in found} == {Level.PROBLEM}
    assert ("mooring init" if text is None else "mooring validate ") in found[0].mend


def test_what_validate_warns_of_is_a_warning(write: Write, up: int) -> None:
    """The file is used all the same: another port is probed than published, at an address of this machine alone."""
    found = findings(file_facts(load_settings({"cluster": "kubeconfig", "config": str(write(up))})))
    assert {one.level for one in found} == {Level.WARNING}
    assert len(found) == 2


def test_in_its_pod_the_rules_are_those_of_the_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret outside of `--secret-dirs` is refused there, as `run` does; a laptop has its secrets elsewhere."""
    account = tmp_path / "token"
    account.write_text("none")
    monkeypatch.setattr(configuration, "SERVICE_ACCOUNT", account)
    (found,) = findings(facts(tmp_path, VALID, cluster="auto"))
    assert "/none/pw" in found.what
    assert findings(facts(tmp_path, VALID, cluster="auto", secret_dirs="/none")) == []
