"""The account that probes, and what it may, in the words of each server and version; no I/O.

MySQL Reference Manual, "Privileges Provided by MySQL" of 5.7 and 8.4; MariaDB Knowledge Base, "GRANT".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Release = tuple[int, ...]

_REPLICA_MONITOR: Release = (10, 5, 9)
_CONNECTION_ADMIN: Release = (10, 5, 2)
_MYSQL_CONNECTION_ADMIN: Release = (8,)
_SYSTEM_USER: Release = (8, 0, 16)
_REPLICATION_PREFIX = "5.5.5-"
"""MariaDB put this before its version in greetings, for old replicas."""
_NO_ACCOUNT = frozenset({1045, 1130, 1698})
_NAMED = re.compile(r"'([^']{1,128})'@'([^']{1,255})'")
_HOST = re.compile(r"^Host '([^']{1,255})'")


def release_of(version: str) -> Release:
    """The numbers of a version; empty where there are none."""
    numbers = re.match(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", version)
    return tuple(int(number or 0) for number in numbers.groups()) if numbers else ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What to grant on a server of this kind and version, as it stands between GRANT and TO."""

    mariadb: bool
    release: Release

    @property
    def roles(self) -> str:
        """To see how replication stands."""
        monitor = self.mariadb and self.release >= _REPLICA_MONITOR
        return f"{'REPLICA MONITOR' if monitor else 'REPLICATION CLIENT'} ON *.*"

    @property
    def kill(self) -> str:
        """To end the sessions of others."""
        if self.mariadb:
            admin = "CONNECTION ADMIN" if self.release >= _CONNECTION_ADMIN else "SUPER"
        else:
            admin = "CONNECTION_ADMIN" if self.release >= _MYSQL_CONNECTION_ADMIN else "SUPER"
        return f"PROCESS, {admin} ON *.*"

    @property
    def kill_privileged(self) -> str:
        """To end also those of accounts that have this right themselves; empty: there is no such right."""
        return "SYSTEM_USER ON *.*" if not self.mariadb and self.release >= _SYSTEM_USER else ""


def rights_of(version: str) -> Rights:
    """By the version that a server gives of itself, in its greeting or as ``VERSION()``."""
    return Rights("mariadb" in version.lower(), release_of(version.removeprefix(_REPLICATION_PREFIX)))


def quote_account(account: str) -> str:
    """Quotes ``user@host``, as the server gives it, for a statement."""
    return "@".join("'" + part.replace("'", "''") + "'" for part in account.rsplit("@", 1))


def how_to_make(code: int, text: str, user: str, rights: Rights | None) -> str:
    """The statements that make the account, where the server may have refused it for want of one; else empty.

    ``code`` and ``text`` are the refusal's; its text has the host that Mooring comes from. ``rights``: those of this
    server where the file asks for roles; None: the account needs no grant, or the server has not said its version.
    """
    found = _NAMED.search(text) or _HOST.search(text)
    if code not in _NO_ACCOUNT or found is None:
        return ""
    account = quote_account(f"{user}@{found[found.lastindex or 1]}")
    grant = f"; GRANT {rights.roles} TO {account}" if rights else ""
    return f"; if it has no such account: CREATE USER {account} IDENTIFIED BY '…'{grant}"
