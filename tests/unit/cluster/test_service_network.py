"""Whether a ClusterIP that answers is one of this cluster."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from lab import certificates
from lab.listeners import closed_port
from lab.servers import Certificate
from mooring.cluster.client import Api
from mooring.cluster.service_network import PATH, why_another
from mooring.model.errors import Rejected

SELF = "127.0.0.1"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificates.issue(tmp_path_factory.mktemp("cluster"), SELF)


@contextlib.contextmanager
def serving(files: Certificate) -> Iterator[int]:
    """The port of a TLS server with that certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    with socket.create_server((SELF, 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line, contextlib.suppress(OSError):
                    context.wrap_socket(line, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(60)


@pytest.fixture
def door(files: Certificate) -> Iterator[int]:
    with serving(files) as port:
        yield port


class Cluster:
    """An API server with the Service before it at this port."""

    def __init__(self, port: int, authority: Path | None, spec: Mapping[str, Any] | None = None) -> None:
        self.authority = authority and str(authority)
        self._spec = {"clusterIPs": [SELF], "ports": [{"port": port}]} if spec is None else spec

    def get(self, path: str) -> Mapping[str, Any]:
        assert path == PATH
        return {"spec": self._spec}


def why(cluster: object) -> str:
    return why_another(cast("Api", cluster))


def test_who_has_the_cluster_s_certificate_is_the_cluster(door: int, files: Certificate) -> None:
    """So its Services are reached from here."""
    assert why(Cluster(door, files.authority)) == ""


def test_another_cluster_has_another_certificate(door: int, tmp_path: Path) -> None:
    """Though the address is the same."""
    other = certificates.issue(tmp_path, SELF)
    assert "does not show a certificate of this cluster" in why(Cluster(door, other.authority))


def test_a_certificate_for_another_address_proves_nothing(tmp_path: Path) -> None:
    """Some other machine of the same authority."""
    files = certificates.issue(tmp_path, "10.96.0.1")
    with serving(files) as port:
        assert "does not show a certificate of this cluster" in why(Cluster(port, files.authority))


def test_silence_and_a_missing_address_prove_nothing(files: Certificate) -> None:
    """Nor does a login that names no authority."""
    assert f"{SELF}:{(port := closed_port())} (default/kubernetes): Connection refused" in why(
        Cluster(port, files.authority)
    )
    assert "has no ClusterIP" in why(Cluster(1, files.authority, {"clusterIP": "None"}))
    assert "names no CA" in why(Cluster(1, None))


def test_an_account_that_may_not_read_the_service_knows_nothing() -> None:
    """The answer says which right is missing."""

    class Refusing:
        def get(self, path: str) -> Mapping[str, Any]:
            raise Rejected(f"GET {path}: forbidden")

    assert why(Refusing()) == f"GET {PATH}: forbidden"
