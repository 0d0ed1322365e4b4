"""One target of the engine, and all that is under way for it."""

from __future__ import annotations

import enum

from mooring.decide.held import Login
from mooring.engine.loop import Timer
from mooring.engine.peer import Asked, Peer
from mooring.engine.visit import Parked
from mooring.engine.visits import Call
from mooring.model import Target, Terms
from mooring.protocols.registry import PROTOCOLS

LOSSES_A_TURN = 3


class Way(enum.Enum):
    """What the probe of a target that is under way is for."""

    WITNESS = enum.auto()
    EVIDENCE = enum.auto()
    """A session was lost, and no turn was due."""
    HASTENED = enum.auto()
    """Before its turn, for somebody waits for it."""
    TURN = enum.auto()
    TURN_AND_NEXT = enum.auto()
    """The next turn came already: it follows at once."""


class Seat:
    """At most one probe is under way, asked over the session or visited; a full login may be beside it."""

    __slots__ = (
        "asked",
        "confirmations",
        "confirming",
        "exchange",
        "hastening",
        "login",
        "login_at",
        "login_call",
        "losses",
        "parked",
        "peer",
        "renewed_at",
        "target",
        "terms",
        "visit",
        "way",
    )

    def __init__(self, target: Target, terms: Terms, peer: Peer) -> None:
        self.target = target
        self.terms = terms
        self.peer = peer
        self.exchange = PROTOCOLS[target.protocol].exchange
        """Makes the question over a held session; None where the protocol holds none."""
        self.way: Way | None = None
        self.asked: Asked | None = None
        self.visit: Call | None = None
        self.parked: Parked | None = None
        self.login: Login | None = None
        self.login_at = 0.0
        """When the next full login is due, in monotonic seconds."""
        self.renewed_at = 0.0
        """When the files that a login reads last changed, in monotonic seconds."""
        self.login_call: Call | None = None
        self.confirmations = 0
        """How many probes may still confirm that the loss of the session was the host's."""
        self.confirming: Timer | None = None
        self.hastening: Timer | None = None
        self.losses = 0
        """How many were looked into since the last turn."""

    @property
    def rests(self) -> bool:
        """Nothing is under way, and nothing is about to be."""
        return self.way is None and self.confirming is None

    def takes_turn(self) -> bool:
        """Whether a probe is to begin now. If not, the one on its way counts for this turn, or one follows it."""
        if self.rests:
            self.way = Way.TURN
            return True
        return False

    def takes_loss(self) -> bool:
        """Whether a probe is to begin now because the session was lost: a few times for each turn, for a server may
        end every session as soon as it is made.
        """
        if self.rests and self.losses < LOSSES_A_TURN:
            self.losses += 1
            self.way = Way.EVIDENCE
            return True
        return False

    def confirm(self) -> None:
        """The loss may be the host's. What was asked only as a witness has found it, and is evidence from here on."""
        self.confirmations = self.terms.confirmations
        if self.way is Way.WITNESS:
            self.way = Way.EVIDENCE

    def overruns(self) -> bool:
        """Notes a turn that cannot be taken now; whether it is lost, as another waits already."""
        if self.way is Way.TURN_AND_NEXT:
            return True
        if self.way is not None:
            self.way = Way.TURN_AND_NEXT if self.way is Way.TURN else Way.TURN
        return False

    def dismiss(self) -> None:
        self.asked = None
        for call in (self.visit, self.login_call):
            if call is not None:
                call.cancel()
        for timer in (self.confirming, self.hastening):
            if timer is not None:
                timer.cancel()
        if self.parked is not None:
            self.parked.close()
