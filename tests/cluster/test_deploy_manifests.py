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

from kube import chart_values, helm, kubectl, manifests
from lab.mooring import PROGRAM
from mooring import __version__
from mooring.leader.vantage import SLOTS

pytestmark = pytest.mark.needs_cluster  # for its programs: nothing is started here
HELMS = ("helm.sh/chart", "app.kubernetes.io/managed-by")
OBSERVERS = [f"mooring-observer-{slot}" for slot in range(SLOTS)]
CONFIG = manifests.BASE / "config.yaml"
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")
ASKED: Mapping[str, Any] = MappingProxyType(
    {
        "image.tag": "1.2",
        "imagePullSecrets": [{"name": "mine"}],
        "podMonitor": {"enabled": True, "labels": {"release": "prom"}},
        "admissionPolicy.enabled": True,
        "allowedCidrs": ["10.20.0.0/16", "fd00:20::/64"],
        "probeCidrs": ["10.99.0.0/16", "10.20.0.0/16"],
        "secretDirs": ["/etc/mooring/secrets"],
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
    assert chart_values.SCHEMA.read_text() == chart_values.text()
    assert chart_values.PORTS.read_text() == chart_values.ports()


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
        ("default", ["events"], ["create", "patch"], None),
        ("mooring", ["events"], ["create", "patch"], None),
        ("mooring", ["leases"], ["create", "get", "list", "patch", "watch"], ["mooring", *OBSERVERS]),
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
        ("probeCidrs={10.20.0.0}", "/probeCidrs/0"),
        ("secretDirs={secrets}", "/secretDirs/0"),
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
            *OPERATOR,
            *(word for name, value in ASKED.items() for word in ("--set-json", f"{name}={json.dumps(value)}")),
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
    plain = {one["name"]: one.get("value") for one in pod["containers"][0]["env"]}
    assert plain["MOORING_PROBE_CIDRS"] == "10.99.0.0/16,10.20.0.0/16"
    assert plain["MOORING_SECRET_DIRS"] == "/etc/mooring/secrets"
    databases = made["NetworkPolicy", "mooring", "mooring"]["spec"]["egress"][-1]
    assert databases["to"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


def test_every_container_that_reads_the_file_is_confined(base: Objects) -> None:
    """The daemon and the pod of `helm test`: an edit of the ConfigMap widens neither what it reads nor whom it asks."""
    daemon = base["Deployment", "mooring", "mooring"]["spec"]["template"]["spec"]["containers"][0]
    tested = yaml.safe_load(helm.rendered("--show-only", "templates/tests/plan.yaml"))["spec"]["containers"]
    folders = {mount["mountPath"] for mount in daemon["volumeMounts"]} - {"/etc/mooring"}
    for container in (daemon, *tested):
        held = {one["name"]: one for one in container["env"]}
        assert set(held["MOORING_SECRET_DIRS"]["value"].split(",")) == folders
        assert held["MOORING_ALLOWED_CIDRS"]["valueFrom"]["configMapKeyRef"]["name"] == "mooring-allowed"


def test_helm_test_plans_and_runs_the_doctor() -> None:
    """By the Lease of this installation: another one may be there, too."""
    pod = yaml.safe_load(helm.rendered("--set", "fullnameOverride=watch", "--show-only", "templates/tests/plan.yaml"))
    assert {one["name"]: one["args"] for one in pod["spec"]["containers"]} == {
        "plan": ["plan", "--cluster=in-cluster"],
        "doctor": ["doctor", "--cluster=in-cluster", "--lease-name=watch"],
    }


def test_monitored_pods_are_the_daemons(base: Objects) -> None:
    """The PodMonitor, the disruption budget and the Deployment mean the same pods, and the port that they name."""
    made = objects(helm.rendered(*OPERATOR, "--set", "podMonitor.enabled=true"))
    monitor = made["PodMonitor", "mooring", "mooring"]["spec"]
    deployment = base["Deployment", "mooring", "mooring"]["spec"]
    budget = base["PodDisruptionBudget", "mooring", "mooring"]["spec"]
    assert monitor["selector"] == deployment["selector"] == budget["selector"]
    ports = deployment["template"]["spec"]["containers"][0]["ports"]
    assert monitor["podMetricsEndpoints"][0]["port"] in [port["name"] for port in ports]
