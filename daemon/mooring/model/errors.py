"""The error tree: what a room may raise to the floor above it. Foreign exceptions end at the edge of their room."""

from __future__ import annotations


class MooringError(Exception):
    """Everything Mooring raises on purpose."""


class ConfigError(MooringError):
    """The file or the settings are wrong.

    ``problems`` are whole sentences for the user, each ``FILE:LINE:COLUMN: path.to.key: what is wrong`` where it
    comes from the file.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ClusterError(MooringError):
    """A call to the cluster did not do what was asked."""


class NoCredentials(MooringError):
    """There is nothing to log in to a cluster with."""


class Unavailable(ClusterError):
    """The cluster does not answer, or not now; the same call may succeed later.

    ``retry_after`` are the seconds that the cluster itself asked for, None where it said nothing.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(ClusterError):
    """The stored object is no longer the one that was read; read and decide again."""


class Rejected(ClusterError):
    """The cluster understood the call and refused it; it will refuse the same call again."""
