"""`mooring schema`."""

from __future__ import annotations

import json

import pytest

from mooring.cli.main import main

pytestmark = pytest.mark.usefixtures("alone")


def test_schema_is_a_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """For editors."""
    assert main(["schema"]) == 0
    assert "services" in json.loads(capsys.readouterr().out)["properties"]
