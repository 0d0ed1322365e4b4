"""Which files the configuration may name. Whoever starts Mooring decides that, and no line of the file can widen it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

SYSTEM_CA_DIRS = ("/etc/ssl", "/etc/pki", "/usr/share/ca-certificates")
"""Where distributions keep the certificates of public authorities."""
SERVICE_ACCOUNT = "serviceaccount"
"""The name of each folder that holds the token of a service account (kubernetes.io, eks.amazonaws.com)."""
DEFAULT_SECRET_DIRS = ("/etc/mooring/secrets", "/etc/mooring/tls")


@dataclass(frozen=True, slots=True)
class FilePolicy:
    """``dirs`` are absolute; None allows every folder. ``own`` are files that Mooring logs in to a cluster with."""

    dirs: tuple[str, ...] | None = None
    own: tuple[str, ...] = ()

    def dirs_for(self, *, ca: bool) -> tuple[str, ...] | None:
        """The folders in which a file may lie; ``ca``: it holds certificates of authorities."""
        if self.dirs is None:
            return None
        return self.dirs + SYSTEM_CA_DIRS if ca else self.dirs


ANYWHERE = FilePolicy()


def of_service_account(real: str) -> bool:
    """Whether a path without links lies in the folder of a service account."""
    return SERVICE_ACCOUNT in PurePosixPath(real).parts[:-1]


def inside(real: str, folder: str) -> bool:
    """Whether a path lies in a folder; both without links."""
    return PurePosixPath(real).is_relative_to(folder)
