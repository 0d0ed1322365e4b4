"""What memcached says; no I/O. Memcached's doc/protocol.txt, "General-purpose commands", "Error strings"."""

from __future__ import annotations

from mooring.model.probes import Observation
from mooring.model.reasons import Reason
from mooring.protocols.exchange import Answer
from mooring.protocols.framed import Broken, FramedReader

_END = b"\r\n"
_FULL = b"ERROR Too many open connections"


class Version(FramedReader):
    """``version`` and its one line."""

    __slots__ = ()
    request = b"version\r\n"

    def _read(self) -> Answer | None:
        end = self._held.find(_END)
        if end < 0:
            return None
        self._at = end + len(_END)
        line = bytes(self._held[:end])
        if line.startswith(b"VERSION "):
            return Answer(Observation(Reason.OK))
        if line == _FULL:
            return Answer(Observation(Reason.SATURATED, line.decode()), keep=False)
        if line.startswith((b"ERROR", b"CLIENT_ERROR ", b"SERVER_ERROR ")):
            return Answer(Observation(Reason.PROTOCOL, line.decode("utf-8", "replace")))
        raise Broken(f"answers version with {line!r:.100}")
