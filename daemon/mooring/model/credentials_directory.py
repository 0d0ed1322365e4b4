"""Paths below ``${CREDENTIALS_DIRECTORY}``: where systemd shows a unit the files that its LoadCredential= names.

systemd.exec(5), "CREDENTIALS": the folder is another one for each start of the unit, so no file can name it as it is.
"""

from __future__ import annotations

import os

VARIABLE = "CREDENTIALS_DIRECTORY"
PLACEHOLDER = f"${{{VARIABLE}}}"


def expanded(path: str) -> str:
    """The path with the folder in place of a leading ``${CREDENTIALS_DIRECTORY}``; as it is where that is not set."""
    folder = os.environ.get(VARIABLE)
    if not folder or not path.startswith(PLACEHOLDER + "/"):
        return path
    return folder + path.removeprefix(PLACEHOLDER)


def unset(path: str) -> str | None:
    """What is wrong with a path that ``expanded`` left as it is, or None."""
    if path.startswith(PLACEHOLDER):
        return f"{VARIABLE} is not set; systemd sets it for a unit with LoadCredential="
    return None
