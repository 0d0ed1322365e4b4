"""Variables that begin with MOORING_ and are no settings."""

from __future__ import annotations

import json

import pytest

from mooring.cli.main import main
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")


def test_a_misspelt_variable_is_reported(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the nearest name; what Kubernetes sets for a Service named mooring is none of these."""
    monkeypatch.setenv("MOORING_ALLOWED_CIDR", "10.0.0.0/8")
    monkeypatch.setenv("MOORING_PORT_8080_TCP_ADDR", "10.96.0.9")
    file = str(write(1))
    means = (
        "MOORING_ALLOWED_CIDR: there is no such setting, and it changes nothing; did you mean MOORING_ALLOWED_CIDRS?"
    )
    assert main(["validate", file]) == 0
    assert f"warning: {means}\n" in capsys.readouterr().err
    main(["check", "--config", file, "--log-format", "json"])
    said = [json.loads(line).get("why") for line in capsys.readouterr().err.splitlines()]
    assert said.count(means) == 1, "beside what a busy machine may say of its hosts"
