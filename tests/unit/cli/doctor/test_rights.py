"""The group `rights`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lab.values import spec
from mooring.cli.doctor.finding import Level
from mooring.cli.doctor.rights import Right, findings, needed, role
from mooring.model.spec import Publish, ServiceKey

LEASE = ("mooring", "mooring")
ACCOUNT = "system:serviceaccount:mooring:mooring"
DB = spec("10.20.0.11", key=ServiceKey("default", "mysql-external"))
NAME = "mooring-doctor"
KUSTOMIZE = Path(__file__).parents[4] / "deploy/kustomize"


def rules(text: str) -> set[str]:
    """One for each right, so that it does not matter how they are grouped."""
    role = next(iter(yaml.safe_load_all(text)))
    return {
        f"{group}/{kind}/{name} {verb}"
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for kind in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def test_the_rights_are_those_of_the_manifests() -> None:
    """Whoever applies the kustomization has no finding; who applies what the doctor prints has that Role."""
    rights = needed([DB], LEASE)
    for namespace, file in (("default", "roles.yaml"), ("mooring", "lease.yaml")):
        mine = role([right for right in rights if right.namespace == namespace], ACCOUNT, NAME)
        assert rules(mine) == rules((KUSTOMIZE / file).read_text())
        made, binding = yaml.safe_load_all(mine)
        assert {made["metadata"]["name"], binding["metadata"]["name"], binding["roleRef"]["name"]} == {NAME}
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "mooring", "namespace": "mooring"}]


def test_with_every_right_nothing_is_found() -> None:
    """Also without an election, which needs no Lease."""
    assert findings(needed([DB], LEASE), (), ACCOUNT, NAME) == []
    assert {right.kind for right in needed([DB], None)} == {"services", "endpoints", "endpointslices", "events"}


@pytest.mark.parametrize("right", needed([DB], LEASE), ids=str)
def test_each_missing_right_is_one_finding(right: Right) -> None:
    """It names the verb, and the manifest has it; what Mooring can do without is a warning."""
    (found,) = findings(needed([DB], LEASE), {right}, ACCOUNT, NAME)
    assert right.verb in found.what
    assert right.kind in found.what
    assert right.name in found.what
    assert (found.level is Level.WARNING) == right.optional
    assert found.mend.startswith("kubectl apply -f - <<'END'\n")
    assert found.mend.endswith("\nEND")


def test_all_that_is_missing_is_said_at_once() -> None:
    """One finding a namespace, and no right that is there already is told as missing."""
    rights = needed([DB, replace(DB, key=ServiceKey("shop", "db"))], LEASE)
    found = findings(rights, {right for right in rights if right.verb != "get"}, "", NAME)
    assert [one.what.split(":")[0].split()[-1] for one in found] == ["default", "shop", "mooring"]
    assert "list, watch services; list, watch endpoints; create, patch endpoints/mysql-external" in found[0].what


@pytest.mark.parametrize(("hosts", "slices"), [(1, 2), (99, 2), (100, 3), (250, 4)])
def test_slices_of_our_own_need_a_name_for_each_hundred_hosts(hosts: int, slices: int) -> None:
    """And one more, of each family; as the chart has it."""
    many = replace(DB, publish=Publish.BOTH, hosts=DB.hosts * hosts)
    names = {right.name for right in needed([many], None) if right.verb == "delete"}
    assert len(names) == 2 * slices
    assert "mysql-external-mooring-ipv6-0" in names
    assert not any(right.optional for right in needed([many], None) if right.kind == "endpointslices")


@pytest.mark.parametrize(
    ("account", "subject"),
    [
        ("jane", {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}),
        ("system:serviceaccount:ops:m", {"kind": "ServiceAccount", "name": "m", "namespace": "ops"}),
        ("", {"kind": "ServiceAccount", "name": "mooring", "namespace": "mooring"}),
    ],
)
def test_the_role_is_bound_to_who_asked(account: str, subject: dict[str, str]) -> None:
    """Where nobody says who that is, to the account of the manifests."""
    binding = [*yaml.safe_load_all(role(needed([DB], None), account, NAME))][1]
    assert binding["subjects"] == [subject]
