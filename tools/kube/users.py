"""Users with a token and the rights that a test gives them."""

from __future__ import annotations

import http
import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.waiting import wait_until

if TYPE_CHECKING:
    from kube.api import Api

_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{}"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
Rule = Mapping[str, Sequence[str]]
_CACHED = 20  # seconds; an API server trusts a token that it has seen for 10 s more


class User:
    """A service account of a name that nobody had before. It may do nothing until ``allow``.

    ``name`` is what RBAC and managers' logs call it, ``kubeconfig`` points to ``token_file``.
    """

    def __init__(self, api: Api, name: str, namespace: str) -> None:
        self._api = api
        self.namespace = namespace
        self.account = f"{name}-{secrets.token_hex(3)}"
        self.name = f"system:serviceaccount:{namespace}:{self.account}"
        self._path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.token_file = api.directory / f"{self.account}.token"
        self.renew()
        token = {"tokenFile": str(self.token_file)}
        self.kubeconfig: Path = api.write_kubeconfig(self.account, token, namespace=namespace)

    def token(self) -> str:
        return self.token_file.read_text()

    def renew(self) -> None:
        """Puts a new token in the file."""
        rest = self._api.rest
        if rest.get(f"{self._path}/{self.account}") is None:
            rest.create(self._path, {"metadata": {"name": self.account}})
        answer = rest.create(f"{self._path}/{self.account}/token", {"spec": {"expirationSeconds": 3600}})
        self.token_file.write_text(answer["status"]["token"])

    def revoke(self) -> None:
        """From the return on, the API server answers 401 to the token in the file; ``renew`` makes another."""
        self._api.rest.delete(f"{self._path}/{self.account}")
        mine = self._api.rest.as_user(self.token())
        unauthorized = http.HTTPStatus.UNAUTHORIZED
        wait_until(lambda: mine.ask("GET", "/api/v1").status == unauthorized, _CACHED, "the token to be refused")

    def allow(self, *rules: Rule, namespace: str | None = None) -> None:
        """Grants rules of a Role, such as {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["get"]}.

        From the return on they are in force: the API server learns of Roles by watches of its own, a little later.
        """
        where = namespace or self.namespace
        name = {"name": f"{self.account}-{secrets.token_hex(3)}"}
        role: dict[str, Any] = {"metadata": name, "rules": list(rules)}
        subject = {"kind": "ServiceAccount", "name": self.account, "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", **name}
        self._api.rest.create(_RBAC.format(where, "roles"), role)
        binding = {"metadata": name, "subjects": [subject], "roleRef": reference}
        self._api.rest.create(_RBAC.format(where, "rolebindings"), binding)
        for one in _single(rules):
            wait_until(lambda: self._may(one, where), 20, f"{self.name} to have {one}")  # noqa: B023 -- used at once

    def forbid(self, *, namespace: str | None = None) -> None:
        """Takes back all that ``allow`` granted in a namespace; from the return on it is refused."""
        where = namespace or self.namespace
        mine: dict[str, list[Any]] = {}
        for kind in ("rolebindings", "roles"):
            found = self._api.rest.get(_RBAC.format(where, kind))["items"]
            mine[kind] = [one for one in found if one["metadata"]["name"].startswith(self.account)]
            for one in mine[kind]:
                self._api.rest.delete(f"{_RBAC.format(where, kind)}/{one['metadata']['name']}")
        for right in _single([rule for role in mine["roles"] for rule in role["rules"]]):
            wait_until(lambda: not self._may(right, where), 20, f"{self.name} to lose {right}")  # noqa: B023 -- used at once

    def _may(self, right: Mapping[str, str], namespace: str) -> bool:
        """Whether the API server would let it do this now."""
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated"]
        asked = {"user": self.name, "groups": groups, "resourceAttributes": {"namespace": namespace, **right}}
        return bool(self._api.rest.create(_REVIEWS, {"spec": asked})["status"]["allowed"])


def _single(rules: Sequence[Rule]) -> Iterator[dict[str, str]]:
    """Each right of the rules by itself, as an access review has it."""
    for rule in rules:
        names = rule.get("resourceNames") or [""]
        for group, place, verb, name in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"], names):
            resource, _, part = place.partition("/")
            yield {"group": group, "resource": resource, "subresource": part, "verb": verb, "name": name}
