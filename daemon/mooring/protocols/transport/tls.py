"""TLS by the options of the file: equal options share one context."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from mooring.model.fingerprint import FileFingerprint
from mooring.model.moments import rfc3339
from mooring.model.reasons import Reason
from mooring.protocols.options import TlsOptions
from mooring.protocols.transport.failure import Failure
from mooring.protocols.transport.files import secret_files

_CONTEXTS = 256
"""Contexts that Mooring keeps; to make one again costs some milliseconds."""
CA_LIMIT = 1024 * 1024
"""Bytes that a CA file may have; that of a whole distribution has a quarter of it."""
READ_SECONDS = 1.0


DAY_SECONDS = 24 * 3600.0
EXPIRY_SECONDS = 14 * DAY_SECONDS
"""How long before its end an expiring certificate is reported."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What a TLS handshake needs: the shared context, and the name for SNI and for the check of the certificate."""

    context: ssl.SSLContext
    server_name: str
    verified: bool = True
    """The certificate is verified: only then may Mooring send a password in clear."""


def not_after(sock: ssl.SSLSocket) -> float | None:
    """When the server's certificate expires, in Unix seconds; None where it is not verified."""
    found = sock.getpeercert()
    expires = found.get("notAfter") if found else None
    return ssl.cert_time_to_seconds(expires) if isinstance(expires, str) else None


def expiry_caution(expires: float | None, now: float) -> str:
    """A warning for the last ``EXPIRY_SECONDS`` before a certificate expires, else empty; Unix seconds."""
    if expires is None or expires - now > EXPIRY_SECONDS:
        return ""
    days = max(0, int((expires - now) // DAY_SECONDS))
    when = f"on {rfc3339(expires)}, in {days} day{'' if days == 1 else 's'}"
    return f"the server's certificate expires {when}; after that a login fails by tls: renew it"


def tls_for(options: TlsOptions | None, address: str, until: float | None = None) -> Tls | None:
    """The TLS to speak with the host at ``address``; None where the file asks for none.

    ``until`` bounds the read of the files, in monotonic seconds; by default a second from now. A file that was replaced
    makes a new context.

    Raises:
        Failure: ``local``: as ``FileReader.read``, the CA file holds no certificate, or the name is invalid.
    """
    if options is None or options.mode == "disabled":
        return None
    deadline = time.monotonic() + READ_SECONDS if until is None else until
    context = _context_of(options, deadline)
    return Tls(context, _checked_name(options.server_name or address), options.verified)


def _context_of(options: TlsOptions, until: float) -> ssl.SSLContext:
    own, ca_file = _own_certificate(options, until), options.ca_file if options.verified else None
    if ca_file is None:
        return _context(options.mode, None, _Authorities(), own)
    found = secret_files.read(ca_file, CA_LIMIT, until, ca=True)
    if len(found.data) > CA_LIMIT:
        raise Failure(Reason.LOCAL, f"{ca_file}: longer than {CA_LIMIT} bytes; this is no CA file")
    try:
        return _context(options.mode, ca_file, _Authorities(found.mark, found.data), own)
    except (ssl.SSLError, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise Failure(Reason.LOCAL, f"{ca_file}: holds no CA certificate: {why}") from error


@dataclass(slots=True, unsafe_hash=True)
class _Authorities:
    """The content of a CA file; equal while nobody replaces it. A key of the cache, which keeps it without the data."""

    mark: FileFingerprint = ()
    data: bytes = field(default=b"", compare=False)

    def take_text(self) -> str:
        """Gives the content as ASCII, as OpenSSL needs it, and forgets it. Between certificates may be any bytes."""
        data, self.data = self.data, b""
        return data.decode("ascii", "replace").replace("\ufffd", "?")


@dataclass(slots=True, unsafe_hash=True)
class _Own:
    """Mooring's own certificate and key; equal while nobody replaces them. A key of the cache, without the data."""

    files: tuple[str, ...] = ()
    marks: tuple[FileFingerprint, ...] = ()
    data: tuple[bytes, ...] = field(default=(), compare=False, repr=False)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Raises Failure."""
        data, self.data = self.data, ()
        try:
            with ExitStack() as stack:
                # OpenSSL reads them only from files, and would ask for a passphrase on the terminal.
                certificate, key = (stack.enter_context(_in_memory(one)) for one in data)
                context.load_cert_chain(certificate, key, password=b"")
        except (ssl.SSLError, ValueError) as error:
            why = getattr(error, "reason", None) or error
            paths = " and ".join(self.files)
            raise Failure(Reason.LOCAL, f"{paths}: no certificate and its key without a passphrase: {why}") from error


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    with os.fdopen(os.memfd_create("tls", os.MFD_CLOEXEC), "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


def _own_certificate(options: TlsOptions, until: float) -> _Own:
    if options.cert_file is None or options.key_file is None:
        return _Own()
    files = (options.cert_file, options.key_file)
    found = [secret_files.read(path, CA_LIMIT, until) for path in files]
    return _Own(files, tuple(one.mark for one in found), tuple(one.data for one in found))


def _checked_name(name: str) -> str:
    # Python's ssl refuses such a name too, but then leaves the socket open.
    try:
        name.encode("idna")
    except UnicodeError as error:
        raise Failure(Reason.LOCAL, f"no name for TLS: {name!r}: {error}") from error
    return name


@lru_cache(maxsize=_CONTEXTS)
def _context(mode: str, ca_file: str | None, authorities: _Authorities, own: _Own) -> ssl.SSLContext:
    # Not ssl.create_default_context: from Python 3.13 it refuses the certificates that MySQL makes for itself.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = mode == "verify-identity"
    if own.files:
        own.load_into(context)
    if mode == "required":
        context.verify_mode = ssl.CERT_NONE
    elif ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=authorities.take_text())
    return context
