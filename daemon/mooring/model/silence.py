"""What this daemon sees of hosts on whose silence others are asked, and what those others say."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Sight:
    """What this daemon sees of one ``address:port``; times are monotonic seconds."""

    silence: int = 0
    """The number of the silence that lasts now; each has its own. 0: none lasts."""
    answered: float = -inf
    """When the last probe began to which something came back."""
    fell_silent: float = inf
    """When the first probe of this silence ended."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What fresh observers say of one silence; who abstains is in none of these."""

    silent: int = 0
    """So many cannot reach the host either."""
    sees: int = 0
    """So many had an answer of the host to a probe that they began after this silence had begun."""
    awaited: int = 0
    """So many have not said yet."""
    nobody_before: float = -inf
    """Until then nobody can have said: the API server was away. Monotonic seconds; infinity: it is away."""

    @property
    def majority(self) -> bool:
        """Whether most of those that vote cannot reach the host, this daemon included."""
        return 1 + self.silent > self.sees

    def __str__(self) -> str:
        voters = 1 + self.silent + self.sees
        return f"it is silent to us, and {self.sees} of {voters} observers see it"


ALONE = Votes()
"""Nobody else votes: this daemon decides alone."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The ready hosts on whose silence observers are asked, by ``address:port``."""

    ready: frozenset[str] = frozenset()
    outvoted: frozenset[str] = frozenset()
    """Those that are silent to this daemon while most observers do not agree."""


NO_OUTLOOK = Outlook()
"""No Service asks observers."""
