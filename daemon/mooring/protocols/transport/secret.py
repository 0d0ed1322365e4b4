"""Reads passwords from files and keeps them out of every message."""

from __future__ import annotations

import codecs
import time
from dataclasses import dataclass, field

from mooring.model.reasons import Reason
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.files import secret_files

LIMIT = 4096
"""Bytes that a password file may have."""
READ_SECONDS = 1.0

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Secret:
    """A password, which no repr, log line or traceback shows."""

    value: bytes = field(default=b"", repr=False)

    @property
    def ends_with_white_space(self) -> bool:
        """Whether it ends with blanks, which a person seldom means and does not see."""
        text = self.value.decode("utf-8", "replace")
        return text != text.rstrip()


def read_secret(path: str, until: float | None = None) -> Secret:
    """The password in the file, without one trailing newline; ``until`` in monotonic seconds (1 s).

    Raises:
        Failure: ``local``, naming the path and never the content: as ``FileReader.read``, or it holds no password.
    """
    deadline = time.monotonic() + READ_SECONDS if until is None else until
    return password_of(path, secret_files.read(path, LIMIT, deadline).data)


def password_of(path: str, content: bytes) -> Secret:
    """The password that a file holds. Raises Failure: ``local``, why it holds none."""
    value = content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
    if why := _why_no_password(content, value):
        raise Failure(Reason.LOCAL, f"{path}: {why}")
    return Secret(value)


def _why_no_password(content: bytes, value: bytes) -> str | None:
    if len(content) > LIMIT:
        return f"longer than {LIMIT} bytes; this is no password file"
    if content.startswith(_UTF16) or b"\0" in content:
        return "UTF-16 text; write it as plain text (UTF-8 without a byte order mark)"
    if content.startswith(codecs.BOM_UTF8):
        return "begins with a byte order mark; write it as plain text without one"
    if b"\n" in value:
        return "has more than one line end; a password is one line"
    return None if value else "empty; a password is needed"
