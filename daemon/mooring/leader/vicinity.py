"""Whether an address is one of this machine's: what answers there says nothing of the network."""

from __future__ import annotations

import socket

from mooring.model.addresses import parse


def is_own(place: str) -> bool:
    """Whether ``address:port`` is on this machine: only there a socket can be bound to the address."""
    address = parse(place.rpartition(":")[0].strip("[]"))
    if address is None or address.is_unspecified:
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004 -- the version's own number
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.bind((str(address), 0))
    except OSError:
        return False
    return True
