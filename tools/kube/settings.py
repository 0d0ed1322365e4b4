"""The files that the components of a node read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from kube import machine

PODS = "10.244.0.0/16"
_PODS_SIX = "fd00:244::/64"
_POD_SUBNET = "10.244.0.0/24"
DOMAIN = "cluster.local"


def containerd(directory: Path, image: str) -> str:
    """containerd's, which keeps all that it has below ``directory``.

    ``restrict_oom_score_adj``: a machine without CAP_SYS_RESOURCE cannot lower the score of a pod.
    """
    return f"""\
version = 3
root = "{directory}/root"
state = "{directory}/state"
[grpc]
  address = "{directory}/containerd.sock"
[plugins.'io.containerd.internal.v1.opt']
  path = "{directory}/opt"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{image}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = {json.dumps([str(place) for place in machine.CNI])}
    conf_dir = "{directory}/cni"
"""


def pod_network() -> str:
    """CNI's: each pod a port of one bridge."""
    route = {"dst": "0.0.0.0/0"}
    addresses = {"type": "host-local", "ranges": [[{"subnet": _POD_SUBNET}]], "routes": [route]}
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipam": addresses}
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]})


def kubelet(directory: Path, socket: Path, *, nameserver: str, cgroup: str) -> str:
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"webhook": {"enabled": False}, "anonymous": {"enabled": True}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "clusterDNS": [nameserver],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{socket}",
        "evictionHard": {"memory.available": "100Mi"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,  # asks the file system for what it may not tell
        "makeIPTablesUtilChains": False,
        "maxOpenFiles": 10000,  # above the hard limit kubelet would end
        "resolvConf": "",
        "syncFrequency": "5s",
        "volumePluginDir": str(directory / "plugins"),
    }
    return yaml.safe_dump(document)  # in block style: a leading brace would be taken for JSON


def proxy(kubeconfig: Path, node: str) -> str:
    document: dict[str, Any] = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": f"{PODS},{_PODS_SIX}",
        "conntrack": {"maxPerCore": 0, "min": 0},
        "hostnameOverride": node,
        # The first as where hosts outside know no way back to a pod; a table that the kernel refused is written again
        # after the second, which is 30 s by default.
        "nftables": {"masqueradeAll": True, "syncPeriod": "5s"},
    }
    return yaml.safe_dump(document)


def coredns(address: str, kubeconfig: Path) -> str:
    return f"""\
.:53 {{
  bind {address}
  kubernetes {DOMAIN} {{
    kubeconfig {kubeconfig} tests
    ttl 1
  }}
  errors
}}
"""


def resolver(nameserver: str, namespace: str) -> str:
    """A pod's /etc/resolv.conf."""
    search = f"{namespace}.svc.{DOMAIN} svc.{DOMAIN} {DOMAIN}"
    return f"search {search}\nnameserver {nameserver}\noptions ndots:5\n"
