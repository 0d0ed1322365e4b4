"""What the commands begin with: settings, log, the file and what it names, the cluster."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mooring.cli.caution import warn_of_loopback
from mooring.cli.credentials import check_credentials
from mooring.cli.environment import misspelt
from mooring.cli.own_files import own_files
from mooring.cli.settings import Purpose, Settings, load_settings
from mooring.cluster.local import LocalCluster
from mooring.cluster.protocol import Cluster
from mooring.config import AddressPolicy, FilePolicy, parse, unreadable_files
from mooring.config.reload import Reloader, is_mount_point
from mooring.config.source import is_there, read
from mooring.daemon import Daemon
from mooring.leader.store import LeaseStore
from mooring.model.errors import ConfigError
from mooring.model.events import Event
from mooring.model.spec import Config, ServiceSpec
from mooring.observe import log
from mooring.observe.outbox import QueuedListener
from mooring.protocols.transport.files import secret_files

Listener = Callable[[Event], None]
Services = tuple[ServiceSpec, ...]

NAME_IT = "Name your configuration by --config or MOORING_CONFIG; `mooring init` writes one to start from"


def started(
    given: Mapping[str, object], purpose: Purpose, wanted: Callable[[Services], Services] = lambda specs: specs
) -> tuple[Settings, Config]:
    """The settings and the wanted Services of the file. From now on Mooring reads only files that ``purpose`` allows.

    Raises:
        ConfigError: something in these is wrong, or a file that they name is not there.
    """
    settings = load_settings(given)
    log.configure(settings.log_format, settings.log_level)
    for sentence in misspelt(os.environ, (*Settings.model_fields, "url")):
        log.say("warning", "settings.unknown", {"why": sentence})
    _raise_descriptors()
    secret_files.confine(_file_policy(settings, purpose))
    if not is_there(settings.config):
        raise ConfigError(f"{settings.config} is not there. {NAME_IT}")
    data = read(settings.config)
    config = _parsing(settings, purpose)(data)
    if purpose is Purpose.CHECK:
        warn_of_loopback(lambda: _parsing(settings, purpose, settings.address_policy(Purpose.RUN))(data))
    config = replace(config, services=wanted(config.services))
    if problems := unreadable_files(config):
        raise ConfigError(*problems)
    return settings, config


def _parsing(settings: Settings, purpose: Purpose, addresses: AddressPolicy | None = None) -> Callable[[bytes], Config]:
    """The parser of the file by these settings; ``addresses`` replaces their own policy."""
    return partial(
        parse,
        file=str(settings.config),
        policy=addresses or settings.address_policy(purpose),
        ports_required=settings.cluster == "local" and purpose is not Purpose.CHECK,
        files=_file_policy(settings, purpose),
    )


def _file_policy(settings: Settings, purpose: Purpose) -> FilePolicy:
    return settings.file_policy(purpose, own_files(settings.kubeconfig, os.environ))


def _raise_descriptors() -> None:
    """Raises the limit of descriptors as far as the process may: each held session needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # the kernel refuses: the soft limit stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    log.say("debug", "descriptors", {"before": soft, "limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0]})


def reloading(settings: Settings, config: Config, daemon: Daemon, on_reload: Callable[[bool], None]) -> Reloader:
    """What watches the file for the daemon, by the rules that held at its start; ``on_reload`` as ``Reloader`` has it.

    A missing passwordFile is no reason to refuse the file: its hosts are ``unknown: local`` until it exists.
    """
    path = settings.config
    if is_mount_point(path, Path("/proc/self/mountinfo").read_text()):
        means = "it is mounted by itself (subPath), so a change of it is seen only after a restart; mount its folder"
        log.say("warning", "config.mounted_alone", {"file": str(path), "means": means})
    parsing = _parsing(settings, Purpose.RUN)
    return Reloader(path, parsing, config, take=daemon.take_up, refuse=daemon.refuse, on_reload=on_reload)


class Reached(NamedTuple):
    """The cluster to keep, its listeners, the Leases of an election where one is held, and since when it is silent."""

    cluster: Cluster
    listeners: Sequence[QueuedListener] = ()
    lease: LeaseStore | None = None
    observers: Sequence[LeaseStore] = ()
    unheard_since: Callable[[], float | None] = lambda: None


def cluster_of(settings: Settings, config: Config) -> Reached:
    """The cluster that the settings name. Raises ConfigError, NoCredentials."""
    if settings.cluster != "local":
        return _real(settings, config)
    if settings.leader_elect:
        raise ConfigError("--leader-elect (MOORING_LEADER_ELECT): a folder has no Lease; leave it out")
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"cannot make {settings.state_dir}: {error.strerror}"
        raise ConfigError(f"--state-dir (MOORING_STATE_DIR): {why}") from error
    return Reached(LocalCluster(settings.state_dir))


def _real(settings: Settings, config: Config) -> Reached:
    check_credentials(settings, os.environ)
    # The Kubernetes client takes most of a second to import; no other command should pay for it.
    from mooring.cluster.client import Api, client_factory, own_namespace  # noqa: PLC0415 -- as said
    from mooring.cluster.endpoints import KubeCluster  # noqa: PLC0415 -- as said
    from mooring.cluster.lease import KubeLeaseStore, observer_stores  # noqa: PLC0415 -- as said
    from mooring.observe.events import Recorder, pod  # noqa: PLC0415 -- as said

    where = settings.cluster, settings.kubeconfig, settings.context
    api = Api(client_factory(*where))
    cluster = KubeCluster(api, {spec.key.namespace for spec in config.services})
    recorder = Recorder(api, socket.gethostname(), time.time, pod(os.environ), leads=not settings.leader_election)
    if not settings.leader_election:
        return Reached(cluster, [recorder], unheard_since=lambda: api.unheard_since)
    namespace = settings.lease_namespace or own_namespace(*where)
    lease = KubeLeaseStore(api, namespace, settings.lease_name)
    observers = observer_stores(api, namespace, settings.lease_name)
    return Reached(cluster, [recorder], lease, observers, lambda: api.unheard_since)
