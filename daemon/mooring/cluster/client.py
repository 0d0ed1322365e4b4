"""Calls to a Kubernetes API server: JSON in, JSON out, each with a deadline, each error in words of ``errors``."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

from mooring import __version__
from mooring.errors import ClusterError, Conflict, NoCredentials, Rejected, Unavailable

CONNECT_SECONDS = 3.0
CALL_SECONDS = 5.0
STREAM_SECONDS = 60.0
"""How long a watch stays open; it is begun anew where it ended, so that a lost connection is noticed in this time."""
STREAM_GRACE_SECONDS = 15.0
FIELD_MANAGER = "mooring"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

CALL = urllib3.Timeout(connect=CONNECT_SECONDS, read=CALL_SECONDS, total=CALL_SECONDS)
STREAM = urllib3.Timeout(connect=CONNECT_SECONDS, read=STREAM_SECONDS + STREAM_GRACE_SECONDS)

Json = Mapping[str, Any]
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call; ``kind`` is the content type of the body."""

    method: str
    path: str
    query: Query = ()
    body: Json | None = None
    kind: str = ""
    timeout: urllib3.Timeout = CALL

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Missing(ClusterError):
    """There is no such object."""


class Expired(ClusterError):
    """The watch must begin anew with a list (410 Gone)."""


def login(cluster: str, kubeconfig: Path | None, context: str | None) -> Callable[[], ApiClient]:
    """How to log in: ``in-cluster``, ``kubeconfig`` (without a file, where kubectl looks), or ``auto``."""
    if cluster == "in-cluster" or (cluster == "auto" and SERVICE_ACCOUNT.exists()):
        return lambda: _client(_load_in_cluster)
    return lambda: _client(lambda into: _load_kubeconfig(into, str(kubeconfig) if kubeconfig else None, context))


def _load_in_cluster(into: Configuration) -> None:
    load_incluster_config(client_configuration=into)  # type: ignore[no-untyped-call]  # ships without


def _load_kubeconfig(into: Configuration, file: str | None, context: str | None) -> None:
    load_kube_config(file, context, into, persist_config=False)  # type: ignore[no-untyped-call]  # ships without


def _client(load: Callable[[Configuration], None]) -> ApiClient:
    """Raises NoCredentials: they are not there, or cannot be read."""
    configuration = Configuration()
    try:
        load(configuration)
    except (ConfigException, OSError, ValueError, TypeError, KeyError) as error:
        raise NoCredentials(f"no usable credentials for a cluster: {error}") from error
    # The caller decides what is tried again, and when: urllib3's own retries would hide an outage.
    configuration.retries = False
    client = ApiClient(configuration)
    client.user_agent = f"mooring/{__version__}"
    return client


class Api:
    """One API server. ``login`` makes a client; it is called again when the server no longer knows our token."""

    def __init__(self, login: Callable[[], ApiClient]) -> None:
        self._login = login
        self._lock = threading.Lock()
        self._client = login()

    def get(self, path: str, query: Query = ()) -> Json:
        """Raises Missing, Unavailable, Rejected."""
        return self._call(Request("GET", path, query))

    def merge(self, path: str, body: Json, query: Query = ()) -> Json:
        """A merge patch (RFC 7386). Raises Conflict, Missing, Unavailable, Rejected."""
        return self._call(Request("PATCH", path, _managed(query), body, "application/merge-patch+json"))

    def apply(self, path: str, body: Json, query: Query = ()) -> Json:
        """A server-side apply. Raises Conflict, Unavailable, Rejected."""
        return self._call(Request("PATCH", path, _managed(query), body, "application/apply-patch+yaml"))

    def post(self, path: str, body: Json) -> Json:
        """Creates. Raises Conflict, Unavailable, Rejected."""
        return self._call(Request("POST", path, (), body, "application/json"))

    def watch(self, path: str, version: str) -> Iterator[Json]:
        """The events after that version, until the server ends the stream. Raises Expired, Unavailable, Rejected."""
        query = (
            ("watch", "true"),
            ("resourceVersion", version),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(int(STREAM_SECONDS))),
        )
        response = self._send(Request("GET", path, query, timeout=STREAM))
        try:
            for line in _lines(response):
                event = json.loads(line)
                if event.get("type") == "ERROR":
                    raise _of_status(event.get("object") or {})
                yield event
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(f"the watch of {path} broke: {error}") from error
        finally:
            response.close()

    def _call(self, request: Request) -> Json:
        response = self._send(request)
        try:
            answer = json.loads(response.read())
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(f"the API server broke off its answer to {request}") from error
        if not isinstance(answer, dict):
            raise Unavailable(f"the API server answered {request} with no object")
        return answer

    def _send(self, request: Request) -> urllib3.BaseHTTPResponse:
        """Sends, and once more with a token read anew where ours was not accepted."""
        client = self._client
        response = _sent(client, request)
        if response.status == HTTPStatus.UNAUTHORIZED:
            response = _sent(self._relogin(client), request)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise _error(request, response)
        return response

    def _relogin(self, old: ApiClient) -> ApiClient:
        with self._lock:
            if self._client is old:
                try:
                    self._client = self._login()
                except NoCredentials as error:
                    raise Unavailable(str(error)) from error
            return self._client


def _managed(query: Query) -> Query:
    return (*query, ("fieldManager", FIELD_MANAGER))


def _sent(client: ApiClient, request: Request) -> urllib3.BaseHTTPResponse:
    headers = {"Accept": "application/json"} | ({"Content-Type": request.kind} if request.kind else {})
    method, url, sent_headers, _body, _post = client.param_serialize(
        request.method, request.path, None, list(request.query), headers, None, auth_settings=["BearerToken"]
    )
    try:
        return client.rest_client.pool_manager.request(
            method,
            url,
            body=None if request.body is None else json.dumps(request.body),
            headers=sent_headers,
            timeout=request.timeout,
            preload_content=False,
            retries=False,
        )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable(f"the API server does not answer: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    """The innermost words; a pool's repr of itself tells nobody anything."""
    return f"{type(error).__name__}: {error}"[:256]


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(65536, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())


def _error(request: Request, response: urllib3.BaseHTTPResponse) -> ClusterError:
    try:
        body = json.loads(response.read() or b"{}")
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        body = {}
    finally:
        response.close()
    status = body if isinstance(body, dict) else {}
    return _of_status({**status, "code": response.status}, f"{request}: ", response.headers.get("Retry-After"))


def _of_status(status: Json, doing: str = "", retry_after: str | None = None) -> ClusterError:
    """A Kubernetes Status (API conventions, "Response Status Kind") as an error of ours."""
    code = int(status.get("code") or 0)
    text = f"{doing}{code}: {status.get('message') or status.get('reason') or 'no reason given'}"[:512]
    if code == HTTPStatus.CONFLICT:
        return Conflict(text)
    if code == HTTPStatus.NOT_FOUND:
        return Missing(text)
    if code == HTTPStatus.GONE:
        return Expired(text)
    if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(text, _seconds(retry_after))
    return Rejected(text)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdigit() else None
