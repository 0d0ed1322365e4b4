"""What the tests of probes share."""

from __future__ import annotations

from pathlib import Path

import pytest

PASSWORD = b"correct-horse-battery"


@pytest.fixture
def password() -> bytes:
    return PASSWORD


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """A file with ``password`` and a newline."""
    path = tmp_path / "password"
    path.write_bytes(PASSWORD + b"\n")
    return str(path)
