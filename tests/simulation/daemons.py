"""The daemons of a simulated world: each a whole Mooring in a process of its own."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mooring.cluster.client import Api
from mooring.cluster.endpoints import KubeCluster
from mooring.cluster.lease import KubeLeaseStore, observer_stores
from mooring.daemon import Daemon
from mooring.model.clocks import Clocks
from mooring.model.damping import DemotionLimit
from mooring.model.probes import Report
from simulation.api_server import Client
from simulation.kernel import Machine, Process

if TYPE_CHECKING:
    from simulation.world import SimulatedWorld

NAMESPACE = "default"
LEASE, THEIR_LEASE = "mooring", "their-mooring"


class SimulatedDaemon:
    """One Mooring on a machine of its own; it may be killed and started again."""

    def __init__(self, world: SimulatedWorld, name: str, rate: float) -> None:
        self.world, self.name = world, name
        self.machine = Machine(world.kernel, name, rate=rate, uptime=1000.0 + 3333.0 * len(world.daemons))
        self.process: Process | None = None
        self.daemon: Daemon | None = None
        self.starts = 0
        self.started_at = 0.0
        self.lease = THEIR_LEASE if name in world.plan.rivals else LEASE

    @property
    def alive(self) -> bool:
        return self.process is not None and not self.process.dead

    def start(self) -> None:
        self.starts += 1
        self.started_at = self.world.kernel.now
        self.process = process = Process(self.machine, f"{self.name}.{self.starts}")
        self.world.kernel.spawn(process, lambda: self._start(process), "main")

    def _start(self, process: Process) -> None:
        world, machine = self.world, self.machine
        process.excepthook = world.died
        api = Api(lambda _seconds: Client(world.api))  # type: ignore[arg-type, return-value]
        cluster = KubeCluster(api, {NAMESPACE})
        elects = world.plan.election
        self.daemon = daemon = Daemon(
            world.config_of(self.name),
            cluster,
            listeners=(lambda event: world.hear(process.name, event),),
            clocks=Clocks(machine.monotonic, machine.wall, machine.boot),
            lease=KubeLeaseStore(api, NAMESPACE, self.lease) if elects else None,
            observers=observer_stores(api, NAMESPACE, self.lease) if elects else (),
            limit=DemotionLimit(*world.plan.limit) if world.plan.limit else None,
            unheard_since=lambda: api.unheard_since,
        )
        world.identities[daemon._identity] = process.name
        take = daemon._dispatcher.take

        def heard(reports: Sequence[Report]) -> None:
            world.reported(process.name, reports)
            take(reports)

        # What the daemon hands its reports to is the only seam that is not an edge of the process.
        daemon._dispatcher = types.SimpleNamespace(take=heard)  # type: ignore[assignment]
        daemon.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            for held in list(self.world.network.files.values()):
                if getattr(held, "process", None) is self.process:
                    held.close()

    def stop(self) -> None:
        """SIGTERM."""
        process, daemon = self.process, self.daemon
        if process is not None and daemon is not None and not process.dead:

            def end() -> None:
                daemon.stop()
                process.kill()

            self.world.kernel.spawn(process, end, "stop", always=True)

    def reload(self) -> None:
        """Takes up the file as it is now."""
        process, daemon, config = self.process, self.daemon, self.world.config_of(self.name)
        if process is not None and daemon is not None and not process.dead:
            self.world.kernel.spawn(process, lambda: daemon.take_up(config), "reload", always=True)
