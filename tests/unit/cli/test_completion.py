"""`mooring completion`."""

from __future__ import annotations

import pytest

from mooring.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For the shell that is named; a scenario test lets a real bash read it."""
    assert main(["completion", shell]) == 0
    assert "_MOORING_COMPLETE" in capsys.readouterr().out
