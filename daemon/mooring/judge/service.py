"""One Service: its members, how an outcome moves them, and which of them is the primary where it asks for one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mooring.judge.assess import Topology, assess
from mooring.judge.contest import Contest
from mooring.judge.damping import Damping, Everywhere
from mooring.judge.host import PLAIN, HostTracker, tracker_for
from mooring.judge.members import Expanded
from mooring.judge.names import host_names, names_of
from mooring.judge.primary import UNDECIDED, Candidacy, PrimaryDecision
from mooring.judge.result import HostResult, VerdictChange
from mooring.judge.verdict import turns
from mooring.judge.votes import Poll
from mooring.model.events import Event, HostChanged
from mooring.model.facts import place
from mooring.model.objects import StoredAddresses
from mooring.model.probes import Report
from mooring.model.reasons import Effect, Reason
from mooring.model.spec import HostSpec, Role, ServiceSpec, WhenSaturated
from mooring.model.targets import Member, Target
from mooring.model.verdicts import Outcome, Verdict

MOST_GRACE_SECONDS = 0.5
"""How long the write that takes out a former primary waits for its successor at most. Two writes in a row cost more:
kube-proxy takes up the second one a second later (``minSyncPeriod``)."""
MOST_CHANGES = 8
"""Changes of verdicts that a Service keeps; the publisher reads them within seconds."""
MOST_STORED = 1024
"""Stored verdicts that a Service keeps for addresses without a member."""


@dataclass(slots=True)
class ServiceHealth:
    """The state of one Service and its hosts; times are monotonic seconds, ``at`` is Unix seconds."""

    spec: ServiceSpec
    trackers: dict[str, HostTracker] = field(default_factory=dict)
    unresolved: tuple[HostSpec, ...] = ()
    name_problems: tuple[tuple[str, str], ...] = ()
    """Names without an address, and why."""
    waiting: tuple[HostSpec, ...] = ()
    """Hosts whose addresses are unknown: no lookup of their name has succeeded yet, or their port is unknown."""
    seeded: bool = False
    stored_verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Stored verdicts of addresses that no member has had yet: they may belong to a name that waits."""
    changes: tuple[VerdictChange, ...] = ()
    """The latest changes of verdicts, the latest last."""
    topology: Topology = field(default_factory=Topology)
    identities: dict[str, str] = field(default_factory=dict)
    """The identity that each member last reported, by address."""
    drained: frozenset[str] = frozenset()
    """Addresses that people have taken out by hand."""
    everywhere: Everywhere = field(default_factory=Everywhere)
    contest: Contest = field(init=False)

    def __post_init__(self) -> None:
        self.contest = Contest(self.spec)

    @property
    def single(self) -> bool:
        """At most one member may be ready."""
        return self.spec.check.requirement.role is Role.PRIMARY

    @property
    def undecided(self) -> tuple[HostTracker, ...]:
        """Members whose last outcome decides nothing yet, or that have had no definite verdict."""
        listed = (one for one in self.trackers.values() if not one.member.host.maintenance)
        return tuple(one for one in listed if one.undecided or not one.settled)

    def set_members(self, spec: ServiceSpec, expanded: Expanded) -> None:
        """Gives the Service these members; an address that it had before keeps its verdict."""
        before = (
            self.trackers if self.spec.ports == spec.ports or not self.seeded else self._trackers_at_same_port(expanded)
        )
        self.spec, self.unresolved, self.waiting = spec, expanded.unresolved, expanded.waiting
        self.name_problems = expanded.reasons
        self.trackers = {member.address: tracker_for(member, before.get(member.address)) for member in expanded.members}
        if self.waiting:
            gone = before.keys() - self.trackers.keys()
            self._remember({address: before[address].judgement.verdict for address in sorted(gone)})
        for address in self.trackers.keys() - before.keys():
            self._take_stored(self.trackers[address], None)
        self._forget_stored()
        self.identities = {address: name for address, name in self.identities.items() if address in self.trackers}
        self.topology = Topology(names_of(expanded.members, spec.ports), frozenset(self.identities.values()))
        self.contest.set_members(spec, self.trackers, host_names(expanded.members, spec.ports))
        self._keep_one_primary()

    def _trackers_at_same_port(self, expanded: Expanded) -> dict[str, HostTracker]:
        """After a change of ports: the trackers of hosts that Mooring still probes at the same address and port."""
        asked = {member.address: _probe_place(member) for member in expanded.members}
        return {name: one for name, one in self.trackers.items() if asked.get(name) in {None, _probe_place(one.member)}}

    def seed(self, stored: StoredAddresses | None, at: float | None) -> None:
        """Takes over the stored verdicts at its first call; outcomes count from then on. Later calls do nothing."""
        if self.seeded:
            return
        self.seeded = True
        if stored is not None:
            self.stored_verdicts = verdicts(stored)
        for tracker in self.trackers.values():
            self._take_stored(tracker, at)
        self._forget_stored()
        self._keep_one_primary()

    def follow(self, stored: StoredAddresses, at: float | None) -> None:
        """On a standby: a verdict that no outcome of ours has confirmed, or that is held, becomes the stored one."""
        now = verdicts(stored)
        for tracker in self.trackers.values():
            found = next((now[address] for address in tracker.member.addresses if address in now), None)
            open_to_it = not tracker.confirmed_by_us or tracker.hold is not None
            if found is not None and found is not tracker.judgement.verdict and open_to_it:
                tracker.seed(found, at)
        self._keep_one_primary()

    def _take_stored(self, tracker: HostTracker, at: float | None) -> None:
        found = [self.stored_verdicts.pop(address, None) for address in tracker.member.addresses]
        verdict = next((one for one in found if one is not None), None)
        if verdict is not None:
            tracker.seed(verdict, at)

    def _remember(self, gone: Mapping[str, Verdict]) -> None:
        self.stored_verdicts |= gone
        while len(self.stored_verdicts) > MOST_STORED:
            self.stored_verdicts.pop(next(iter(self.stored_verdicts)))

    def _forget_stored(self) -> None:
        """Once each name has an address, no stored verdict waits for one."""
        if not self.waiting:
            self.stored_verdicts.clear()

    def _keep_one_primary(self) -> None:
        """Of several ready primaries keeps the one that our own outcome confirmed; the others must answer first."""
        ready = [tracker for tracker in self.trackers.values() if tracker.ready]
        if self.single and len(ready) > 1:
            confirmed = [tracker for tracker in ready if tracker.confirmed_by_us]
            for tracker in ready:
                if len(confirmed) != 1 or tracker is not confirmed[0]:
                    tracker.demote()

    def take_vote(self, report: Report) -> set[Target]:
        """Takes the vote of a server of the quorum. Returns the targets to probe soon: all, if the majority changed."""
        changed = self.contest.note_vote(report)
        return {tracker.member.target for tracker in self.trackers.values()} if changed else set()

    def take(
        self,
        tracker: HostTracker,
        report: Report,
        offsets: Mapping[str, int],
        unknown: Reason | None,
        poll: Poll | None = None,
    ) -> HostResult:
        """Judges a member by a report of its target. ``unknown``: why the report says nothing of the host.

        ``offsets``: the replication offset of each probed primary, in bytes, by ``address:port``.
        ``poll``: what other observers say of this silence, where the Service asks them.
        """
        outcome = self._assess(tracker, report, offsets)
        if unknown is not None and outcome.effect is not Effect.DECIDES:
            outcome = Outcome(unknown, report.observation.message if unknown is Reason.COMMON_CAUSE else "")
        elif poll is not None:
            outcome = poll.weigh(outcome)
            if poll.awaited and self._would_leave(tracker, outcome):
                shown = tracker.take(report, outcome, seeded=self.seeded, undecided=True)
                return HostResult(list(shown), {report.target}, reason=outcome.reason)
        if outcome == PLAIN and (not self.single or self._renew_primary(tracker, report)) and tracker.absorb(report):
            return HostResult(reason=Reason.OK)
        before = tracker.published
        result = self._judge_claim(tracker, report, outcome) if self.single else self._judge(tracker, report, outcome)
        result.published = self.seeded and tracker.published != before
        result.events = [self._counted(event) for event in result.events]
        if result.moved and outcome.effect is Effect.DECIDES and len(self.trackers) > 1:
            check = tracker.member.check
            result.writer_grace_seconds = min(MOST_GRACE_SECONDS, (check.thresholds.success + 1) * check.edge)
        return result

    def _would_leave(self, tracker: HostTracker, outcome: Outcome) -> bool:
        """Whether this outcome would take out a host that is ready."""
        turned = turns(tracker.judgement, outcome, tracker.member.check.thresholds)
        return tracker.ready and turned is Verdict.NOT_READY

    def _counted(self, event: Event) -> Event:
        """A changed verdict with how many hosts are ready then."""
        if not isinstance(event, HostChanged):
            return event
        ready = sum(map(self.serves, self.trackers.values()))
        return replace(event, counts=(ready, len(self.trackers)))

    def note_changes(self, moved: Iterable[HostChanged], report: Report) -> None:
        """Remembers when these verdicts changed, and when their first evidence came."""
        new = (VerdictChange(report.ended, report.at - (event.seconds or 0.0)) for event in moved)
        self.changes = (*self.changes, *new)[-MOST_CHANGES:]

    def _judge(self, tracker: HostTracker, report: Report, outcome: Outcome) -> HostResult:
        rules = Damping(self.spec, self.trackers.values(), self.serves, self.everywhere)
        was_ready = tracker.ready
        hold = rules.hold(tracker, report, outcome)
        result = HostResult(list(tracker.take(report, outcome, seeded=self.seeded, hold=hold)), reason=outcome.reason)
        if was_ready and not tracker.ready:
            result.events += rules.note_out(tracker, report, outcome)
        return result

    def serves(self, tracker: HostTracker) -> bool:
        """It is ready, and nobody has taken it out by hand."""
        return tracker.ready and not tracker.member.host.maintenance and tracker.member.address not in self.drained

    def _renew_primary(self, tracker: HostTracker, report: Report) -> bool:
        """Notes the facts of the undisputed primary. Returns whether this host is it."""
        if not (tracker.steady and self.contest.is_undisputed(tracker)):
            return False
        tracker.note_facts(report)
        self.contest.note_primary(tracker, report.at)
        return True

    def _judge_claim(self, tracker: HostTracker, report: Report, outcome: Outcome) -> HostResult:
        """Judges a member of a Service with one primary, where a claim of one concerns the others."""
        known, split = self._all_heard(), bool(self.contest.split)
        tracker.note_facts(report)
        tracker.note_claim(outcome)
        conflict = self.contest.note_conflict(tracker)
        decision = self.contest.decide(tracker) if outcome.effect is Effect.SUCCESS else None
        result = self._enact(tracker, report, outcome, decision)
        result.events += conflict
        others = [one for one in self.trackers.values() if not one.ready]
        if result.moved or (not known and self._all_heard()):
            result.probe_soon |= {one.member.target for one in others}
        if self.contest.split and not split:
            result.probe_soon |= {one.member.target for one in others if one.claims_primary and one is not tracker}
        result.probe_soon |= {self.trackers[address].member.target for address in self.contest.doubted}
        return result

    def _enact(
        self, tracker: HostTracker, report: Report, outcome: Outcome, decision: PrimaryDecision | None
    ) -> HostResult:
        admitted = decision is not None and decision.candidacy is Candidacy.ADMITTED
        undecided = decision is not None and decision.candidacy in UNDECIDED
        if decision is not None and not admitted:
            outcome = self.contest.outcome_of(decision)
        taken = tracker.take(report, outcome, seeded=self.seeded, urgent=admitted, undecided=undecided)
        result = HostResult(list(taken), reason=outcome.reason)
        if admitted and tracker.ready:
            result.events[:0] = self.contest.note_primary(tracker, report.at)
        elif admitted and self.seeded:
            result.probe_soon.add(tracker.member.target)
        return result

    def _assess(self, tracker: HostTracker, report: Report, offsets: Mapping[str, int]) -> Outcome:
        seen = report.observation
        self._note_identity(tracker, seen.facts.identity if seen.facts else "")
        keeps = seen.held and not self._may_leave(tracker)
        return assess(
            seen,
            tracker.member,
            self.topology,
            tracker.judgement,
            keeps=keeps,
            offset_of=lambda source: self._offset(source, offsets),
        )

    def _note_identity(self, tracker: HostTracker, identity: str) -> None:
        address = tracker.member.address
        if identity and self.identities.get(address) != identity:
            self.identities[address] = identity
            self.topology = Topology(self.topology.names, frozenset(self.identities.values()))

    def _offset(self, source: str, offsets: Mapping[str, int]) -> int | None:
        """The offset of a channel's source: under that name, or at the target of the host that it names."""
        known = self.trackers.get(self.contest.names.get(source, ""))
        target = known and known.member.target
        return offsets.get(source, offsets.get(place(target.address, target.port)) if target else None)

    def _may_leave(self, tracker: HostTracker) -> bool:
        """Whether a saturated host may leave: ``whenSaturated: fail``, or another ready host takes logins."""
        if tracker.member.check.when_saturated is WhenSaturated.FAIL:
            return True
        return any(other.ready and not other.saturated for other in self.contest.others(tracker))

    def _all_heard(self) -> bool:
        return all(tracker.heard for tracker in self.trackers.values())


def verdicts(stored: StoredAddresses) -> dict[str, Verdict]:
    """The stored verdicts, by address."""
    return dict.fromkeys(stored.not_ready, Verdict.NOT_READY) | dict.fromkeys(stored.ready, Verdict.READY)


def _probe_place(member: Member) -> tuple[str, int]:
    return member.target.address, member.target.port
