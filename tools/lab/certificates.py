"""Throw-away certificates."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import trustme

from lab.servers import Certificate


def issue(directory: Path, *names: str, not_after: datetime | None = None) -> Certificate:
    """A new authority in ``directory``, and a certificate of it for these DNS names or IP addresses.

    ``not_after``: when the certificate expires; without it, in some years.
    """
    authority = trustme.CA()
    issued = authority.issue_cert(*names, not_after=not_after)
    files = Certificate(directory / "server.pem", directory / "server.key", directory / "authority.pem")
    issued.cert_chain_pems[0].write_to_path(files.certificate)
    issued.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.authority)
    return files
