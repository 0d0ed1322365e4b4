"""What MySQL servers say: packets with their headers, as in the source documentation's "Connection Phase"."""

from __future__ import annotations

from mooring.protocols.protocol import Samples

_GREETING = (
    b"\x50\x00\x00\x00\x0a8.0.0\x2dsample\x00\x07\x00\x00\x0001234567\x00\x00\x82\x2d\x02\x00\x08\x00\x15"
    b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0089abcdefghij\x00mysql_native_password\x00"
)
_LET_IN = b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"
_ROW = (
    b"\x01\x00\x00\x01\x01\x17\x00\x00\x02\x03def\x00\x00\x00\x011\x00\x0c\x2d\x00\x04\x00\x00\x00\xfd"
    b"\x00\x00\x00\x00\x00\x05\x00\x00\x03\xfe\x00\x00\x02\x00\x02\x00\x00\x04\x011\x05\x00\x00\x05\xfe"
    b"\x00\x00\x02\x00"
)


def _error(code: int, said: str) -> bytes:
    payload = b"\xff" + code.to_bytes(2, "little") + said.encode()
    return len(payload).to_bytes(3, "little") + b"\x01" + payload


SAMPLES = Samples(
    dialogue=(_GREETING, _LET_IN, _ROW),
    sound=(b"\x07\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00", b"\x07\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"),
    failures=(
        _error(1053, "#08S01Server shutdown in progress"),
        _error(3032, "#HY000The server is currently in offline mode"),
        _error(1047, "#08S01WSREP has not yet prepared node for application use"),
        _error(1021, "#HY000Disk full"),
    ),
    refusals=(
        _error(1142, "#42000SELECT command denied to user"),
        _error(1226, "#42000User 'x' has exceeded the 'max_questions' resource (current value: 1)"),
        _error(1820, "#HY000You must SET PASSWORD before executing this statement"),
    ),
    settings=b"\x07\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
)
