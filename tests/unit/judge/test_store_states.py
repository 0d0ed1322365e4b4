"""The store, select and desire together, against an oracle that only remembers what each probe should have meant.

The world of the machine: three hosts, two Services that share two of them, a network that may be cut and an API
server that may be away. Every probe that the store asks for as a witness is made at once, in the same world.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lab.values import PORTS, report, spec, target
from mooring.judge.members import members
from mooring.judge.store import HealthStore
from mooring.model.objects import StoredEndpoints
from mooring.model.reasons import MEANINGS, Effect, Reason
from mooring.model.spec import ServiceKey, ServiceSpec, Thresholds, WhenAllFail
from mooring.model.targets import Target
from mooring.model.verdicts import Verdict
from mooring.plan.desired import endpoints_subsets
from mooring.plan.select import select

UNJUDGED, READY, NOT_READY = Verdict.UNJUDGED, Verdict.READY, Verdict.NOT_READY
HOSTS = ("10.20.0.11", "10.20.0.12", "10.20.0.13")
WIDE, KEEPING = ServiceKey("default", "wide"), ServiceKey("default", "keeping")
CONDITIONS = [Reason.OK] * 5 + [Reason.REFUSED, Reason.LOADING, Reason.TIMEOUT, Reason.WRONG_ROLE, Reason.AUTH]
THRESHOLDS = st.builds(Thresholds, st.integers(1, 3), st.integers(1, 3))


@dataclass(slots=True)
class Memory:
    """The outcomes that counted since the verdict last changed."""

    thresholds: Thresholds
    verdict: Verdict = UNJUDGED
    counted: list[Effect] = field(default_factory=list)

    def hear(self, effect: Effect) -> None:
        self.counted.append(effect)
        verdict = self.follows(effect)
        if verdict is not self.verdict:
            self.verdict, self.counted = verdict, []

    def follows(self, last: Effect) -> Verdict:
        good, bad = self.counted[-self.thresholds.success :], self.counted[-self.thresholds.failure :]
        if last is Effect.DECIDES:
            return NOT_READY
        if self.verdict is UNJUDGED:
            return READY if last is Effect.SUCCESS else NOT_READY
        if self.verdict is READY:
            return NOT_READY if bad.count(Effect.FAILURE) == self.thresholds.failure else READY
        return READY if good.count(Effect.SUCCESS) == self.thresholds.success else NOT_READY


class Publishing(RuleBasedStateMachine):
    @initialize(wide=THRESHOLDS, keeping=THRESHOLDS)
    def begin(self, wide: Thresholds, keeping: Thresholds) -> None:
        self.now, self.cut, self.api, self.blind = 0.0, False, True, False
        self.conditions = dict.fromkeys(HOSTS, Reason.OK)
        self.maintenance: set[str] = set()
        self.wrong: set[str] = set()
        self.stored: dict[ServiceKey, StoredEndpoints | None] = {WIDE: None, KEEPING: None}
        self.specs = {
            WIDE: self.spec_of(WIDE, HOSTS, wide, WhenAllFail.PUBLISH_NONE),
            KEEPING: self.spec_of(KEEPING, HOSTS[:2], keeping, WhenAllFail.KEEP_LAST),
        }
        self.start()

    @staticmethod
    def spec_of(key: ServiceKey, hosts: tuple[str, ...], thresholds: Thresholds, policy: WhenAllFail) -> ServiceSpec:
        plain = spec(*hosts, key=key, period=1.0)
        return replace(plain, check=replace(plain.check, thresholds=thresholds), when_all_fail=policy)

    def start(self) -> None:
        """A daemon starts with its file and the stored objects."""
        self.store, self.blind = HealthStore(), False
        self.wrong.clear()
        self.load()
        self.memories = {
            (key, host.address): Memory(one.check.thresholds, self.stored_verdict(key, host.address))
            for key, one in self.specs.items()
            for host in one.hosts
        }
        for key in self.specs:
            self.store.seed(key, self.stored[key])
        self.publish()

    def stored_verdict(self, key: ServiceKey, address: str) -> Verdict:
        stored = self.stored[key]
        if stored is None:
            return UNJUDGED
        return READY if address in stored.ready else NOT_READY

    def load(self) -> None:
        for one in self.specs.values():
            hosts = tuple(replace(host, maintenance=host.address in self.maintenance) for host in one.hosts)
            listed = replace(one, hosts=hosts)
            self.store.set_members(listed, members(listed, {}, ()))

    def publish(self) -> None:
        for key, one in self.specs.items() if self.api else ():
            selection = select(self.store.service(key).hosts, self.stored[key], one.when_all_fail)
            self.stored[key] = StoredEndpoints(key, "1", managed=True, subsets=endpoints_subsets(selection, PORTS))

    @rule(address=st.sampled_from(HOSTS), condition=st.sampled_from(CONDITIONS))
    def a_host_changes(self, address: str, condition: Reason) -> None:
        self.conditions[address] = condition

    @rule(address=st.sampled_from(HOSTS))
    def maintenance_is_switched(self, address: str) -> None:
        self.maintenance ^= {address}
        self.load()
        self.publish()

    @rule(cut=st.booleans())
    def the_network_is_cut_or_mended(self, cut: bool) -> None:  # noqa: FBT001 -- hypothesis calls by keyword
        self.cut = cut

    @rule(api=st.booleans())
    def the_api_server_goes_or_comes(self, api: bool) -> None:  # noqa: FBT001 -- hypothesis calls by keyword
        self.api = api
        self.publish()

    @rule(addresses=st.lists(st.sampled_from(HOSTS), min_size=1, max_size=6))
    def hosts_are_probed(self, addresses: list[str]) -> None:
        for address in addresses:
            self.expect(address)
            self.probe(target(address), witness=False)
            self.publish()

    @precondition(lambda self: len(self.ready_addresses()) > 1)
    @rule(order=st.permutations(HOSTS), rounds=st.integers(1, 4))
    def a_partition_moves_nothing(self, order: list[str], rounds: int) -> None:
        self.cut, before = True, self.ready_addresses()
        self.hosts_are_probed(order * rounds)
        assert self.blind
        assert self.ready_addresses() == before

    @rule(condition=st.sampled_from(CONDITIONS), order=st.permutations(HOSTS), rounds=st.integers(1, 4))
    def all_hosts_become_the_same(self, condition: Reason, order: list[str], rounds: int) -> None:
        self.cut, self.conditions = False, dict.fromkeys(HOSTS, condition)
        self.hosts_are_probed(order * rounds)

    @rule()
    def the_daemon_is_restarted(self) -> None:
        """Seeding moves nothing: only what the file forbids leaves."""
        before = {key: stored.ready for key, stored in self.stored.items() if stored}
        self.start()
        after = {key: stored.ready for key, stored in self.stored.items() if stored}
        leaving = self.maintenance if self.api else set()
        assert all(after[key] == ready - leaving for key, ready in before.items())

    def expect(self, address: str) -> None:
        """What a probe of the host means now, by the words of the contract."""
        reason = self.seen(address)
        if MEANINGS[reason].silent:
            if self.is_blindness(address):
                self.blind = True
                return
        else:
            self.blind = False
        effect = MEANINGS[reason].effect
        self.wrong -= {address} if effect is Effect.SUCCESS else set()
        self.wrong |= {address} if effect is Effect.DECIDES else set()
        for key in self.specs:
            if effect is not Effect.UNKNOWN and (key, address) in self.memories:
                self.memories[key, address].hear(effect)

    def is_blindness(self, address: str) -> bool:
        ready = self.ready_addresses()
        guarded = address in ready and all(MEANINGS[self.seen(other)].silent for other in ready)
        return len(ready) > 1 and (self.blind or guarded)

    def ready_addresses(self) -> set[str]:
        return {address for (_, address), memory in self.memories.items() if memory.verdict is READY}

    def seen(self, address: str) -> Reason:
        return Reason.TIMEOUT if self.cut else self.conditions[address]

    def probe(self, of: Target, *, witness: bool) -> None:
        reason = self.seen(of.address)
        self.now += 1.0
        made = report(of, reason, started=self.now, witness=witness)
        taken = self.store.take([replace(made, ended=self.now + 1.0) if MEANINGS[reason].silent else made])
        for asked in sorted(taken.ask, key=lambda one: one.address):
            self.probe(asked, witness=True)

    @invariant()
    def the_store_holds_what_follows(self) -> None:
        """I1 and I2: every verdict is exactly what the counted outcomes make it."""
        held = {(m.service, m.address): s.verdict for key in self.specs for m, s in self.store.service(key).hosts}
        assert held == {one: memory.verdict for one, memory in self.memories.items()}

    @invariant()
    def what_is_selected_follows(self) -> None:
        """I3, I9 and keepLast: one list each, never a host that must not serve, kept only by policy."""
        for key, one in self.specs.items():
            listed = {host.address for host in one.hosts}
            stored = self.stored[key]
            selection = select(self.store.service(key).hosts, stored, one.when_all_fail)
            fit = {a for a in listed if self.memories[key, a].verdict is READY} - self.maintenance
            last = stored.ready if stored and one.when_all_fail is WhenAllFail.KEEP_LAST and not fit else frozenset()
            assert set(selection.kept) == last - self.maintenance - self.wrong
            assert set(selection.ready) == fit | set(selection.kept)
            assert set(selection.not_ready) == listed - set(selection.ready)
            assert self.wrong.isdisjoint(selection.ready)


TestPublishing = pytest.mark.slow(Publishing.TestCase)
TestPublishing.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
