"""The real daemon as a child process on the node, with a kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kube.api import Api
from lab.free_ports import free_port
from lab.mooring import PROGRAM, Daemon
from lab.network import inside


class ClusterDaemon(Daemon):
    """``mooring run`` against an API server; as the administrator, or as the user of another kubeconfig.

    ``manifest``, ``ready`` and ``not_ready`` tell what the API server has stored.
    """

    def __init__(
        self,
        config: str,
        api: Api,
        *,
        kubeconfig: Path | None = None,
        args: Sequence[str] = ("--no-leader-elect",),
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
        netns: str | None = None,
    ) -> None:
        """It runs inside ``netns``, else where the API server is."""
        secrets = {"MOORING_SECRET_DIRS": "/", **(env or {})}  # they lie in folders of the tests
        super().__init__(config, api.directory, netns=netns or api.netns, args=args, env=secrets, program=program)
        with inside(self.netns):
            self.port = free_port()
        self._api = api
        self._kubeconfig = kubeconfig or api.kubeconfig

    def _where(self) -> list[str]:
        return ["--cluster", "kubeconfig", "--kubeconfig", str(self._kubeconfig)]

    def manifest(self, service: str) -> dict[str, Any] | None:
        namespace, name = service.split("/")
        found: dict[str, Any] | None = self._api.rest.get(f"/api/v1/namespaces/{namespace}/endpoints/{name}")
        return found
