"""Variables that look like settings and are none: Mooring reports a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

PREFIX = "MOORING_"
_SERVICE_LINK = re.compile(r"([A-Z0-9_]+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
"""What Kubernetes adds to each pod for a Service whose name begins with `mooring` ("Service environment variables")."""


def misspelt(environment: Mapping[str, str], settings: Iterable[str]) -> list[str]:
    """A sentence for each variable that begins with MOORING_ and is none of ``settings``."""
    known = [PREFIX + name.upper() for name in settings]
    return [
        f"{name}: there is no such setting, and it changes nothing{_nearest(name, known)}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.fullmatch(name.removeprefix(PREFIX))
    ]


def _nearest(name: str, known: list[str]) -> str:
    found = get_close_matches(name, known, 1, cutoff=0.8)
    return f"; did you mean {found[0]}?" if found else ""
