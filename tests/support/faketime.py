"""A child whose wall clock a test sets, by libfaketime; its monotonic clock stays true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def faked(offset: Path) -> Mapping[str, str]:
    """The child's environment; what is written to the file, such as "+1h", is the offset from then on."""
    offset.write_text("+0")
    library = min(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
