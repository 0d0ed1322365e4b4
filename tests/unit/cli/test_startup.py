"""What commands begin with: the file, its secrets, a cluster."""

from __future__ import annotations

import pytest

from mooring.cli.main import main
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_a_missing_file_or_secret_ends_a_command_with_2(
    write: Write, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """At the start everything that the file names must be there; what is missing is named."""
    assert main([command, "--config", "nowhere.yaml"]) == 2
    means = "nowhere.yaml is not there. Name your configuration by --config or MOORING_CONFIG; "
    means += "`mooring init` writes one to start from\n"
    assert capsys.readouterr().err == means
    file = write(1, check={"mysql": {"user": "m", "passwordFile": "/nonexistent/password"}})
    assert main([command, "--config", str(file)]) == 2
    assert "/nonexistent/password" in capsys.readouterr().err


@pytest.mark.parametrize("cluster", ["auto", "in-cluster", "kubeconfig"])
@pytest.mark.parametrize("command", [["run"], ["run", "--once"], ["plan"]])
def test_without_credentials_for_a_cluster_a_command_ends_with_3(
    write: Write, up: int, capsys: pytest.CaptureFixture[str], cluster: str, command: list[str]
) -> None:
    """A real cluster is never replaced by the folder silently; what is missing is said."""
    where = ["--cluster", cluster, "--kubeconfig", "none", "--no-leader-elect"]
    assert main([*command, "--config", str(write(up)), *where]) == 3
    assert capsys.readouterr().err.startswith("no usable credentials for a cluster: ")


def test_a_folder_has_no_leader(write: Write, up: int, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that cannot be had is never silently accepted."""
    assert main(["run", "--config", str(write(up)), "--leader-elect"]) == 2
    assert "a folder has no Lease; leave it out" in capsys.readouterr().err
