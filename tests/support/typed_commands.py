"""Commands as a user types them: the file that they get, and what they stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

Write = Callable[..., Path]
"""The fixture ``write``: ports of hosts, and fields of the Service by name."""


def manifest(directory: Path) -> Any:
    """The Endpoints that a command stored under ``--state-dir state``."""
    return yaml.safe_load((directory / "state" / "default" / "mysql-external.yaml").read_text())
