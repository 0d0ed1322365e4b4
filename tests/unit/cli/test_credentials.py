"""What is said where nobody can log in to a cluster: what, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cli import credentials
from mooring.cli.credentials import check_credentials
from mooring.cli.settings import load_settings
from mooring.model.errors import NoCredentials

DO = "Give --kubeconfig FILE (MOORING_KUBECONFIG), or --cluster local for a folder instead of a cluster."
NO_CONTEXT = "names no current context. Give --context NAME (MOORING_CONTEXT)"
GOOD = "{current-context: a, contexts: [{name: a}, {name: b}]}"


def complaint(environment: dict[str, str], **settings: object) -> str:
    with pytest.raises(NoCredentials) as caught:
        check_credentials(load_settings({"cluster": "kubeconfig", **settings}), environment)
    return str(caught.value).removeprefix("no usable credentials for a cluster: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kubeconfig"


def test_a_file_that_is_not_there(file: Path) -> None:
    """Its path is named, also where several are listed."""
    assert complaint({}, kubeconfig=str(file)) == f"{file} is not there. {DO}"
    assert complaint({"KUBECONFIG": f"{file}:{file}2"}) == f"{file}, {file}2 is not there. {DO}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\xcb\x00", "is no YAML"),
        (b"{", "is no YAML"),
        (b"[]", "is no kubeconfig"),
        (b"", "is no kubeconfig"),
    ],
)
def test_a_file_of_another_kind(file: Path, text: bytes, why: str) -> None:
    """No word of a parser."""
    file.write_bytes(text)
    assert complaint({}, kubeconfig=str(file)) == f"{file} {why}. {DO}"


def test_a_folder(tmp_path: Path) -> None:
    """It is there, and cannot be read."""
    assert complaint({}, kubeconfig=str(tmp_path)) == f"{tmp_path} cannot be read: Is a directory. {DO}"


@pytest.mark.parametrize(
    ("text", "context", "why"),
    [
        (GOOD, "c", "has no context 'c'. Give --context NAME (MOORING_CONTEXT); there are: a, b"),
        (
            "{contexts: [{name: a}]}",
            None,
            f"{NO_CONTEXT}; there are: a",
        ),
        ("{contexts: 7}", None, f"{NO_CONTEXT}; there are: none"),
    ],
)
def test_a_context_that_is_not_there(file: Path, text: str, context: str | None, why: str) -> None:
    """Those that are there are named."""
    file.write_text(text)
    assert complaint({}, kubeconfig=str(file), context=context) == f"{file} {why}"


def test_no_pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--cluster in-cluster` outside of one."""
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path / "token")
    assert complaint({}, cluster="in-cluster").startswith(f"{tmp_path}/token is not there, so this is no pod. Outside")


def test_nothing_is_said_where_nothing_is_plainly_wrong(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The login decides; in a pod no kubeconfig is looked for."""
    file.write_text(GOOD)
    for context in (None, "b"):
        check_credentials(load_settings({"cluster": "kubeconfig", "context": context}), {"KUBECONFIG": str(file)})
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", file)
    for cluster in ("auto", "in-cluster"):
        check_credentials(load_settings({"cluster": cluster, "kubeconfig": "/nonexistent"}), {})
