"""Throw-away certificates."""

from __future__ import annotations

from pathlib import Path

import trustme

from ground.servers import Certificate


def issue(directory: Path, *names: str) -> Certificate:
    """A new authority in ``directory``, and a certificate of it for these DNS names or IP addresses."""
    authority = trustme.CA()
    issued = authority.issue_cert(*names)
    files = Certificate(directory / "server.pem", directory / "server.key", directory / "authority.pem")
    issued.cert_chain_pems[0].write_to_path(files.certificate)
    issued.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.authority)
    return files
