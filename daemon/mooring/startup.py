"""What the commands begin with: settings, log, the file and what it names, the cluster."""

from __future__ import annotations

import argparse
import os
import resource
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mooring.cluster.local import LocalCluster
from mooring.cluster.protocol import Cluster
from mooring.config import load, parse, unreadable_files
from mooring.daemon import Daemon
from mooring.errors import ConfigError
from mooring.events import Event
from mooring.lead import Store
from mooring.observe import log
from mooring.reload import Reloader, is_mount_point
from mooring.settings import Settings, load_settings
from mooring.spec import Config, ServiceSpec

Listener = Callable[[Event], None]


def started(
    options: argparse.Namespace, wanted: Callable[[ServiceSpec], bool] = lambda _spec: True
) -> tuple[Settings, Config]:
    """The settings and the wanted part of the file.

    Raises:
        ConfigError: something in these is wrong, or a file that they name is not there.
    """
    settings = load_settings(vars(options))
    log.configure(settings.log_format, settings.log_level)
    _raise_descriptors()
    config = load(settings.config, settings.address_policy(), ports_required=settings.cluster == "local")
    config = Config(tuple(spec for spec in config.services if wanted(spec)), config.hash)
    if problems := unreadable_files(config):
        raise ConfigError(*problems)
    return settings, config


def _raise_descriptors() -> None:
    """Takes as many descriptors as the process may have: each held session is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # what the kernel gave before is more than it gives now: the soft one stays
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    log.say("debug", "descriptors", {"before": soft, "limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0]})


def reloading(settings: Settings, config: Config, daemon: Daemon, on_reload: Callable[[bool], None]) -> Reloader:
    """What watches the file for the daemon, by the rules that held at its start; ``on_reload`` as ``Reloader`` has it.

    A passwordFile that is not there is no reason to refuse: its host says ``unknown: local`` until it is.
    """
    path = settings.config
    if is_mount_point(path, Path("/proc/self/mountinfo").read_text()):
        means = "it is mounted by itself (subPath), so a change of it is seen only after a restart; mount its folder"
        log.say("warning", "config.mounted_alone", {"file": str(path), "means": means})
    policy, ports_required = settings.address_policy(), settings.cluster == "local"
    read = partial(parse, file=str(path), policy=policy, ports_required=ports_required)
    return Reloader(path, read, config, take=daemon.take_up, refuse=daemon.refuse, on_reload=on_reload)


class Reached(NamedTuple):
    """The cluster to keep, who else is told of events there, and the Lease to hold while writing, if one is wanted."""

    cluster: Cluster
    listeners: Sequence[Listener] = ()
    lease: Store | None = None


def cluster_of(settings: Settings, config: Config) -> Reached:
    """What the settings lead to. Raises ConfigError, NoCredentials."""
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
    # The Kubernetes client takes most of a second to import, which no other command should wait for.
    from mooring.cluster.client import Api, home, login  # noqa: PLC0415 -- as said
    from mooring.cluster.endpoints import KubeCluster  # noqa: PLC0415 -- as said
    from mooring.cluster.lease import LeaseStore  # noqa: PLC0415 -- as said
    from mooring.observe.events import Recorder, pod  # noqa: PLC0415 -- as said

    where = settings.cluster, settings.kubeconfig, settings.context
    api = Api(login(*where))
    cluster = KubeCluster(api, {spec.key.namespace for spec in config.services})
    recorder = Recorder(api, socket.gethostname(), time.time, pod(os.environ))
    if not settings.leader_election:
        return Reached(cluster, [recorder.write])
    namespace = settings.lease_namespace or home(*where)
    return Reached(cluster, [recorder.write], LeaseStore(api, namespace, settings.lease_name))
