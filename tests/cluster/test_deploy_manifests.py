"""What deploy/ holds, as written: the chart, and the base that is written from it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from cluster import helm, kubectl, manifests, values
from ground.mooring import PROGRAM
from mooring import __version__

pytestmark = pytest.mark.needs_cluster  # for its programs: nothing is started here
HELMS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
CONFIG = manifests.BASE / "config.yaml"
ASKED: Mapping[str, Any] = MappingProxyType(
    {
        "image.tag": "1.2",
        "image.pullSecrets": ["mine"],
        "podMonitor": {"enabled": True, "labels": {"release": "prom"}},
        "admissionPolicy.enabled": True,
        "allowedCidrs": ["10.20.0.0/16", "fd00:20::/64"],
        "networkPolicy.databases.to": ["10.20.0.0/16"],
        "extraArgs": ["--log-format=json"],
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"zone": "a"},
        "tolerations": [{"operator": "Exists"}],
    }
)
Objects = dict[tuple[str, str, str], Any]


def objects(text: str) -> Objects:
    """Each manifest by kind, namespace and name, without Helm's own labels; a file in a ConfigMap by what it says."""
    found = {}
    for one in filter(None, yaml.safe_load_all(text)):
        metadata = one["metadata"]
        metadata["labels"] = {name: held for name, held in metadata["labels"].items() if name not in HELMS}
        if "config.yaml" in one.get("data", {}):
            one["data"]["config.yaml"] = yaml.safe_load(one["data"]["config.yaml"])
        found[one["kind"], metadata.get("namespace", ""), metadata["name"]] = one
    return found


def built(path: Path) -> Objects:
    words = [str(kubectl.PROGRAM), "kustomize", str(path)]
    return objects(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def base() -> Objects:
    return built(manifests.BASE)


def rules(made: Objects) -> Iterator[tuple[str, Any]]:
    """The rules of all Roles, each with its Role's namespace."""
    for (kind, namespace, _name), one in made.items():
        for rule in one["rules"] if kind == "Role" else ():
            yield namespace, rule


def test_kustomize_and_helm_install_the_same(base: Objects) -> None:
    """What `kubectl apply -k` and `helm install` make differs in nothing but Helm's own labels and the namespace."""
    of_helm = objects(helm.rendered("--no-hooks"))
    assert {key: one for key, one in base.items() if key[0] != "Namespace"} == of_helm


def test_the_base_is_what_the_chart_says() -> None:
    """The base is written from the chart, its components too, and nobody has forgotten to: `make deploy` does it."""
    assert {path: path.read_text() for path in manifests.base()} == manifests.base()


def test_helm_knows_the_file_of_today() -> None:
    """The chart's values are checked by the present schema of the configuration file: `make docs` puts it there."""
    assert values.SCHEMA.read_text() == values.text()


def test_one_version() -> None:
    """Chart, base and package name one version."""
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    [image] = yaml.safe_load((manifests.BASE / "kustomization.yaml").read_text())["images"]
    assert (chart["version"], chart["appVersion"], image["newTag"]) == (__version__,) * 3


def test_the_base_is_small(base: Objects) -> None:
    """The base needs no kind that a plain Kubernetes lacks, nothing cluster-wide but its namespace, and no Secret."""
    kinds = {kind for kind, _namespace, _name in base}
    usual = {"ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Role", "RoleBinding", "ServiceAccount"}
    assert kinds == usual | {"Namespace"}
    assert not [rule for _namespace, rule in rules(base) if {"secrets", "*"} & {*rule["resources"], *rule["verbs"]}]


def test_what_changes_an_object_is_allowed_by_name(base: Objects) -> None:
    """Nothing but Events may be made or changed unless the Role names it, and it names the Services of the file."""
    changing = [
        (namespace, rule["resources"], sorted(rule["verbs"]), rule.get("resourceNames"))
        for namespace, rule in rules(base)
        if {*rule["verbs"]} - {"get", "list", "watch"}
    ]
    served = [one["name"] for one in yaml.safe_load(CONFIG.read_text())["services"]]
    assert sorted(changing, key=str) == [
        ("default", ["endpoints"], ["create", "patch"], served),
        ("default", ["events"], ["create"], None),
        ("mooring", ["events"], ["create"], None),
        ("mooring", ["leases"], ["create", "get", "list", "patch", "watch"], ["mooring"]),
    ]


def test_the_file_of_the_base_is_valid() -> None:
    """The file that a user begins with is one that the daemon takes."""
    subprocess.run([*PROGRAM, "validate", str(CONFIG)], check=True, capture_output=True)


def test_one_file_of_several_namespaces() -> None:
    """Each namespace in the file has a Role of its own, with the names of its Services alone."""
    hosts = {"hosts": ["10.20.0.11"], "check": {"tcp": {}}}
    services = [{"name": name, "namespace": at, **hosts} for name, at in (("b", "x"), ("a", "x"), ("a", "y"))]
    made = objects(helm.rendered("--set-json", f"config.services={json.dumps(services)}"))
    named = {namespace: rule["resourceNames"] for namespace, rule in rules(made) if rule["resources"] == ["endpoints"]}
    assert named == {"x": ["a", "b"], "y": ["a"]}


def test_slices_that_are_published_are_named() -> None:
    """Only for a Service that publishes EndpointSlices may some be written: one a hundred hosts and family, and one."""
    check: dict[str, Any] = {"check": {"tcp": {}}}
    services = [
        {"name": "a", "namespace": "x", "hosts": [f"10.20.0.{number}" for number in range(1, 102)], "publish": "both"}
        | check,
        {"name": "b", "namespace": "x", "hosts": ["10.20.1.1"]} | check,
    ]
    made = objects(helm.rendered("--set-json", f"config.services={json.dumps(services)}"))
    wanted = [f"a-mooring-{family}-{number}" for number in range(3) for family in ("ipv4", "ipv6")]
    named = [rule for _namespace, rule in rules(made) if "delete" in rule["verbs"]]
    assert [(rule["resources"], rule["resourceNames"]) for rule in named] == [(["endpointslices"], wanted)]


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("config.services[0].hots={10.20.0.11}", "additional properties 'hots' not allowed"),
        ("config.services[0].check.periodSeconds=0", "/config/services/0/check/periodSeconds"),
        ("replica=3", "additional properties 'replica' not allowed"),
        ("allowedCidrs={10.20.0.0}", "/allowedCidrs/0"),
        ("admissionPolicy.enabled=true", "admissionPolicy.enabled needs allowedCidrs"),
    ],
)
def test_helm_refuses(setting: str, complaint: str) -> None:
    """A wrong value, also one deep in the configuration file, is told before anything reaches the cluster."""
    with pytest.raises(RuntimeError) as refused:
        helm.rendered("--set", setting)
    assert complaint in str(refused.value)


def test_lint() -> None:
    """Helm finds nothing to complain about."""
    assert "0 chart(s) failed" in helm.linted()


def test_all_options_of_the_chart() -> None:
    """What may be asked for in the values is there when it is, and everything on it keeps its place."""
    made = objects(
        helm.rendered(
            *(word for name, value in ASKED.items() for word in ("--set-json", f"{name}={json.dumps(value)}"))
        )
    )
    pod = made["Deployment", "mooring", "mooring"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "mooring:1.2"
    assert pod["containers"][0]["args"][-1] == "--log-format=json"
    assert pod["imagePullSecrets"] == [{"name": "mine"}]
    assert (pod["priorityClassName"], pod["nodeSelector"]) == ("system-cluster-critical", {"zone": "a"})
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert made["PodMonitor", "mooring", "mooring"]["metadata"]["labels"]["release"] == "prom"
    assert made["ConfigMap", "mooring", "mooring-allowed"]["data"] == {
        "cidrs": "10.20.0.0/16,fd00:20::/64",
        "services": "default/mysql-external",
    }
    databases = made["NetworkPolicy", "mooring", "mooring"]["spec"]["egress"][-1]
    assert databases["to"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


def test_monitored_pods_are_the_daemons(base: Objects) -> None:
    """The PodMonitor, the disruption budget and the Deployment mean the same pods, and the port that they name."""
    monitor = objects(helm.rendered("--set", "podMonitor.enabled=true"))["PodMonitor", "mooring", "mooring"]["spec"]
    deployment = base["Deployment", "mooring", "mooring"]["spec"]
    budget = base["PodDisruptionBudget", "mooring", "mooring"]["spec"]
    assert monitor["selector"] == deployment["selector"] == budget["selector"]
    ports = deployment["template"]["spec"]["containers"][0]["ports"]
    assert monitor["podMetricsEndpoints"][0]["port"] in [port["name"] for port in ports]
