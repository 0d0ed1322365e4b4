"""The servers whose certificate failed: Mooring does not offer them another handshake that must fail.

MySQL counts a TLS handshake that its client breaks off as a broken connection, and after ``max_connect_errors`` of them
it blocks the client's address for everybody there (1129). A login as nobody that ends in a refusal counts as none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from mooring.protocols.transport.failure import Failure

AGAIN_SECONDS = 3600.0
"""After this the handshake is tried again, though the certificate is the same: an intermediate one may have come."""
_MOST = 4096
"""Servers that are remembered; the oldest is forgotten first."""
_OF_CERTIFICATES = "tls:certificate "


@dataclass(slots=True)
class _Distrusted:
    """``certificate``: the one that the server showed since, in DER; None: not looked at yet."""

    failure: Failure
    since: float
    certificate: bytes | None = None


class Distrust:
    """Any thread may call it. ``place``: the server, and how Mooring verifies it. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: OrderedDict[Hashable, _Distrusted] = OrderedDict()

    def note(self, place: Hashable, failure: Failure, now: float) -> None:
        """A verified handshake has ended so; only what is wrong with a certificate is remembered."""
        if not (failure.cause or "").startswith(_OF_CERTIFICATES):
            return
        with self._lock:
            self._places.pop(place, None)
            self._places[place] = _Distrusted(failure, now)
            if len(self._places) > _MOST:
                self._places.popitem(last=False)

    def failure(self, place: Hashable, now: float) -> Failure | None:
        """How the handshake would end again; None: it is worth a try."""
        with self._lock:
            known = self._places.get(place)
            if known is None or now - known.since >= AGAIN_SECONDS:
                return None
            return Failure(known.failure.reason, known.failure.message, known.failure.cause)

    def look(self, place: Hashable, certificate: bytes) -> None:
        """The server shows this certificate now, in DER. Another one than before is worth a try."""
        with self._lock:
            known = self._places.get(place)
            if known is not None and known.certificate is None:
                known.certificate = certificate
            elif known is not None and known.certificate != certificate:
                del self._places[place]
