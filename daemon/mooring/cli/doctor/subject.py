"""What is examined: the file, and the cluster where there is one. Each is looked at once, when a group needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from mooring.cli.api import Reached, reach
from mooring.cli.doctor.cluster import ClusterFacts, cluster_facts
from mooring.cli.doctor.configuration import FileFacts, file_facts, file_policy
from mooring.cli.doctor.finding import NotLookedAt
from mooring.cli.doctor.probing import Probes, probe_all, with_ports
from mooring.cli.doctor.rights import Right, needed
from mooring.cli.settings import Settings
from mooring.cluster.client import Api
from mooring.cluster.reviews import may_we, who_are_we
from mooring.cluster.snapshot import Snapshot, snapshot
from mooring.config import unreadable_files
from mooring.model.addresses import parse
from mooring.model.errors import ClusterError, NoCredentials
from mooring.model.spec import Config, ServiceKey
from mooring.probe.resolve import Names
from mooring.protocols.registry import probe
from mooring.protocols.transport.files import secret_files

CALLS = 8
"""How many calls to the API server are under way at once."""


class Subject:
    """One look at all of it; another look is another subject."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def file(self) -> FileFacts:
        secret_files.confine(file_policy(self.settings))
        return file_facts(self.settings)

    @property
    def config(self) -> Config:
        """Raises NotLookedAt."""
        if self.file.config is None:
            raise NotLookedAt("the file is not valid")
        return self.file.config

    @cached_property
    def unreadable(self) -> list[str]:
        """A sentence for each file of a Service that Mooring cannot use. Raises NotLookedAt."""
        return unreadable_files(self.config)

    @cached_property
    def _reached(self) -> Reached | str:
        try:
            return reach(self.settings)
        except NoCredentials as error:
            return str(error)

    @cached_property
    def cluster(self) -> ClusterFacts:
        """Raises NotLookedAt: there is none."""
        if self.settings.cluster == "local":
            raise NotLookedAt("--cluster local is a folder")
        if isinstance(self._reached, str):
            return ClusterFacts(no_login=self._reached)
        return cluster_facts(self._reached.api)

    @property
    def api(self) -> Api:
        """That of a cluster that has answered. Raises NotLookedAt."""
        facts = self.cluster
        if facts.silent or isinstance(self._reached, str):
            raise NotLookedAt("the cluster does not answer")
        return self._reached.api

    @property
    def lease(self) -> tuple[str, str] | None:
        """Namespace and name of the Lease of an election, where there is one."""
        settings = self.settings
        own = "" if isinstance(self._reached, str) else self._reached.namespace
        return (settings.lease_namespace or own, settings.lease_name) if settings.leader_election else None

    @cached_property
    def account(self) -> str:
        return who_are_we(self.api)

    @cached_property
    def rights(self) -> Mapping[Right, bool]:
        """All that the daemon needs, and whether we have it. Raises NotLookedAt, ClusterError."""
        api, rights = self.api, needed(self.config.services, self.lease)

        def ask(right: Right) -> bool:
            where = {"namespace": right.namespace, "group": right.group, "resource": right.kind}
            return may_we(api, **where, verb=right.verb, name=right.name)

        with ThreadPoolExecutor(CALLS) as pool:
            return dict(zip(rights, pool.map(ask, rights), strict=True))

    @cached_property
    def snapshots(self) -> Mapping[ServiceKey, Snapshot]:
        """Of all Services. Raises NotLookedAt, ClusterError."""
        return self.read(self._keys)

    def read(self, keys: Sequence[ServiceKey]) -> Mapping[ServiceKey, Snapshot]:
        """These Services as they are now. Raises NotLookedAt, ClusterError."""
        api = self.api
        with ThreadPoolExecutor(CALLS) as pool:
            return dict(zip(keys, pool.map(lambda key: snapshot(api, key), keys), strict=True))

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses of each DNS name of the file."""
        hosts = [host.address for spec in self.config.services for host in spec.hosts]
        names = Names([name for name in hosts if parse(name) is None], lambda: None)
        names.learn(*names.addresses())
        return names.addresses()

    @cached_property
    def probes(self) -> Probes:
        """Of the Services whose files can be read. Raises NotLookedAt."""
        unusable = [key for key in self._keys if any(one.startswith(f"{key}: check.") for one in self.unreadable)]
        found = self._snapshots_if_any()
        placed = (with_ports(spec, found.get(spec.key)) for spec in self.config.services if spec.key not in unusable)
        return probe_all([spec for spec in placed if spec], self.settings.allowed_cidrs, probe)

    @property
    def _keys(self) -> list[ServiceKey]:
        return [spec.key for spec in self.config.services]

    def _snapshots_if_any(self) -> Mapping[ServiceKey, Snapshot]:
        """Hosts are probed also where no cluster says what their ports are."""
        try:
            return self.snapshots
        except (NotLookedAt, ClusterError):
            return {}
