"""Kubernetes' own Python client, for tests; importing it takes most of a second, so it stands apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3
from urllib3.connection import HTTPSConnection

from kube.api import Api
from lab.network import inside


def _connections(netns: str | None) -> type[HTTPSConnection]:
    class Inside(HTTPSConnection):
        def _new_conn(self) -> Any:
            with inside(netns):
                return super()._new_conn()

    return Inside


def _pools(netns: str | None) -> type[urllib3.HTTPSConnectionPool]:
    class Pool(urllib3.HTTPSConnectionPool):
        ConnectionCls = _connections(netns)

    return Pool


def client(api: Api, kubeconfig: Path | None = None) -> kubernetes.client.ApiClient:
    """A client as the administrator, or as the user of another kubeconfig; its sockets are inside the namespace."""
    read: Any = kubernetes.config.new_client_from_config  # the library declares no types there
    made: kubernetes.client.ApiClient = read(str(kubeconfig or api.kubeconfig))
    made.rest_client.pool_manager.pool_classes_by_scheme = {"https": _pools(api.netns)}
    return made
