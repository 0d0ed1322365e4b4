"""Turns the hosts of the file into members in the health store: looks names up, and takes the cluster's ports."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from mooring.judge.members import Expanded, members
from mooring.judge.ports import FoundPorts, is_gone, probed_port
from mooring.judge.store import HealthStore
from mooring.judge.trial import is_moved
from mooring.model.addresses import Network, parse
from mooring.model.clocks import Clocks
from mooring.model.events import AddressLeftOut, Event
from mooring.model.publish_events import PortsPending, ProbedPortGone
from mooring.model.spec import Port, ServiceKey, ServiceSpec
from mooring.probe.lookup import LIFETIME_SECONDS
from mooring.probe.resolve import Names
from mooring.protocols.registry import PROTOCOLS

Networks = tuple[Network, ...]
Placed = tuple[ServiceSpec, Expanded, tuple[ServiceSpec, Expanded] | None]
"""A Service with its members; and the same with new ports, where these are on trial."""


class Inventory:
    """Puts every Service's members in the health store, and again whenever the addresses of a name change.

    ``on_change`` is called when members have changed, with the Services that need another look.
    """

    def __init__(
        self,
        specs: Sequence[ServiceSpec],
        store: HealthStore,
        allowed: Networks,
        emit: Callable[[Event], None],
        on_change: Callable[[Collection[ServiceKey]], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._specs = specs
        self._listed = {spec.key: spec for spec in specs}
        self._store = store
        self._allowed = allowed
        self._emit = emit
        self._on_change = on_change
        self._monotonic = monotonic
        self._reported: frozenset[AddressLeftOut] = frozenset()
        self._lock = threading.Lock()
        self._ports: dict[ServiceKey, FoundPorts] = {}
        self._placed: dict[ServiceKey, Placed] = {}
        self._gone: dict[ServiceKey, tuple[Port, Port]] = {}
        self._pending: dict[ServiceKey, tuple[Port, ...]] = {}
        self.names = Names(_dns_names(specs), self._on_names_changed, clocks=Clocks(monotonic))

    def replace(self, specs: Sequence[ServiceSpec]) -> None:
        """Takes another file. Services that it does not list stay in the health store."""
        with self._lock:
            self._specs, self._listed = specs, {spec.key: spec for spec in specs}
            self._placed.clear()
        self.names.replace(_dns_names(specs))
        self.refresh(reloaded_at=self._monotonic())

    def refresh(self, reloaded_at: float | None = None) -> frozenset[ServiceKey]:
        """Updates all members; reports each address that must be left out once. Returns the Services that have changed.

        ``reloaded_at``: when another file was taken, in monotonic seconds.
        """
        with self._lock:
            changed = frozenset(spec.key for spec in self._specs if self._place(spec, reloaded_at))
            left_out = frozenset(one for spec in self._specs for one in self._placed[spec.key][1].left_out)
            new, self._reported = left_out - self._reported, left_out
        self._emit_all(new)
        return changed

    def _emit_all(self, new: frozenset[AddressLeftOut]) -> None:
        for one in sorted(new, key=str):
            self._emit(one)

    def _place(self, listed: ServiceSpec, reloaded_at: float | None = None) -> bool:
        """Puts the members of one Service in the store; whether they have changed."""
        before = self._before(listed)
        spec = self._with_ports(listed, before)
        after = (spec, self._members(spec))
        placed: Placed = (*after, None)
        if before is not None and set(before.ports) != set(spec.ports):
            found = self._members(before)
            placed = (before, found, after) if is_moved(found, after[1]) else placed
        self._report_pending(spec.key, placed)
        if self._placed.get(spec.key) == placed:
            return False
        self._placed[spec.key] = placed
        self._store.set_members(placed[0], placed[1], reloaded_at=reloaded_at, pending=placed[2])
        return True

    def _members(self, spec: ServiceSpec) -> Expanded:
        return members(spec, self.names.addresses(), self._allowed, self.names.reasons())

    def _before(self, listed: ServiceSpec) -> ServiceSpec | None:
        """The Service with its published ports, which stay until hosts pass at the new ones; None: it has none yet."""
        held, found = self._store.ports(listed.key), self._ports.get(listed.key)
        is_stored = found is not None and found.listed == listed.ports and found.is_stored
        if held is not None and not is_stored:
            return replace(listed, ports=held.ports, probed=held.probed)
        if held is None and found is not None and found.stored:
            probed = found.probed if found.probed in found.stored else None
            return replace(listed, ports=found.stored, probed=probed)
        return None

    def _with_ports(self, listed: ServiceSpec, before: ServiceSpec | None) -> ServiceSpec:
        """The Service with the ports that it should have: the cluster's, where they were found for this file."""
        found = self._ports.get(listed.key)
        ports = found.wanted if found is not None and found.listed == listed.ports else listed.ports
        if listed.ports or not ports:
            return replace(listed, ports=ports)
        held = self._store.ports(listed.key)
        last = (held and held.probed) or (found and found.probed) or (before and before.probed)
        default = PROTOCOLS[listed.check.protocol].options.default_port
        probed = probed_port(ports, last or None, default)
        if last and is_gone(ports, last) and self._gone.get(listed.key) != (last, probed):
            self._gone[listed.key] = (last, probed)
            self._emit(ProbedPortGone(listed.key, last, probed))
        return replace(listed, ports=ports, probed=probed)

    def _report_pending(self, key: ServiceKey, placed: Placed) -> None:
        wanted = placed[2][0].ports if placed[2] else ()
        if wanted and self._pending.get(key) != wanted:
            self._emit(PortsPending(key, placed[0].ports, wanted))
        self._pending[key] = wanted

    def start(self) -> None:
        """Waits for the names at most a lookup's lifetime, and puts the members in the store."""
        if self.names:
            self.names.refresh()
            self.names.looked.wait(LIFETIME_SECONDS)
        self.refresh()

    def set_ports(self, key: ServiceKey, found: FoundPorts) -> None:
        """Takes the ports that the cluster has for a Service. The caller reconciles that Service anyway."""
        if self._ports.get(key) == found:
            return
        with self._lock:
            self._ports[key] = found
            listed = self._listed.get(key)
            if listed is None or not self._place(listed):
                return
            new = frozenset(self._placed[key][1].left_out) - self._reported
            self._reported |= new
        self._emit_all(new)
        self._on_change(())

    def resolve_all(self) -> None:
        """Looks every name up once and updates all members: for commands that end."""
        self.names.learn(*self.names.addresses())
        self.refresh()

    def _on_names_changed(self) -> None:
        self._on_change(self.refresh())


def _dns_names(specs: Sequence[ServiceSpec]) -> set[str]:
    return {host.address for spec in specs for host in spec.hosts if parse(host.address) is None}
