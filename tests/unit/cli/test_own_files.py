"""Which files Mooring itself logs in to a cluster with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mooring.cli.own_files import own_files


def kubeconfig(path: Path, *users: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"users": [{"name": "x", "user": user} for user in users]}))
    return path


def test_a_kubeconfig_and_the_tokens_and_keys_that_it_names(tmp_path: Path) -> None:
    """Relative paths begin at the kubeconfig's folder, as kubectl has it."""
    file = kubeconfig(tmp_path / "k", {"tokenFile": "token"}, {"client-key": "/keys/k", "client-certificate": "c"})
    assert own_files(file, {}) == (str(file), f"{tmp_path}/token", "/keys/k", f"{tmp_path}/c")


def test_kubectls_rules_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file of ``KUBECONFIG``, else the one in the home folder."""
    first, second = kubeconfig(tmp_path / "1", {"tokenFile": "t1"}), kubeconfig(tmp_path / "2")
    assert own_files(None, {"KUBECONFIG": f"{first}:{second}"}) == (str(first), f"{tmp_path}/t1", str(second))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_files(None, {}) == (f"{tmp_path}/.kube/config",)


@pytest.mark.parametrize("text", ["", "{", "users: 1", "users: [1, {user: 1}, {user: {tokenFile: 1}}]", "\x00"])
def test_what_is_wrong_with_a_kubeconfig_is_for_the_login_to_say(tmp_path: Path, text: str) -> None:
    """The kubeconfig itself stays a file that goes to no database."""
    (tmp_path / "k").write_text(text)
    assert own_files(tmp_path / "k", {}) == (str(tmp_path / "k"),)
