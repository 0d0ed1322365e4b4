"""Calls to a real API server, by each way to log in."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import trustme
from kubernetes.config import incluster_config

from kube.api import Api as Server
from lab import certificates
from mooring.cluster import client
from mooring.cluster.client import Api, client_factory
from mooring.cluster.deadline import Deadline
from mooring.cluster.status import Missing
from mooring.model.errors import ClusterError, Conflict, Rejected, Unavailable

pytestmark = pytest.mark.needs_api

READ = {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["get", "list", "watch"]}


def endpoints(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{namespace}/endpoints"
    return f"{path}/{name}" if name else path


def by(kubeconfig: Path) -> Api:
    return Api(client_factory("kubeconfig", kubeconfig, None))


@pytest.fixture
def mounted(api: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service account as a pod has it; returns its token file."""
    token = tmp_path / "token"
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(api.credentials.server.authority))
    monkeypatch.setattr(client, "SERVICE_ACCOUNT", token)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", api.address)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
    return token


def test_a_token_and_a_token_file_log_in(api: Server, namespace: str) -> None:
    """A kubeconfig holds its token, or names a file that does."""
    user = api.user("reader", namespace=namespace)
    user.allow(READ)
    assert by(api.kubeconfig).get(endpoints(namespace))["items"] == []
    assert by(user.kubeconfig).get(endpoints(namespace))["items"] == []


@pytest.mark.parametrize("how", ["auto", "in-cluster"])
def test_a_mounted_service_account_logs_in(api: Server, namespace: str, mounted: Path, how: str) -> None:
    """In a pod no kubeconfig is needed; ``auto`` finds what is mounted."""
    user = api.user("pod", namespace=namespace)
    user.allow(READ)
    mounted.write_text(user.token())
    assert Api(client_factory(how, None, None)).get(endpoints(namespace))["items"] == []


def test_a_mounted_token_that_is_replaced_or_gone(api: Server, namespace: str, mounted: Path) -> None:
    """A token that the server refuses is read again; a file that went is an outage, no end of the daemon."""
    user = api.user("pod", namespace=namespace)
    user.allow(READ)
    mounted.write_text("outworn")
    replaced, gone = Api(client_factory("in-cluster", None, None)), Api(client_factory("in-cluster", None, None))
    mounted.write_text(user.token())
    assert replaced.get(endpoints(namespace))["items"] == []
    mounted.unlink()
    with pytest.raises(Unavailable, match="no usable credentials"):
        gone.get(endpoints(namespace))


@pytest.fixture
def certificate(api: Server, tmp_path: Path) -> Path:
    """A kubeconfig with a client certificate of an authority that the server trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    issued = authority.issue_cert("admin@example.com", common_name="admin", organization_name="system:masters")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    api.server.restart(f"--client-ca-file={tmp_path / 'clients.pem'}")
    file = str(tmp_path / "client.pem")
    return api.write_kubeconfig("certificate", {"client-certificate": file, "client-key": file})


def test_a_client_certificate_logs_in(api: Server, namespace: str, certificate: Path) -> None:
    """A kubeconfig may hold a certificate in a token's place."""
    assert by(certificate).get(endpoints(namespace))["items"] == []


def test_a_renewed_token_is_read_again(api: Server, namespace: str) -> None:
    """When the server does not take the token, what the file holds by now is used; no word shows it."""
    user = api.user("reader", namespace=namespace)
    user.allow(READ)
    good = user.token()
    user.token_file.write_text("outworn")
    made = by(user.kubeconfig)
    with pytest.raises(Unavailable, match="401") as told:
        made.get(endpoints(namespace))
    assert "outworn" not in repr(told.value)
    user.token_file.write_text(good)
    assert made.get(endpoints(namespace))["kind"] == "EndpointsList"


def test_a_server_that_proves_nothing_gets_no_token(api: Server, namespace: str, tmp_path: Path) -> None:
    """Behind another certificate than the kubeconfig's nobody is asked anything."""
    (tmp_path / "other").mkdir()
    other = certificates.issue(tmp_path / "other", api.address).authority
    text = api.kubeconfig.read_text().replace(str(api.credentials.server.authority), str(other))
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(text)
    with pytest.raises(Unavailable, match="its certificate does not pass") as told:
        by(kubeconfig).get(endpoints(namespace))
    assert api.credentials.admin_token not in repr(told.value)


def test_each_no_of_a_real_server_has_its_error(api: Server, namespace: str) -> None:
    """Missing, conflicting, forbidden, invalid, too busy: each is told apart."""
    made, body = by(api.kubeconfig), {"metadata": {"name": "db"}}
    with pytest.raises(Missing):
        made.get(endpoints(namespace, "db"))
    made.post(endpoints(namespace), body)
    with pytest.raises(Conflict):
        made.post(endpoints(namespace), body)
    with pytest.raises(Rejected, match="422"):
        made.merge(endpoints(namespace, "db"), {"subsets": [{"ports": [{"port": 1}]}]})
    user = api.user("nobody", namespace=namespace)
    with pytest.raises(Rejected, match="403"):
        by(user.kubeconfig).get(endpoints(namespace))
    with api.too_busy(user), pytest.raises(Unavailable) as told:
        by(user.kubeconfig).get(endpoints(namespace))
    assert told.value.retry_after == 1.0


def test_a_frozen_server_holds_no_call(api: Server, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads, writes and the begin of a watch end by their deadline, over a new connection and over one that stood."""
    stood, new = by(api.kubeconfig), by(api.kubeconfig)
    stood.get(endpoints(namespace))
    monkeypatch.setattr(client, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.5)
    api.server.freeze()
    for made in (stood, new):
        for ask in (_get, _write, _watch):
            started = time.monotonic()
            with pytest.raises(ClusterError):
                ask(made, namespace)
            assert time.monotonic() - started < 20  # the server is frozen until the test ends


def _get(made: Api, namespace: str) -> None:
    made.get(endpoints(namespace))


def _write(made: Api, namespace: str) -> None:
    made.merge(endpoints(namespace, "db"), {})


def _watch(made: Api, namespace: str) -> None:
    with Deadline(client.CALL_SECONDS) as call:
        next(made.watch(endpoints(namespace), "1", call))
