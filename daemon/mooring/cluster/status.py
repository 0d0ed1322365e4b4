"""The errors of a Kubernetes API server, as ``model.errors``."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable

_DIGITS = 5
"""The most digits of a Retry-After: a server may ask for a day at most."""


class Missing(ClusterError):
    """There is no such object."""


class Expired(ClusterError):
    """The watch must begin anew with a list (410 Gone)."""


def of_status(status: Mapping[str, Any], doing: str = "", retry_after: str | None = None) -> ClusterError:
    """A Kubernetes Status (API conventions, "Response Status Kind") as an error of ours."""
    code = status.get("code")
    said = next((one for one in map(status.get, ("message", "reason")) if one and isinstance(one, str)), "")
    text = f"{doing}{code}: {said or 'no reason given'}"[:512]
    if code == HTTPStatus.CONFLICT:
        return Conflict(text)
    if code == HTTPStatus.NOT_FOUND:
        return Missing(text)
    if code == HTTPStatus.GONE:
        return Expired(text)
    later = code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
    if later or not isinstance(code, int) or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(text, _seconds(retry_after))
    return Rejected(text)


def no_status(answer: str, retry_after: str | None = None) -> ClusterError:
    """An error whose answer is no Status, as a proxy in front of an API server gives it."""
    text = f"{answer}, and not in the words of an API server; what answers may be something in front of it"
    return Unavailable(text, _seconds(retry_after))


def _seconds(retry_after: str | None) -> float | None:
    """Whole seconds (RFC 9110, section 10.2.3); None for a date, or for more than a day."""
    plain = retry_after and retry_after.isascii() and retry_after.isdigit() and len(retry_after) <= _DIGITS
    return float(retry_after) if plain and retry_after else None


def date_of(said: str | None) -> float | None:
    """A date as HTTP writes it (RFC 9110, 5.6.7); None where it is none."""
    try:
        return None if said is None else parsedate_to_datetime(said).timestamp()
    except (ValueError, OverflowError):
        return None
