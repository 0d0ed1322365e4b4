"""What memcached says."""

from __future__ import annotations

from mooring.protocols.protocol import Samples

SAMPLES = Samples(
    dialogue=(b"VERSION 1.6.18\r\n",),
    sound=(b"VERSION 1.6.18\r\n", b"VERSION 1.4.15\r\n"),
    failures=(b"ERROR\r\n", b"SERVER_ERROR out of memory\r\n", b"ERROR Too many open connections\r\n"),
    refusals=(),
)
