"""TLS as the file asks for it: one shared context for equal options."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from functools import lru_cache

from mooring.protocols.failure import Failure
from mooring.protocols.options import TlsOptions
from mooring.reasons import Reason

_CONTEXTS = 256
"""Contexts kept; one that falls out is made again, which costs some milliseconds."""

_Fingerprint = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Tls:
    """What a TLS handshake needs: the shared context, and the name that is sent as SNI and checked where asked."""

    context: ssl.SSLContext
    server_name: str


def tls_for(options: TlsOptions | None, address: str) -> Tls | None:
    """The TLS to speak with the host at ``address``; None where the file asks for none.

    The context is made again when the CA file becomes another (device aside: inode, size, time of change).

    Raises:
        Failure: ``local``: the CA file is missing, unreadable or holds no certificate, or the name is none.
    """
    if options is None or options.mode == "disabled":
        return None
    checks_name = options.mode == "verify-identity"
    try:
        fingerprint = _fingerprint(options.ca_file) if options.ca_file else None
        context = _context(checks_name, options.ca_file, fingerprint)
    except ssl.SSLError as error:
        raise Failure(Reason.LOCAL, f"{options.ca_file}: holds no CA certificate: {error.reason or error}") from error
    except OSError as error:
        raise Failure(Reason.LOCAL, f"{options.ca_file}: {error.strerror}") from error
    return Tls(context, _sendable(options.server_name or address))


def _sendable(name: str) -> str:
    # Python's ssl finds this out itself, but then leaves the socket open.
    try:
        name.encode("idna")
    except UnicodeError as error:
        raise Failure(Reason.LOCAL, f"no name for TLS: {name!r}: {error}") from error
    return name


@lru_cache(maxsize=_CONTEXTS)
def _context(checks_name: bool, ca_file: str | None, _fingerprint: _Fingerprint | None) -> ssl.SSLContext:  # noqa: FBT001 -- a part of the cache's key
    # Not ssl.create_default_context: from Python 3.13 it refuses the certificates that MySQL makes for itself.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = checks_name
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca_file)
    return context


def _fingerprint(path: str) -> _Fingerprint:
    status = os.stat(path)  # noqa: PTH116 -- pathlib adds nothing here
    if not stat.S_ISREG(status.st_mode):
        raise Failure(Reason.LOCAL, f"{path}: not a regular file")
    return status.st_ino, status.st_size, status.st_mtime_ns
