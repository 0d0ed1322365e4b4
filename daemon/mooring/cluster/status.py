"""What a Kubernetes API server says of a call that it did not do, as errors of ours."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mooring.errors import ClusterError, Conflict, Rejected, Unavailable


class Missing(ClusterError):
    """There is no such object."""


class Expired(ClusterError):
    """The watch must begin anew with a list (410 Gone)."""


def of_status(status: Mapping[str, Any], doing: str = "", retry_after: str | None = None) -> ClusterError:
    """A Kubernetes Status (API conventions, "Response Status Kind") as an error of ours."""
    code = status.get("code")
    text = f"{doing}{code}: {status.get('message') or status.get('reason') or 'no reason given'}"[:512]
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


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
