"""Which Kubernetes answers, and whether it is one that Mooring can keep."""

from __future__ import annotations

import re

from mooring.cluster.client import Api
from mooring.errors import Rejected, Unavailable

LEAST = (1, 25)
"""1.19 to 1.21 mirrored addresses that are not ready as ready ones; EndpointSlices are stable since 1.21."""


def too_old(api: Api) -> str | None:
    """Why this Kubernetes cannot be kept; None where it can, and where nobody may ask.

    Raises:
        Unavailable: nobody answers, or with something else than a version.
    """
    try:
        told = api.get("/version")
    except Rejected:
        return None
    numbers = [re.match(r"\d+", str(told.get(field) or "")) for field in ("major", "minor")]
    found = tuple(int(number.group()) for number in numbers if number)
    if len(found) != len(LEAST):
        raise Unavailable("what answers for /version is no Kubernetes")
    if found >= LEAST:
        return None
    least, is_ = (".".join(map(str, version)) for version in (LEAST, found))
    return f"this is Kubernetes {is_}; Mooring needs {least} or newer, for older ones may send traffic to dead hosts"
