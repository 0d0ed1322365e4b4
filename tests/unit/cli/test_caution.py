"""What `check` and `validate` warn of, and `run` and `plan` refuse."""

from __future__ import annotations

import pytest

from mooring.cli.main import main
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")


def test_a_loopback_address_is_a_warning_where_nothing_is_published(
    write: Write, up: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` probes it, `validate` warns, and `run` and `plan` on a cluster with several daemons refuse it."""
    monkeypatch.delenv("MOORING_CLUSTER")
    file = write(up)
    assert main(["check", "--config", str(file)]) == 0
    assert "loopback" in capsys.readouterr().err
    assert main(["validate", str(file)]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{file}: valid, 1 Service, 1 host\n"
    assert shown.err.startswith(f"warning: {file}:")
    assert "is a loopback address: with leader election on, each daemon would probe its own machine" in shown.err
    for command in ("run", "plan"):
        assert main([command, "--config", str(file)]) == 2
        assert "is a loopback address" in capsys.readouterr().err
    assert main(["validate", str(file), "--no-leader-elect"]) == 0
    assert "is a loopback address" not in capsys.readouterr().err
