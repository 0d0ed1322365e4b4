"""How a step of a probe ends when it does not end well."""

from __future__ import annotations

from mooring.reasons import Reason


class Failure(Exception):
    """Ends a probe with a reason of the table.

    It is no OSError on purpose: PyMySQL and redis-py wrap those in errors of their own and lose the reason; this one
    passes through both. ``message`` is raw; the frame of the probe cleans it.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
