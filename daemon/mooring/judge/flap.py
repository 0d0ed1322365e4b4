"""A host that goes out again and again stays out for a growing time.

transitions out within ``within`` | last hold, not forgotten | after one more transition out
----------------------------------+--------------------------+------------------------------------
with it fewer than ``transitions``| none                     | no hold
with it ``transitions``           | none                     | out for ``hold`` seconds
any                               | so many seconds          | out for twice as long, at most ``most``

A transition out counts where failures made it that were counted; the host's own word, and what somebody asks for by
hand, do not. A hold begins with the transition. Once a host had none for ``within`` seconds after the end of its last
hold, all is forgotten: a host that was just dead for long is no flapping one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mooring.model.damping import FlapRule


@dataclass(frozen=True, slots=True)
class Flaps:
    """The latest transitions out of one host, the latest last, in monotonic seconds; ``hold`` follows the last."""

    outs: tuple[float, ...] = ()
    hold: float = 0.0
    """In seconds; 0: none since all was forgotten."""

    @property
    def held_until(self) -> float | None:
        """In monotonic seconds; None: there is no hold."""
        return self.outs[-1] + self.hold if self.hold else None


CALM = Flaps()


def went_out(before: Flaps, rule: FlapRule, now: float) -> Flaps:
    """What is remembered of the host after one more transition out, at ``now``."""
    known = CALM if _is_forgotten(before, rule, now) else before
    outs = (*(at for at in known.outs if now - at < rule.within), now)[-rule.transitions :]
    if known.hold:
        return Flaps(outs, min(2 * known.hold, rule.most))
    return Flaps(outs, min(rule.hold, rule.most) if len(outs) >= rule.transitions else 0.0)


def _is_forgotten(known: Flaps, rule: FlapRule, now: float) -> bool:
    return not known.outs or now - (known.outs[-1] + known.hold) >= rule.within
