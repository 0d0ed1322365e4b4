"""Users with a token and the rights that a test gives them."""

from __future__ import annotations

import http
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.waiting import wait_until

if TYPE_CHECKING:
    from kube.api import Api

_RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{}"
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

    def allow(self, *rules: Mapping[str, Sequence[str]], namespace: str | None = None) -> None:
        """Grants rules of a Role, such as {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["get"]}."""
        where = namespace or self.namespace
        name = {"name": f"{self.account}-{secrets.token_hex(3)}"}
        role: dict[str, Any] = {"metadata": name, "rules": list(rules)}
        subject = {"kind": "ServiceAccount", "name": self.account, "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", **name}
        self._api.rest.create(_RBAC.format(where, "roles"), role)
        binding = {"metadata": name, "subjects": [subject], "roleRef": reference}
        self._api.rest.create(_RBAC.format(where, "rolebindings"), binding)

    def forbid(self, *, namespace: str | None = None) -> None:
        """Takes back all that ``allow`` granted in a namespace."""
        for kind in ("rolebindings", "roles"):
            path = _RBAC.format(namespace or self.namespace, kind)
            for one in self._api.rest.get(path)["items"]:
                if one["metadata"]["name"].startswith(self.account):
                    self._api.rest.delete(f"{path}/{one['metadata']['name']}")
