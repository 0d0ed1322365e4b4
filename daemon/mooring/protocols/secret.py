"""Passwords, read from files and kept out of sight."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field

from mooring.protocols.failure import Failure
from mooring.reasons import Reason

LIMIT = 4096
"""Bytes that a password file may have."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A password that no repr, log line or traceback shows."""

    value: bytes = field(default=b"", repr=False)


def read_secret(path: str) -> Secret:
    """The file's content without one trailing newline.

    Raises:
        Failure: ``local``, naming the path and never the content: missing, unreadable, no regular file, empty or
            longer than 4096 bytes.
    """
    try:
        content = _read(path)
    except OSError as error:
        raise Failure(Reason.LOCAL, f"{path}: {error.strerror}") from error
    if len(content) > LIMIT:
        raise Failure(Reason.LOCAL, f"{path}: longer than {LIMIT} bytes; this is no password file")
    value = content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
    if not value:
        raise Failure(Reason.LOCAL, f"{path}: empty; a password is needed")
    return Secret(value)


def _read(path: str) -> bytes:
    # Non-blocking, as opening a FIFO would wait for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Failure(Reason.LOCAL, f"{path}: not a regular file")
        return os.read(descriptor, LIMIT + 1)
    finally:
        os.close(descriptor)
