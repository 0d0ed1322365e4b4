"""One node in a network namespace: container runtime, kubelet, kube-proxy and the cluster's name server."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kube import build, cgroups, image, mounts, settings
from kube.api import Api, component
from kube.component import Part
from lab import leftovers

NAME = "node"


class Node:
    """The parts of a node of ``api``'s cluster, not started yet; ``six`` is the node's IPv6 address."""

    def __init__(self, api: Api, *, six: str) -> None:
        self._api = api
        self._addresses = f"{api.address},{six}"
        self._home = api.directory / "node"
        self._run = self._home / "containerd"
        self._bin = build.directory()
        self.group = f"{leftovers.tag()}pods-{secrets.token_hex(4)}"
        self._write()
        managed_by = mounts.managed_by(self._home / "veil", self._bin / "pause")
        self.mounts = api.part("mounts", managed_by, self._veiled)
        self.containerd = self._own(
            "containerd", f"--config={self._home / 'containerd.toml'}", wrap=self._inside, ready=self._runs
        )
        self.kubelet = self._kubelet()
        self.proxy = self._component("kube-proxy", f"--config={self._home / 'proxy.yaml'}", ready=self._proxied)
        self.dns = self._own("coredns", f"-conf={self._home / 'coredns.conf'}")

    @property
    def socket(self) -> Path:
        return self._run / "containerd.sock"

    def _write(self) -> None:
        api = self._api
        (self._run / "cni").mkdir(parents=True)
        group = cgroups.make(self.group)
        texts = {
            "containerd.toml": settings.containerd(self._run, image.PAUSE),
            "containerd/cni/pods.conflist": settings.pod_network(),
            "kubelet.yaml": settings.kubelet(self._home, self.socket, nameserver=api.address, cgroup=group),
            "proxy.yaml": settings.proxy(api.kubeconfig, NAME),
            "coredns.conf": settings.coredns(api.address, api.kubeconfig),
        }
        for name, text in texts.items():
            (self._home / name).write_text(text)

    def _own(self, name: str, *options: str, **more: Any) -> Part:
        path = f"{self._bin}:/usr/sbin:/sbin:{os.environ.get('PATH', os.defpath)}"
        return self._api.part(name, [str(self._bin / name), *options], env={"PATH": path}, **more)

    def _component(self, name: str, *options: str, **more: Any) -> Part:
        return self._api.part(name, [*component(name), *options], **more)

    def _inside(self, words: Sequence[str]) -> Sequence[str]:
        return mounts.inside(self.mounts.pid, self._home, words)

    def _veiled(self) -> bool:
        """Whether all is mounted: the shell that did it has become the program that stays."""
        return Path(f"/proc/{self.mounts.pid}/comm").read_text().strip() == "pause"

    def _kubelet(self) -> Part:
        return self._component(
            "kubelet",
            f"--config={self._home / 'kubelet.yaml'}",
            f"--kubeconfig={self._api.kubeconfig}",
            f"--hostname-override={NAME}",
            f"--node-ip={self._addresses}",
            f"--root-dir={self._home / 'kubelet'}",
            f"--cert-dir={self._home / 'kubelet-keys'}",
            ready=self._registered,
            wrap=self._inside,
        )

    def _runs(self) -> bool:
        return self.socket.exists() and self.ctr("version", check=False) == 0

    def ctr(self, *words: str, check: bool = True) -> int:
        """The runtime's own command, in the namespace that kubelet's images and containers are in."""
        line = [str(self._bin / "ctr"), "--address", str(self.socket), "-n", "k8s.io", *words]
        return subprocess.run(line, capture_output=True, check=check, timeout=300).returncode

    def load(self, archive: Path) -> None:
        """Makes an image (OCI or Docker archive) known to the node, so that pods can run it."""
        self.ctr("images", "import", str(archive))

    def load_pause(self) -> None:
        self.load(image.write(self._home / "pause.tar", self._bin / "pause"))

    def _registered(self) -> bool:
        return self._api.rest.get(f"/api/v1/nodes/{NAME}") is not None

    def _proxied(self) -> bool:
        """Whether kube-proxy has written its table."""
        return "kube-proxy" in self._api.enter("nft", "list", "tables")

    def ready(self) -> bool:
        """Whether the node says that it runs pods."""
        conditions = self._api.rest.get(f"/api/v1/nodes/{NAME}")["status"]["conditions"]
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
