"""The API server that a command asks, by its options."""

from __future__ import annotations

import os
from typing import NamedTuple

from mooring.cli.credentials import check_credentials
from mooring.cli.settings import Settings
from mooring.cluster.client import Api, client_factory, own_namespace
from mooring.model.errors import ConfigError

WHERE = ("cluster", "kubeconfig", "context")
"""The settings that name it."""


class Reached(NamedTuple):
    """It has not been asked anything yet. ``namespace``: our pod's own, or the context's."""

    api: Api
    namespace: str


def reach(settings: Settings) -> Reached:
    """Raises ConfigError: the settings name a folder. Raises NoCredentials."""
    if settings.cluster == "local":
        raise ConfigError("--cluster local (MOORING_CLUSTER) is a folder, and this command asks an API server")
    check_credentials(settings, os.environ)
    where = (settings.cluster, settings.kubeconfig, settings.context)
    return Reached(Api(client_factory(*where)), own_namespace(*where))
