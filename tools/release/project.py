"""What every file of a release has in common: the checkout, its version, the moment of its commit."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def version() -> str:
    """As ``mooring --version`` prints it."""
    found = re.search(r'^__version__ = "(.+)"$', (ROOT / "daemon/mooring/__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("daemon/mooring/__init__.py has no __version__")
    return found[1]


def moment() -> int:
    """Seconds since 1970 that files of the release bear: SOURCE_DATE_EPOCH, else the commit's, else now."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60).stdout.strip()
    except FileNotFoundError:
        told = ""
    return int(told) if told else int(time.time())
