"""A Service with one primary: the claims of its hosts, the votes of its quorum, and its former primaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mooring.judge.host import HostTracker
from mooring.judge.primary import Candidacy, Claimant, PrimaryDecision, decide_primary, is_stale, majority
from mooring.model.events import Event, HostChanged, SplitBrain, SplitBrainEnded
from mooring.model.facts import Facts
from mooring.model.probes import Report
from mooring.model.reasons import Reason
from mooring.model.spec import OnSplitBrain, Role, ServiceSpec
from mooring.model.targets import Target
from mooring.model.verdicts import Outcome

MOST_POSITIONS = 16
"""Former primaries whose position is remembered."""


@dataclass(slots=True)
class Contest:
    """Decides which claim to be the primary Mooring accepts. ``trackers`` are in the order of the file."""

    spec: ServiceSpec
    trackers: Mapping[str, HostTracker] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    """The address of the member that each name means; empty where a name may mean several members."""
    votes: dict[Target, str | None] = field(default_factory=dict)
    """The ``address:port`` that each server of the quorum names; None: it names nobody."""
    primary_positions: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """The replication position of each primary, by its address, at its last probe as primary; the latest last."""
    last_primary: str = ""
    """The address of the last primary."""
    doubted: frozenset[str] = frozenset()
    """Addresses that claimed to be the primary before another did, and have not answered a probe since."""
    split: tuple[str, ...] = ()
    """Hosts that claim to be the primary, if more than one (split brain)."""

    def set_members(self, spec: ServiceSpec, trackers: Mapping[str, HostTracker], names: Mapping[str, str]) -> None:
        self.spec, self.trackers, self.names = spec, trackers, names
        quorum = spec.check.quorum
        hosts = () if quorum is None else quorum.hosts
        asked = [Target(quorum.protocol, *host, spec.check.timeout, quorum.options) for host in hosts if quorum]
        self.votes = {target: self.votes.get(target) for target in asked}
        if spec.check.requirement.role is not Role.PRIMARY:
            self.doubted, self.split = frozenset(), ()

    def note_vote(self, report: Report) -> bool:
        """Takes the vote of one server of the quorum. Returns whether the majority now names another host."""
        before = self._choice()
        self.votes[report.target] = report.observation.answer if report.observation.reason is Reason.OK else None
        return self._choice() != before

    def is_undisputed(self, tracker: HostTracker) -> bool:
        """Whether it is the primary, said so with its last probe, and no other host or quorum contests that."""
        if not (tracker.ready and self._trusts_incumbent()) or self.doubted or self.split:
            return False
        return [one for one in self.trackers.values() if one.claimed_in_last_probe] == [tracker]

    def note_primary(self, tracker: HostTracker, at: float) -> list[HostChanged]:
        """Notes that it is the one primary; another that is ready yields to it. ``at`` is Unix seconds."""
        self.last_primary = tracker.member.address
        if tracker.facts is not None and tracker.facts.history is not None:
            self.primary_positions.pop(self.last_primary, None)
            self.primary_positions[self.last_primary] = tracker.facts.history
            while len(self.primary_positions) > MOST_POSITIONS:
                self.primary_positions.pop(next(iter(self.primary_positions)))
        others = [other for other in self.trackers.values() if other is not tracker and other.ready]
        return [other.yield_to(tracker.member.host.name, at) for other in others]

    def decide(self, tracker: HostTracker) -> PrimaryDecision:
        """Decides its claim."""
        if successor := self._successor(tracker):
            return PrimaryDecision(Candidacy.LEFT_GROUP, successor)
        if tracker.ready and self._trusts_incumbent():
            return PrimaryDecision(Candidacy.ADMITTED)
        others = self.others(tracker)
        decision = decide_primary(
            self._claimant(tracker),
            [self._claimant(one) for one in others if not is_same_server(tracker, one)],
            first=not any(one.claims_primary for one in self._before(tracker, others)),
            several=tracker.several,
            policy=self.spec.on_split_brain,
            quorum_choice=self._choice(),
            is_quorum_choice=self._choice() == tracker.member.address,
            twin=self._twin(tracker, others),
        )
        if decision.candidacy is Candidacy.RIVALS and not self.split:
            other = PrimaryDecision(Candidacy.WAITS, decision.other)
            return PrimaryDecision(Candidacy.ADMITTED) if tracker.ready else other
        return decision

    def others(self, tracker: HostTracker) -> list[HostTracker]:
        """All other members that are not in maintenance."""
        return [one for one in self.trackers.values() if one is not tracker and not one.member.host.maintenance]

    def note_conflict(self, heard: HostTracker) -> list[Event]:
        """Reports a split brain once the host that claimed first claims again; until then it may have stepped down."""
        claiming = {one.member.address: one.member.host.name for one in self._claiming(heard)}
        others = claiming.keys() - {heard.member.address}
        several = len(claiming) > 1
        if not several:
            self.doubted = frozenset()
        elif not self.split:
            self.doubted = (self.doubted & others) if self.doubted else frozenset(others)
        now = tuple(claiming.values()) if several and (self.split or not self.doubted) else ()
        if bool(now) == bool(self.split):
            return []
        self.split = now
        return [SplitBrain(self.spec.key, now) if now else SplitBrainEnded(self.spec.key)]

    def outcome_of(self, decision: PrimaryDecision) -> Outcome:
        """The outcome that status and log show for a claim that is not admitted."""
        other, quorum = decision.other, self.spec.check.quorum
        title = quorum.title if quorum else ""
        claims = "says that it is the primary"
        shown = {
            Candidacy.WAITS: (Reason.OK, f"{claims}; waits for {other}"),
            Candidacy.NO_MAJORITY: (Reason.OK, f"{claims}; waits for the majority of {title}"),
            Candidacy.RIVALS: (Reason.SECOND_WRITER, f"{claims}, and so does {other}"),
            Candidacy.STANDBY: (Reason.WRONG_ROLE, f"stands by: {other} takes the writes"),
            Candidacy.SAME_SERVER: (Reason.WRONG_ROLE, f"is the same server as {other}"),
            Candidacy.STALE: (
                Reason.SECOND_WRITER,
                f"was the primary once, and has nothing of what {self.last_primary} wrote since",
            ),
            Candidacy.LEFT_GROUP: (Reason.WRONG_ROLE, f"left its group, where {other} is the primary now"),
            Candidacy.OTHER_NAMED: (Reason.WRONG_ROLE, f"{claims}, but {title} name {self._name(other)}"),
        }
        return Outcome(*shown[decision.candidacy])

    def _name(self, choice: str) -> str:
        known = self.trackers.get(choice)
        return known.member.host.name if known else f"{choice}, a name that no host of the Service has"

    def _choice(self) -> str | None:
        """The address of the member that the quorum names, or the name itself where no member has it.

        Empty: there is no majority, or the name may mean several members. None: there is no quorum.
        """
        if not self.votes:
            return None
        return majority([vote and self.names.get(vote, vote) for vote in self.votes.values()])

    def _trusts_incumbent(self) -> bool:
        return not self.votes and self.spec.on_split_brain is OnSplitBrain.KEEP_INCUMBENT

    def _before(self, tracker: HostTracker, others: Iterable[HostTracker]) -> list[HostTracker]:
        """Those of the others that the file lists before it."""
        place = {id(one): number for number, one in enumerate(self.trackers.values())}
        return [one for one in others if place[id(one)] < place[id(tracker)]]

    def _twin(self, tracker: HostTracker, others: Sequence[HostTracker]) -> str:
        """The other listed address of the same server: the one that is ready, else the first of the file."""
        same = [one for one in others if is_same_server(tracker, one)]
        ready = [one for one in same if one.ready]
        first = [one for one in self._before(tracker, same) if one.claimed_in_last_probe]
        return next((one.member.host.name for one in (*ready, *first)), "") if not tracker.ready else ""

    def _claiming(self, heard: HostTracker) -> list[HostTracker]:
        """Members whose last probe claims to be the one primary; one for each server with several addresses."""
        found = [heard] if heard.claimed_in_last_probe and not heard.several else []
        for one in self.trackers.values():
            claims = one is not heard and one.claimed_in_last_probe and not one.several
            if claims and not any(is_same_server(one, other) for other in found):
                found.append(one)
        found = [one for one in found if not self._successor(one)]
        return sorted(found, key=list(self.trackers.values()).index)

    def _successor(self, tracker: HostTracker) -> str:
        """Who took its place as the primary of its group; empty: nobody did."""
        if tracker.facts is None or tracker.facts.group is None:
            return ""
        return next((one.member.host.name for one in self.others(tracker) if has_left_group_of(tracker, one)), "")

    def _claimant(self, tracker: HostTracker) -> Claimant:
        return Claimant(
            tracker.member.host.name,
            tracker.ready,
            tracker.claims_primary,
            tracker.claimed_in_last_probe,
            tracker.heard,
            refuses_us=tracker.refusals >= tracker.member.check.thresholds.failure,
            stale=self._is_stale(tracker),
            left=bool(self._successor(tracker)),
        )

    def _is_stale(self, tracker: HostTracker) -> bool:
        lost = self.primary_positions.get(tracker.member.address)
        now = tracker.facts.history if tracker.facts else None
        latest = self.primary_positions.get(self.last_primary)
        if lost is None or now is None or latest is None or self.last_primary == tracker.member.address:
            return False
        return is_stale(now, lost, latest)


def is_same_server(one: HostTracker, other: HostTracker) -> bool:
    """Whether both addresses lead to one server.

    They report one identity, and no later answer lacks writes of an earlier one: so two servers with one identity by
    mistake do not pass for one server for long.
    """
    said, others = one.facts, other.facts
    if said is None or others is None or not said.identity or said.identity != others.identity:
        return False
    if said.identity.isdigit() and not (said.history and others.history):
        return False  # a number (``server_id``) is set by hand, or left at its default: alone it proves nothing
    ordered = [
        (first, later)
        for mine in one.role_reports
        for theirs in other.role_reports
        for first, later in ((mine, theirs), (theirs, mine))
        if first.ended <= later.started
    ]
    return not any(_lacks(later.observation.facts, first.observation.facts) for first, later in ordered)


def _lacks(later: Facts | None, first: Facts | None) -> bool:
    if later is None or first is None or later.history is None or first.history is None:
        return False
    return any(later.history.get(stream, -1) < position for stream, position in first.history.items())


def has_left_group_of(one: HostTracker, primary: HostTracker) -> bool:
    """Whether ``primary`` is the primary of the group of ``one``, which it does not see there any more.

    For seconds, a member that leaves still calls itself the primary and refuses every write. It sees the group as it
    was when it left, the other in it; so its view is the older one.
    """
    mine, others = one.facts, primary.facts
    if mine is None or others is None or mine.group is None or others.group is None:
        return False
    if not (primary.claimed_in_last_probe and others.group.member and others.group.writer) or others.group.several:
        return False
    if not mine.identity or not mine.group.name or mine.group.name != others.group.name:
        return False
    return mine.identity not in others.group.members and others.identity in mine.group.members
