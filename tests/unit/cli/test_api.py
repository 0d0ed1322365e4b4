"""The API server that a command asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mooring.cli.api import reach
from mooring.cli.settings import load_settings
from mooring.model.errors import ConfigError, NoCredentials
from support.fake_api import FakeApi, says

pytestmark = pytest.mark.usefixtures("alone")


def test_it_is_that_of_the_kubeconfig(tmp_path: Path) -> None:
    """With the namespace of its context; nothing is asked yet."""
    with FakeApi(says(200, {})) as server:
        file = server.kubeconfig(tmp_path / "kubeconfig", {})
        reached = reach(load_settings({"cluster": "kubeconfig", "kubeconfig": str(file)}))
        assert server.asked == []
        assert reached.api.get("/version") == {}
    assert reached.namespace == "default"


def test_a_folder_is_no_api_server() -> None:
    """The message names the setting."""
    with pytest.raises(ConfigError, match="--cluster local"):
        reach(load_settings({"cluster": "local"}))


def test_without_credentials_the_file_is_named(tmp_path: Path) -> None:
    """In our words, not in a library's."""
    with pytest.raises(NoCredentials, match="kubeconfig is not there"):
        reach(load_settings({"cluster": "kubeconfig", "kubeconfig": str(tmp_path / "kubeconfig")}))
