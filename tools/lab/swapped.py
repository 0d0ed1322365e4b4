"""A file that changes as a whole, as those of a mounted Secret do."""

from __future__ import annotations

from pathlib import Path


def swap_text(path: Path, text: str) -> None:
    """Readers see the old text or the new one. A file that is written in its place is empty for a moment."""
    made = path.with_name(f".{path.name}.new")
    made.write_text(text)
    made.rename(path)
