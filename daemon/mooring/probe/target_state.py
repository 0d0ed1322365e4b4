"""One target of the engine, and the probe, the login and the timers that are under way for it."""

from __future__ import annotations

import enum

from mooring.judge.session import Login
from mooring.model.reasons import Reason
from mooring.model.spec import ProbeTimings
from mooring.model.targets import Target
from mooring.probe.account import Account
from mooring.probe.login_pace import LoginPace
from mooring.probe.loop import Timer
from mooring.probe.session import HeldSession, PendingQuestion
from mooring.protocols.registry import PROTOCOLS

LOSSES_A_TURN = 3


class ProbePurpose(enum.Enum):
    """Why the probe that is under way was begun."""

    WITNESS = enum.auto()
    EVIDENCE = enum.auto()
    """The session was lost, and no turn was due."""
    EXPEDITED = enum.auto()
    """Before its turn: a decision waits for the answer."""
    TURN = enum.auto()
    TURN_AND_NEXT = enum.auto()
    """The next turn is due already: it follows at once."""


class TargetProbe:
    """At most one probe is under way, over the session or by a fresh connection; a full login may run beside it."""

    __slots__ = (
        "account",
        "confirmations",
        "confirming",
        "exchange",
        "expediting",
        "login",
        "login_at",
        "logs_in",
        "losses",
        "pace",
        "purpose",
        "question",
        "renewed_at",
        "target",
        "timed_out",
        "timings",
        "visits",
        "waiting",
        "waits_since",
    )

    def __init__(self, target: Target, timings: ProbeTimings, account: Account) -> None:
        self.target = target
        self.timings = timings
        self.account = account
        self.exchange = PROTOCOLS[target.protocol].client.exchange
        """Makes the question over a held session; None where the protocol holds none."""
        self.purpose: ProbePurpose | None = None
        self.question: PendingQuestion | None = None
        self.visits = False
        """The probe under way is a fresh connection."""
        self.waiting: Timer | None = None
        """Ends the wait of the probe under way for other connections of the account to end."""
        self.waits_since: float | None = None
        """When that wait began, in monotonic seconds."""
        self.timed_out = False
        """The last probe had no answer in time."""
        self.pace = LoginPace(timings.login, timings.login)
        self.login: Login | None = None
        self.login_at = 0.0
        """When the next full login is due, in monotonic seconds."""
        self.renewed_at = 0.0
        """When the files that a login reads last changed, in monotonic seconds."""
        self.logs_in = False
        """A full login beside the held session is under way."""
        self.confirmations = 0
        """How many probes may still confirm that the loss of the session was the host's."""
        self.confirming: Timer | None = None
        self.expediting: Timer | None = None
        self.losses = 0
        """Losses of the session since the last turn that began a probe."""

    @property
    def session(self) -> HeldSession:
        return self.account.session

    @property
    def login_timed_out(self) -> bool:
        """The last full login had no answer in time: the next is due by its own pace."""
        return self.login is not None and self.login.observation.reason is Reason.TIMEOUT

    @property
    def rests(self) -> bool:
        """No probe is under way, and none is about to confirm a loss."""
        return self.purpose is None and self.confirming is None

    def takes_turn(self) -> bool:
        """Whether a probe must begin now. Otherwise the one under way counts for this turn, or another follows it."""
        if self.rests:
            self.purpose = ProbePurpose.TURN
            return True
        return False

    def takes_loss(self) -> bool:
        """Whether a probe must begin now because the session was lost.

        Only a few times for each turn, as a server may end every session as soon as it is opened.
        """
        if self.rests and self.losses < LOSSES_A_TURN:
            self.losses += 1
            self.purpose = ProbePurpose.EVIDENCE
            return True
        return False

    def confirm(self) -> None:
        """The loss may be the host's fault. A probe that began as a witness is evidence from now on."""
        self.confirmations = self.timings.confirmations
        if self.purpose is ProbePurpose.WITNESS:
            self.purpose = ProbePurpose.EVIDENCE

    def overruns(self) -> bool:
        """Notes a turn that cannot begin now; True where it is skipped, as another waits already."""
        if self.purpose is ProbePurpose.TURN_AND_NEXT:
            return True
        if self.purpose is not None:
            self.purpose = ProbePurpose.TURN_AND_NEXT if self.purpose is ProbePurpose.TURN else ProbePurpose.TURN
        return False

    def dismiss(self) -> None:
        """Ends what is under way for this target alone; the account's connections go on for targets that share them."""
        self.question = None
        for timer in (self.confirming, self.expediting, self.waiting):
            if timer is not None:
                timer.cancel()
