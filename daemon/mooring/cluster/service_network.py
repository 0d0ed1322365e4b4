"""Whether the ClusterIPs that we reach from here are those of the cluster whose API server we ask.

Outside its pods and nodes, such an address may be anybody's: that of another cluster, or of a machine in the office.
"""

from __future__ import annotations

import socket
import ssl

from mooring.cluster.client import Api
from mooring.cluster.manifest import facts
from mooring.model.errors import ClusterError
from mooring.model.facts import place

SECONDS = 5.0
PATH = "/api/v1/namespaces/default/services/kubernetes"
"""The Service before the API server: whoever answers at its ClusterIP has the certificate of this cluster."""


def why_another(api: Api) -> str:
    """Why nobody can say that a ClusterIP leads into this cluster; empty: it does.

    Nothing is sent there but a TLS handshake.
    """
    try:
        service = facts(api.get(PATH))
    except ClusterError as error:
        return str(error)
    except (KeyError, TypeError, AttributeError, ValueError):
        return "what answers is no API server"
    authority = api.authority
    if authority is None:
        return "the login to the API server names no CA of the cluster"
    if not service.cluster_ips or not service.ports:
        return "the Service default/kubernetes has no ClusterIP"
    return _why_not_signed(service.cluster_ips[0], service.ports[0].port, authority)


def _why_not_signed(address: str, port: int, authority: str) -> str:
    """Why what listens there does not prove to be the API server of that CA; empty: it does."""
    where = f"{place(address, port)} (default/kubernetes)"
    try:
        context = ssl.create_default_context(cafile=authority)
        with (
            socket.create_connection((address, port), SECONDS) as line,
            context.wrap_socket(line, server_hostname=address),
        ):
            return ""
    except ssl.SSLError:
        return f"{where} does not show a certificate of this cluster"
    except (OSError, ValueError) as error:
        silent = isinstance(error, TimeoutError)
        return f"{where}: {f'no answer within {SECONDS:g} s' if silent else getattr(error, 'strerror', None) or error}"
