"""Paths below the folder in which systemd shows a unit its credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cli.settings import load_settings
from mooring.config import AddressPolicy, parse, unreadable_files
from mooring.model.credentials_directory import PLACEHOLDER, expanded, unset
from mooring.model.errors import ConfigError

FOLDER = "/run/credentials/mooring.service"
NAMED = f"{PLACEHOLDER}/mysql-password"
SENTENCE = "CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit with LoadCredential="


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (NAMED, f"{FOLDER}/mysql-password"),
        ("/etc/mooring/secrets/mysql-password", "/etc/mooring/secrets/mysql-password"),
        (f"/etc/{NAMED}", f"/etc/{NAMED}"),
        (f"{PLACEHOLDER}mysql-password", f"{PLACEHOLDER}mysql-password"),
        ("${HOME}/password", "${HOME}/password"),
    ],
    ids=["a credential", "another path", "not at the beginning", "without a slash", "another variable"],
)
def test_only_the_folder_of_credentials_is_filled_in(monkeypatch: pytest.MonkeyPatch, path: str, found: str) -> None:
    """`${CREDENTIALS_DIRECTORY}/` at the beginning of a path is systemd's folder; nothing else is a variable."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", FOLDER)
    assert expanded(path) == found


@pytest.mark.parametrize("value", [None, ""])
def test_without_systemd_the_path_is_at_fault_and_says_why(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Outside of a unit nothing is guessed."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    if value is not None:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", value)
    assert expanded(NAMED) == NAMED
    assert unset(NAMED) == SENTENCE
    assert unset("/etc/mooring/secrets/mysql-password") is None


def _file(password: str, ca: str) -> bytes:
    mysql = f"{{user: u, passwordFile: '{password}', tls: {{caFile: '{ca}'}}}}"
    return f"version: 1\nservices:\n  - {{name: db, hosts: [10.20.0.11], check: {{mysql: {mysql}}}}}\n".encode()


def test_the_file_names_passwords_and_authorities_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`passwordFile` and `caFile` may be credentials."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    config = parse(_file(NAMED, f"{PLACEHOLDER}/ca.crt"), "f", AddressPolicy())
    missing = [f"default/db: check.mysql: {tmp_path}/{name}: does not exist" for name in ("mysql-password", "ca.crt")]
    assert unreadable_files(config) == missing
    for name in ("mysql-password", "ca.crt"):
        (tmp_path / name).write_text("x\n")
    assert unreadable_files(config) == []


def test_a_file_with_credentials_can_be_checked_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mooring validate` opens no secret, so it needs no systemd; what starts without one says what is missing."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config = parse(_file(NAMED, "/etc/hostname"), "f", AddressPolicy())
    assert unreadable_files(config) == [f"default/db: check.mysql: {NAMED}: {SENTENCE}"]


def test_a_path_with_another_variable_is_refused() -> None:
    """A variable that nobody fills in is found before the first probe."""
    with pytest.raises(ConfigError, match=r"must be an absolute path, or one that begins with \$\{CREDENTIALS_DIR"):
        parse(_file("${HOME}/password", "/etc/hostname"), "f", AddressPolicy())


def test_a_kubeconfig_may_be_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--kubeconfig` and MOORING_KUBECONFIG know the folder, and say so where there is none."""
    named = {"kubeconfig": f"{PLACEHOLDER}/kubeconfig"}
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", FOLDER)
    assert load_settings(named).kubeconfig == Path(FOLDER, "kubeconfig")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ConfigError) as caught:
        load_settings(named)
    assert caught.value.problems == (
        f"--kubeconfig (MOORING_KUBECONFIG): {SENTENCE}, is '${{CREDENTIALS_DIRECTORY}}/kubeconfig'",
    )
