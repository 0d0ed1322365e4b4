"""What the commands begin with: settings, log, the file and what it names, the cluster."""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Callable, Sequence

from mooring.cluster.local import LocalCluster
from mooring.cluster.protocol import Cluster
from mooring.config import load, unreadable_files
from mooring.errors import ConfigError
from mooring.events import Event
from mooring.model import Config, ServiceSpec
from mooring.observe import log
from mooring.settings import Settings, load_settings

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
    config = load(settings.config, settings.address_policy(), ports_required=settings.cluster == "local")
    config = Config(tuple(spec for spec in config.services if wanted(spec)), config.hash)
    if problems := unreadable_files(config):
        raise ConfigError(*problems)
    return settings, config


def cluster_of(settings: Settings, config: Config) -> tuple[Cluster, Sequence[Listener]]:
    """The cluster to keep, and who else is told of events there. Raises ConfigError, NoCredentials."""
    if settings.cluster != "local":
        return _real(settings, config)
    if settings.leader_elect:
        raise ConfigError("--leader-elect (MOORING_LEADER_ELECT): a folder has no Lease; leave it out")
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"cannot make {settings.state_dir}: {error.strerror}"
        raise ConfigError(f"--state-dir (MOORING_STATE_DIR): {why}") from error
    return LocalCluster(settings.state_dir), ()


def _real(settings: Settings, config: Config) -> tuple[Cluster, Sequence[Listener]]:
    # The Kubernetes client takes most of a second to import, which no other command should wait for.
    from mooring.cluster.client import Api, login  # noqa: PLC0415 -- as said
    from mooring.cluster.endpoints import KubeCluster  # noqa: PLC0415 -- as said
    from mooring.observe.events import Recorder  # noqa: PLC0415 -- as said

    api = Api(login(settings.cluster, settings.kubeconfig, settings.context))
    cluster = KubeCluster(api, {spec.key.namespace for spec in config.services})
    return cluster, [Recorder(api, socket.gethostname(), time.time).write]
