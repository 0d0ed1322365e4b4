"""`mooring validate` as a user types it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mooring.cli.main import main
from support.typed_commands import Write

pytestmark = pytest.mark.usefixtures("alone")


def test_validate_says_what_a_valid_file_holds(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 and one line."""
    file = write(1, 2)
    assert main(["validate", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: valid, 1 Service, 2 hosts\n"


def test_warnings_stand_on_standard_error_and_refuse_nothing(
    write: Write, up: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a script reads is on standard output."""
    file = write(up)
    assert main(["validate", str(file)]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith(f"warning: {file}:")
    assert f"{up} is probed, and 3306 published" in shown.err
    assert "warning: " not in shown.out


def test_validate_names_every_error_and_opens_no_secret(
    tmp_path: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, each error with its place on standard error; a missing password file is not its business."""
    file = write(1, check={"mysql": {"user": "m", "passwordFile": "/nonexistent"}})
    assert main(["validate", str(file)]) == 0
    capsys.readouterr()
    file.write_text("version: 2\nservices: []\n")
    assert main(["validate", str(file)]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(": ")[:2] for error in errors] == [
        [f"{file}:1:10", "version"],
        [f"{file}:2:11", "services"],
    ]


def test_validate_reads_standard_input(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`helm template … | mooring validate -`; a complaint names it as compilers do."""
    for data, code in ((write(1).read_bytes(), 0), (b"version: 2\nservices: []\n", 2)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert main(["validate", "-"]) == code
    shown = capsys.readouterr()
    assert shown.out == "<stdin>: valid, 1 Service, 1 host\n"
    assert "\n<stdin>:1:10: version: " in shown.err
