"""What the probes of each daemon said of each host, as judges take it; no code of the daemon."""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.probes import Report
from mooring.model.reasons import Reason
from simulation.plan import ServicePlan

UNKNOWN = {
    Reason.AUTH,
    Reason.QUOTA,
    Reason.BLOCKED,
    Reason.LOCAL,
    Reason.DNS,
    Reason.BLIND,
    Reason.COMMON_CAUSE,
    Reason.OUTVOTED,
}
SILENT = {Reason.TIMEOUT, Reason.UNREACHABLE}


@dataclass
class Evidence:
    """What the probes of one daemon said of one host of one Service, and since when that is sure."""

    successes: int = 0
    failures: int = 0
    proven_up: bool = False
    """So many successes in a row as make a host ready, since it was last proven down."""
    proven_down: bool = False
    up_at: float = -1e9
    down_at: float = -1e9
    """When it was last proven to be up, and down."""
    surely: bool | None = None
    """Ready, not ready; None: another judgement may be right as well."""
    since: float = 0.0

    def take(self, kind: str, plan: ServicePlan, now: float) -> None:
        if kind == "+":
            self.successes, self.failures = self.successes + 1, 0
            if self.successes >= plan.success:
                self.proven_up, self.proven_down, self.up_at = True, False, now
                self._know(True, now)
            elif self.surely is False:
                self._know(None, now)
        elif kind in {"-", "~"}:
            self.failures, self.successes = self.failures + 1, 0
            if self.failures >= plan.failure:
                self.proven_up, self.proven_down, self.down_at = False, True, now
                self._know(False if kind == "-" and self.surely is not True else None, now)
        elif kind == "!":
            self.successes = self.failures = 0
            self.proven_up, self.proven_down, self.down_at = False, True, now
            self._know(False, now)
        elif kind == "=":
            self._know(None, now)

    def _know(self, surely: bool | None, now: float) -> None:  # noqa: FBT001 -- a fact
        if surely is not self.surely:
            self.surely, self.since = surely, now


def kind_of(report: Report, plan: ServicePlan) -> str:
    """``+``, ``-`` counted, ``~`` silent (perhaps blind), ``!`` its own word, ``?`` unknown.

    ``=``: it claims to be the primary, which others may contest.
    """
    seen = report.observation
    if seen.reason in UNKNOWN:
        return "?"
    if seen.reason in SILENT:
        return "~"
    if seen.reason is not Reason.OK:
        return "-"
    if plan.role == "any" or seen.facts is None:
        return "+"
    is_primary = not seen.facts.channels and not seen.facts.read_only
    if is_primary is not (plan.role == "primary"):
        return "!"
    return "=" if plan.role == "primary" else "+"
