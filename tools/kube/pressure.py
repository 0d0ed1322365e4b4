"""An API server that is too busy for one user: each request of theirs is answered 429, with Retry-After.

By its own API Priority and Fairness. The user's requests fall to a priority level without seats and without a queue.
Such a level still serves one request at a time, so somebody else of the same level asks for something first, and never
ends the request. Administrators (system:masters) are exempt.
"""

from __future__ import annotations

import contextlib
import http
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lab.waiting import wait_until

if TYPE_CHECKING:
    from kube.api import Api
    from kube.users import User

_PATH = "/apis/flowcontrol.apiserver.k8s.io/v1"
_BEFORE_ALL_OTHERS = 2  # 1 is the built-in schema that exempts administrators
_LEVEL = {
    "nominalConcurrencyShares": 0,
    "lendablePercent": 0,
    "borrowingLimitPercent": 0,
    "limitResponse": {"type": "Reject"},
}


def _schema(level: str, *users: User) -> dict[str, Any]:
    accounts = [{"name": user.account, "namespace": user.namespace} for user in users]
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": True, "namespaces": ["*"]}
    rule = {
        "subjects": [{"kind": "ServiceAccount", "serviceAccount": account} for account in accounts],
        "resourceRules": [everything],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    return {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": _BEFORE_ALL_OTHERS,
        "rules": [rule],
    }


@contextlib.contextmanager
def _level(api: Api, *users: User) -> Iterator[None]:
    name = f"too-busy-{secrets.token_hex(3)}"
    metadata = {"name": name}
    level = {"metadata": metadata, "spec": {"type": "Limited", "limited": _LEVEL}}
    api.rest.create(f"{_PATH}/prioritylevelconfigurations", level)
    api.rest.create(f"{_PATH}/flowschemas", {"metadata": metadata, "spec": _schema(name, *users)})
    try:
        yield
    finally:
        api.rest.delete(f"{_PATH}/flowschemas/{name}")
        api.rest.delete(f"{_PATH}/prioritylevelconfigurations/{name}")


@contextlib.contextmanager
def too_busy(api: Api, user: User) -> Iterator[None]:
    """Inside, requests of ``user`` are answered 429, for up to 50 s; afterwards they are served again."""
    theirs = api.rest.as_user(user.token())
    other = api.user("busy", namespace=user.namespace)
    other.allow({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]})
    busy = api.rest.as_user(other.token())
    begun = contextlib.ExitStack()

    def refused() -> bool:
        return theirs.ask("GET", "/api").status == http.HTTPStatus.TOO_MANY_REQUESTS

    def refused_once_begun() -> bool:
        """The first ones may still go to the usual level."""
        begun.enter_context(busy.unfinished(f"/api/v1/namespaces/{user.namespace}/configmaps"))
        return refused()

    with _level(api, user, other), begun:
        wait_until(refused_once_begun, 10, f"{user.name} to be refused", every=0.1)
        yield
    wait_until(lambda: not refused(), 10, f"{user.name} to be served again")
