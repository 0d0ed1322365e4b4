"""Asks an API server who we are, and what we may do (API reference, authentication and authorization ``v1``)."""

from __future__ import annotations

from mooring.cluster.client import Api
from mooring.cluster.reading import Json
from mooring.model.errors import ClusterError, Unavailable

_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_MAY = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def who_are_we(api: Api) -> str:
    """The name of our account; empty where the server does not say: it knows the question since Kubernetes 1.28."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        return str(_status(api.post(_WHO, body)).get("userInfo", {}).get("username") or "")
    except (ClusterError, AttributeError):
        return ""


def may_we(api: Api, *, namespace: str, group: str, resource: str, verb: str, name: str = "") -> bool:
    """Whether our account may do that. Raises ClusterError: nobody says."""
    attributes = {"namespace": namespace, "group": group, "resource": resource, "verb": verb, "name": name}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    allowed = _status(api.post(_MAY, body)).get("allowed")
    if not isinstance(allowed, bool):
        raise Unavailable("what answers is no API server: it does not say whether something is allowed")
    return allowed


def _status(answer: Json) -> Json:
    status = answer.get("status")
    return status if isinstance(status, dict) else {}
