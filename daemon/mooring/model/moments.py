"""Moments as texts."""

from __future__ import annotations

import math
from datetime import UTC, datetime


def rfc3339(at: float, digits: int = 0) -> str:
    """Unix seconds in UTC, with so many digits behind the seconds, cut and not rounded."""
    whole = math.floor(at)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{int((at - whole) * 10**digits):0{digits}}Z" if digits else f"{text}Z"
