"""The base as a real API server takes it, and what the account that it makes may do there, and may not."""

from __future__ import annotations

import http
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cluster import kustomized
from kube.api import Api
from kube.http_api import Answer, Rest
from lab.waiting import wait_until
from mooring.leader.vantage import SLOTS

pytestmark = pytest.mark.needs_api

CORE = "/api/v1/namespaces"
MINE = f"{CORE}/default/endpoints/mysql-external"
OTHER = f"{CORE}/default/endpoints/postgres"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/mooring/leases"
ONE_LEASE = f"{LEASES}?fieldSelector=metadata.name%3Dmooring"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
ACCOUNT = {"kind": "ServiceAccount", "name": "mooring", "namespace": "mooring"}
APPLIED = "application/apply-patch+yaml"
MERGED = "application/merge-patch+json"
CREATES = "?fieldManager=mooring"
ALLOWED = "10.20.0.11"
FOREIGN = "10.99.0.11"


def endpoints(name: str, *addresses: str, lists: str = "addresses") -> dict[str, Any]:
    subset = {lists: [{"ip": address} for address in addresses], "ports": [{"name": "mysql", "port": 3306}]}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}, "subsets": [subset]}


def lease(name: str) -> dict[str, Any]:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}


@dataclass(frozen=True)
class Installed:
    """The base on an API server; ``mooring`` asks as its account."""

    api: Api
    mooring: Rest
    folder: Path


@pytest.fixture(scope="module")
def installed(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    base = kustomized.copied(tmp_path_factory.mktemp("deploy"))
    api.kubectl("apply", "-k", str(base))
    path = f"{CORE}/mooring/serviceaccounts/mooring/token"
    token = api.rest.create(path, {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    made = Installed(api, api.rest.as_user(token), base)
    for path in (f"{CORE}/default/endpoints", ONE_LEASE):
        wait_until(lambda: made.mooring.ask("GET", path).status == http.HTTPStatus.OK, 20, f"{path} to be allowed")  # noqa: B023 -- used at once
    yield made
    api.kubectl("delete", "-k", str(base), "--wait=false")


@pytest.fixture(autouse=True)
def _clean(installed: Installed) -> Iterator[None]:
    yield
    observers = (f"{LEASES}/mooring-observer-{slot}" for slot in range(SLOTS))
    for path in (MINE, OTHER, f"{LEASES}/mooring", *observers):
        installed.api.rest.delete(path)


def test_nothing_to_complain_about(installed: Installed) -> None:
    """The API server takes base and admission policy with strict validation and without a warning."""
    folder = kustomized.overlay(installed.folder, ["admission"])
    strict = ("--dry-run=server", "--validate=strict", "--warnings-as-errors")
    told = installed.api.kubectl("apply", "-k", str(folder), *strict)
    assert "validatingadmissionpolicy.admissionregistration.k8s.io/mooring created (server dry run)" in told


def admitted(api: Api, **changed: Any) -> Answer:
    """What the API server says to a pod as the Deployment would make it, in Mooring's namespace."""
    path = "/apis/apps/v1/namespaces/mooring/deployments/mooring"
    template = api.rest.get(path)["spec"]["template"]
    pod = {"metadata": {"name": "one", "labels": template["metadata"]["labels"]}, "spec": template["spec"] | changed}
    return api.rest.ask("POST", f"{CORE}/mooring/pods?dryRun=All", pod)


def test_restricted_pod_security(installed: Installed) -> None:
    """The namespace enforces Pod Security's "restricted", which takes the pods as they are and no looser ones."""
    assert admitted(installed.api).status == http.HTTPStatus.CREATED
    loose = admitted(installed.api, securityContext={})
    assert loose.status == http.HTTPStatus.FORBIDDEN
    assert 'violates PodSecurity "restricted' in loose.body["message"]


@pytest.mark.parametrize(
    ("method", "path", "kind", "body"),
    [
        ("GET", f"{CORE}/default/services", "", None),
        ("GET", f"{CORE}/default/endpoints", "", None),
        ("GET", SLICES, "", None),
        ("PATCH", f"{MINE}{CREATES}", APPLIED, endpoints("mysql-external", ALLOWED)),
        ("PATCH", f"{LEASES}/mooring{CREATES}", APPLIED, lease("mooring")),
        ("GET", ONE_LEASE, "", None),
        ("PATCH", f"{LEASES}/mooring-observer-0{CREATES}", APPLIED, lease("mooring-observer-0")),
        ("PATCH", f"{LEASES}/mooring-observer-4{CREATES}", APPLIED, lease("mooring-observer-4")),
        ("POST", f"{CORE}/default/events?dryRun=All", "application/json", {}),
        ("POST", f"{CORE}/mooring/events?dryRun=All", "application/json", {}),
    ],
)
def test_may(installed: Installed, method: str, path: str, kind: str, body: Any) -> None:
    """What the daemon does is granted, the creation of its objects by server-side apply among it."""
    assert installed.mooring.ask(method, path, body, kind=kind).status != http.HTTPStatus.FORBIDDEN


@pytest.mark.parametrize(
    ("path", "made", "listed"),
    [
        (MINE, endpoints("mysql-external", ALLOWED), f"{CORE}/default/endpoints"),
        (f"{LEASES}/mooring", lease("mooring"), ONE_LEASE),
        (f"{LEASES}/mooring-observer-3", lease("mooring-observer-3"), f"{ONE_LEASE}-observer-3"),
    ],
)
def test_may_watch(installed: Installed, path: str, made: Any, listed: str) -> None:
    """It follows the Endpoints of the namespace, and of Leases its own and those of the observers, each by its name."""
    installed.mooring.ask("PATCH", f"{path}{CREATES}", made, kind=APPLIED).ok()
    events = installed.mooring.watch(listed)
    assert (
        next(event["type"] for event in events if event["object"]["metadata"]["name"] == made["metadata"]["name"])
        == "ADDED"
    )


FORBIDDEN: list[tuple[str, str, str, Any]] = [
    ("PATCH", f"{OTHER}{CREATES}", APPLIED, endpoints("postgres", ALLOWED)),
    ("PATCH", OTHER, MERGED, endpoints("postgres", ALLOWED)),
    ("POST", f"{CORE}/default/endpoints", "", endpoints("postgres", ALLOWED)),
    ("POST", f"{CORE}/default/endpoints", "", endpoints("mysql-external", ALLOWED)),
    ("PUT", MINE, "", endpoints("mysql-external", ALLOWED)),
    ("DELETE", MINE, "", None),
    ("POST", f"{SLICES}?dryRun=All", "", {}),
    ("DELETE", f"{SLICES}/any", "", None),
    ("GET", f"{CORE}/mooring/secrets", "", None),
    ("GET", f"{CORE}/mooring/secrets/mooring-passwords", "", None),
    ("GET", f"{CORE}/default/secrets", "", None),
    ("GET", "/api/v1/secrets", "", None),
    ("GET", f"{CORE}/mooring/configmaps/mooring", "", None),
    ("GET", f"{CORE}/mooring/pods", "", None),
    ("GET", f"{CORE}/kube-system/endpoints", "", None),
    ("GET", f"{CORE}/mooring/services", "", None),
    ("GET", "/api/v1/endpoints", "", None),
    ("GET", "/api/v1/nodes", "", None),
    ("PATCH", f"{CORE}/default/services/mysql-external", MERGED, {"spec": {"selector": {"app": "mine"}}}),
    ("PATCH", f"{LEASES}/other{CREATES}", APPLIED, lease("other")),
    ("PATCH", f"{LEASES}/mooring-observer-5{CREATES}", APPLIED, lease("mooring-observer-5")),
    ("POST", LEASES, "", lease("mooring")),
    ("GET", LEASES, "", None),
    ("DELETE", f"{LEASES}/mooring", "", None),
    ("POST", f"{CORE}/mooring/serviceaccounts/mooring/token", "", {"spec": {}}),
    ("POST", f"{RBAC}/rolebindings", "", {"metadata": {"name": "more"}}),
]


@pytest.mark.parametrize(("method", "path", "kind", "body"), FORBIDDEN)
def test_may_not(installed: Installed, method: str, path: str, kind: str, body: Any) -> None:
    """Other Endpoints, Secrets, other namespaces, deletion, Services, more rights: the account gets 403."""
    answer = installed.mooring.ask(method, path, body, kind=kind or "application/json")
    assert answer.status == http.HTTPStatus.FORBIDDEN, answer.body


def test_the_documented_rights_are_the_rights(installed: Installed) -> None:
    """docs/operations.md shows what `kubectl auth can-i --list` says of the account."""
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    for namespace in ("default", "mooring"):
        told = installed.api.kubectl(
            "auth", "can-i", "--list", "--as", "system:serviceaccount:mooring:mooring", "-n", namespace
        )
        own = [line.split() for line in told.splitlines() if "[]" in line and not line.startswith((" ", "self"))]
        shown = [line.split() for line in page.splitlines()]
        assert own
        assert [line for line in own if line not in shown] == [], json.dumps(own)


@pytest.fixture(scope="module")
def held(installed: Installed) -> Iterator[Installed]:
    """The admission policies are in force, and the account may write all Endpoints and slices there."""
    rest = installed.api.rest
    rule = {"apiGroups": ["", "discovery.k8s.io"], "resources": ["endpoints", "endpointslices"], "verbs": ["*"]}
    rest.create(f"{RBAC}/roles", {"metadata": {"name": "too-much"}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "too-much"}
    rest.create(f"{RBAC}/rolebindings", {"metadata": {"name": "too-much"}, "roleRef": reference, "subjects": [ACCOUNT]})
    components = installed.folder / "components/admission"
    policy, allowed = (("-f", str(components / name)) for name in ("policy.yaml", "allowed.yaml"))
    installed.api.kubectl("apply", *policy, *allowed)
    wait_until(lambda: "may not write" in denied(installed, "postgres", ALLOWED), 20, "the policy to be in force")
    wait_until(lambda: "may not write" in denied_slice(installed, "postgres", ALLOWED), 20, "the slices' policy")
    yield installed
    installed.api.kubectl("delete", *policy)
    wait_until(lambda: not denied(installed, "postgres", FOREIGN), 60, "the policy to be in force no more")
    wait_until(lambda: not denied_slice(installed, "postgres", FOREIGN), 60, "nor the slices' policy")
    installed.api.kubectl("delete", *allowed)
    for kind in ("rolebindings", "roles"):
        rest.delete(f"{RBAC}/{kind}/too-much")


def denied(installed: Installed, name: str, *addresses: str, lists: str = "addresses") -> str:
    """Why the account may not publish these; empty where it may."""
    path = f"{CORE}/default/endpoints/{name}{CREATES}&force=true&dryRun=All"
    answer = installed.mooring.ask("PATCH", path, endpoints(name, *addresses, lists=lists), kind=APPLIED)
    if answer.status == http.HTTPStatus.FORBIDDEN:
        return str(answer.body["message"])
    return "" if answer.ok() else "?"


@pytest.mark.parametrize(
    ("name", "addresses", "lists", "why"),
    [
        ("mysql-external", [ALLOWED], "addresses", ""),
        ("mysql-external", [ALLOWED, FOREIGN], "addresses", "mooring may publish no address outside 10.20.0.0/16"),
        ("mysql-external", [FOREIGN], "notReadyAddresses", "mooring may publish no address outside 10.20.0.0/16"),
        ("mysql-external", ["fd00::1"], "addresses", "mooring may publish no address outside 10.20.0.0/16"),
        ("postgres", [ALLOWED], "addresses", "mooring may not write the Endpoints default/postgres"),
    ],
)
def test_the_policy_holds_the_account(held: Installed, name: str, addresses: list[str], lists: str, why: str) -> None:
    """Whatever the account may be granted, it writes the Endpoints of its Services, inside the CIDRs, or nothing."""
    told = denied(held, name, *addresses, lists=lists)
    assert why in told
    assert bool(told) == bool(why)


def denied_slice(installed: Installed, service: str, address: str) -> str:
    """Why the account may not publish this in an EndpointSlice of the Service; empty where it may."""
    body = {
        "metadata": {"generateName": "slice-", "labels": {"kubernetes.io/service-name": service} if service else {}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]}],
    }
    answer = installed.mooring.ask("POST", f"{SLICES}?dryRun=All", body)
    return "" if answer.status == http.HTTPStatus.CREATED else str(answer.body["message"])


@pytest.mark.parametrize(
    ("service", "address", "why"),
    [
        ("mysql-external", ALLOWED, ""),
        ("mysql-external", FOREIGN, "mooring may publish no address outside 10.20.0.0/16"),
        ("postgres", ALLOWED, "mooring may not write EndpointSlices of default/postgres"),
        ("", ALLOWED, "mooring may not write EndpointSlices of default/"),
    ],
)
def test_the_policy_holds_slices(held: Installed, service: str, address: str, why: str) -> None:
    """So it is with EndpointSlices, by the Service that their label names."""
    told = denied_slice(held, service, address)
    assert why in told
    assert bool(told) == bool(why)


def test_the_policy_concerns_nobody_else(held: Installed) -> None:
    """What others write is not the policy's concern."""
    held.api.rest.create(f"{CORE}/default/endpoints", endpoints("postgres", FOREIGN))


def test_a_thousand_hosts_are_within_the_policys_budget(held: Installed) -> None:
    """A Service of 1,000 hosts passes: the policy's cost stays below what the API server allows."""
    many = [f"10.20.{number // 250}.{1 + number % 250}" for number in range(1000)]
    assert denied(held, "mysql-external", *many) == ""
    assert "no address outside" in denied(held, "mysql-external", *many, FOREIGN)
