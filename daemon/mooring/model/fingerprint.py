"""What a file looks like from outside: equal as long as nobody has put something else under its name."""

from __future__ import annotations

import os

FileFingerprint = tuple[int, ...]
GONE: FileFingerprint = ()
"""Of a file that is not there, or cannot be looked at."""


def fingerprint(path: str | os.PathLike[str]) -> FileFingerprint:
    """Of the file itself, wherever links lead: kubelet swaps a link. GONE where there is none."""
    try:
        return fingerprint_of(os.stat(path))  # noqa: PTH116 -- a text is as welcome as a Path
    except OSError:
        return GONE


def fingerprint_of(status: os.stat_result) -> FileFingerprint:
    """Device, inode, size, and the times of the last change of content and of anything, in nanoseconds."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
