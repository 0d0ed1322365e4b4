"""The exception that ends a probe with a reason."""

from __future__ import annotations

from mooring.model.reasons import Reason


class Failure(Exception):
    """Ends a probe with a reason.

    It is no OSError on purpose: PyMySQL and redis-py wrap those in errors of their own and lose the reason. This one
    passes through both. ``message`` is raw; ``attempt`` cleans it. ``cause``: see ``Observation.cause``.
    """

    def __init__(self, reason: Reason, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.cause = cause


OURS_SECONDS = 0.25
"""By how much Mooring may look too late, as on a busy machine, before the lateness is its own fault (``local``)."""


def overdue(doing: str, late: float) -> Failure:
    """The host missed its deadline (``timeout``), or Mooring looks too ``late`` (seconds) to know that (``local``)."""
    if late > OURS_SECONDS:
        return Failure(
            Reason.LOCAL, f"had no time to look for the answer until {late:.2f} s after the deadline ({doing})"
        )
    return Failure(Reason.TIMEOUT, f"no whole answer in time ({doing})")
